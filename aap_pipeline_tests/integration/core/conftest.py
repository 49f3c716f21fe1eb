"""A cluster, and a function that takes documents through the raw table into core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aap_pipeline.core.parse import ParseResult, parse
from aap_pipeline.warehouse.connection import Connection
from aap_pipeline_tests.integration.core.helpers import add_cluster, add_raw

Store = Callable[..., ParseResult]


@pytest.fixture
def cluster(connection: Connection) -> int:
    """Id of a cluster."""
    return add_cluster(connection)


@pytest.fixture
def store(connection: Connection, database_url: str, cluster: int) -> Store:
    """Store documents in the raw table and parse them: `store(job(1), job(2))`, `store(template(1, "x"), kind=…)`."""

    def through_raw(*documents: Any, kind: str = "job", provisional: bool = False) -> ParseResult:
        add_raw(connection, cluster, documents, kind, provisional=provisional)
        return parse(database_url, cluster)

    return through_raw
