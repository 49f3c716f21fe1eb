"""What must hold in core, as queries that a Dagster asset check or a person can ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement

UNPARSED_AFTER_SECONDS: Final = 3600
_AUDIT_JOBS: Final = 50_000


@dataclass(frozen=True, slots=True)
class HostTotals:
    """Jobs whose host statistics were held against their host summaries; `disagreeing` are external ids."""

    checked: int
    disagreeing: list[int]


@dataclass(frozen=True, slots=True)
class Unparsed:
    """Raw rows of a cluster that wait longer than they should."""

    cluster_id: int
    rows: int
    oldest: datetime


def host_totals(connection: Connection, cluster_id: int, audit: int = _AUDIT_JOBS) -> HostTotals:
    """Check all jobs that are new since the last call, and `audit` others: call after call it goes round all of them.

    The caller commits, which remembers how far it came.
    """
    where = {"cluster_id": cluster_id}
    row = connection.execute(statement("core/host_totals_progress"), where).fetchone()
    assert row is not None  # noqa: S101 - an outer join of one row
    newest, audited, last = row
    new, _ = _host_totals(connection, cluster_id, newest, last, None)
    old, reached = _host_totals(connection, cluster_id, audited, newest, audit)
    # Fewer than asked for: that was the end, and the next call begins again.
    progress = {"newest_id": last, "audited_id": reached if old.checked == audit else 0}
    connection.execute(statement("core/note_host_totals_progress"), {**where, **progress})
    return HostTotals(new.checked + old.checked, new.disagreeing + old.disagreeing)


def _host_totals(
    connection: Connection, cluster_id: int, after: int, up_to: int, limit: int | None
) -> tuple[HostTotals, int]:
    values = {"cluster_id": cluster_id, "after": after, "up_to": up_to, "limit": limit}
    row = connection.execute(statement("core/check_host_totals"), values).fetchone()
    assert row is not None  # noqa: S101 - an aggregate
    checked, reached, disagreeing = row
    return HostTotals(checked, disagreeing), reached or 0


def unparsed(
    connection: Connection, cluster_id: int | None = None, older_than: float = UNPARSED_AFTER_SECONDS
) -> list[Unparsed]:
    """Raw rows that no parse has taken for `older_than` seconds, of one cluster or all."""
    values = {"cluster_id": cluster_id, "age": older_than}
    return [Unparsed(*row) for row in connection.execute(statement("core/check_unparsed"), values)]


def rejected_since(
    connection: Connection, since: datetime | None = None, cluster_id: int | None = None
) -> dict[tuple[int, str], int]:
    """How many records are in quarantine that were refused after `since` (None: ever), by cluster id and reason."""
    rows = connection.execute(statement("core/check_rejected"), {"cluster_id": cluster_id, "since": since})
    return {(cluster, reason): count for cluster, reason, count in rows}


def without_hosts(connection: Connection, cluster_id: int, since: datetime) -> dict[str, int]:
    """How many jobs that finished after `since` had no host, by status (successful, failed): kept, never counted."""
    rows = connection.execute(statement("core/check_without_hosts"), {"cluster_id": cluster_id, "since": since})
    return dict(rows.fetchall())
