"""Clusters, raw rows and tables by natural keys, for the tests of stage core."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from aap_pipeline.warehouse.connection import Connection

Document = dict[str, Any]


def add_cluster(connection: Connection, address: str = "aap.example.com") -> int:
    """A cluster; its id."""
    row = connection.execute(
        "INSERT INTO clusters_cluster (protocol, address, port, access_token) VALUES ('https', %s, 443, '') "
        "RETURNING id",
        [address],
    ).fetchone()
    connection.commit()
    assert row is not None
    return int(row[0])


def add_raw(
    connection: Connection,
    cluster_id: int,
    documents: Iterable[object],
    kind: str = "job",
    *,
    provisional: bool = False,
) -> None:
    """Raw rows as stage raw writes them, committed."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO clusters_clustersyncdata (cluster_id, kind, external_id, provisional, data) "
            "VALUES (%s, %s, %s, %s, %s)",
            [(cluster_id, kind, _identity(document), provisional, json.dumps(document)) for document in documents],
        )
    connection.commit()


def _identity(document: object) -> int | None:
    identity = document.get("id") if isinstance(document, dict) else None
    return identity if type(identity) is int and 0 < identity < 2**31 else None
