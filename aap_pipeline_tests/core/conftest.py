"""A cluster, a function that takes documents through the raw table into core, and somebody else who gets in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aap_pipeline.core.batch import ParseResult
from aap_pipeline.core.parse import parse
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline_tests.core.helpers import add_cluster, add_raw
from aap_pipeline_tests.statements import name_of, watch

Store = Callable[..., ParseResult]
Interrupt = Callable[[str, Callable[[], object]], None]


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


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> Interrupt:
    """`before("core/NAME", action)` runs `action` once, when that statement is about to be sent."""

    def interrupt(name: str, action: Callable[[], object]) -> None:
        waiting = [action]

        def seen(_: Connection, query: str, __: object) -> None:
            if waiting and name_of(query) == name:
                waiting.pop()()

        watch(monkeypatch, seen)

    return interrupt


@pytest.fixture
def other(database_url: str) -> Iterator[Connection]:
    """Somebody else, who does not wait for locks."""
    with connect(database_url, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '1ms'")
        yield connection
