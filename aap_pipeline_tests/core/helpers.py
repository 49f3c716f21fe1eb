"""Clusters, raw rows and tables by natural keys, for the tests of stage core."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement

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


def quarantine(connection: Connection, cluster_id: int, **record: object) -> None:
    """A job in quarantine as stage raw writes it; the caller commits."""
    usual = {"kind": "job", "external_id": None, "reason": "r", "message": "m.", "document": "{}"}
    values = {"fingerprint": None, "provisional": False, "cluster_id": cluster_id, **usual, **record}
    connection.execute(statement("raw/quarantine"), values)


def _identity(document: object) -> int | None:
    identity = document.get("id") if isinstance(document, dict) else None
    return identity if type(identity) is int and 0 < identity < 2**31 else None


def job(identity: int, **changes: Any) -> Document:
    """A finished job with one host as a controller sends it; `changes` replace keys, `summary_fields` are merged."""
    document: Document = {
        "id": identity,
        "type": "job",
        "job_type": "run",
        "launch_type": "manual",
        "name": "Patch",
        "description": "",
        "status": "successful",
        "failed": False,
        "started": "2026-03-01T10:00:00Z",
        "finished": "2026-03-01T10:01:30.5Z",
        "elapsed": 90.5,
        "created": "2026-03-01T09:59:58Z",
        "modified": "2026-03-01T09:59:59Z",
        "organization": 1,
        "job_template": 11,
        "project": 8,
        "inventory": 2,
        "launched_by": {"id": 1, "name": "admin", "type": "user"},
        "job_host_summaries": [summary(identity * 100, identity)],
    }
    fields = {
        "organization": {"id": 1, "name": "Default", "description": ""},
        "job_template": {"id": 11, "name": "Patch", "description": ""},
        "project": {"id": 8, "name": "playbooks", "description": ""},
        "inventory": {"id": 2, "name": "all", "description": ""},
        "labels": {"count": 0, "results": []},
    }
    return {**document, **changes, "summary_fields": {**fields, **changes.get("summary_fields", {})}}


def summary(identity: int, of_job: int, host: int | None = 5, name: str = "web1", **changes: Any) -> Document:
    """A host summary; `host` None for one that is in no inventory."""
    fields = {} if host is None else {"host": {"id": host, "name": name, "description": ""}}
    return {
        "id": identity,
        "job": of_job,
        "host": host,
        "host_name": name,
        "changed": 1,
        "dark": 0,
        "failures": 0,
        "ok": 3,
        "processed": 1,
        "skipped": 0,
        "failed": False,
        "ignored": 0,
        "rescued": 0,
        "created": "2026-03-01T10:01:31Z",
        "modified": "2026-03-01T10:01:31Z",
        "summary_fields": fields,
        **changes,
    }


def labels(*names: tuple[int, str]) -> Document:
    """`summary_fields.labels` with all of a job's labels."""
    return {"count": len(names), "results": [{"id": identity, "name": name} for identity, name in names]}


def template(identity: int, name: str, organization: int | None = 1, **changes: Any) -> Document:
    """A job template as a controller lists it."""
    fields = {} if organization is None else {"organization": {"id": organization, "name": f"Org {organization}"}}
    return {"id": identity, "type": "job_template", "name": name, "description": "", "organization": organization,
            "summary_fields": fields, **changes}  # fmt: skip


def values(connection: Connection, query: str) -> list[Any]:
    """Rows of a query, single columns as plain values."""
    rows = connection.execute(query.encode()).fetchall()
    connection.commit()
    return [row[0] if len(row) == 1 else row for row in rows]
