"""Queries behind the asset checks of stage core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aap_pipeline.database import options
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement

UNPARSED_AFTER_SECONDS: Final = 3600
AUDIT_A_NIGHT: Final = 200_000


@dataclass(frozen=True, slots=True)
class HostTotals:
    """A comparison of host totals with host summaries; `disagreeing` are external ids of jobs."""

    checked: int
    disagreeing: list[int]


@dataclass(frozen=True, slots=True)
class Unparsed:
    """Raw rows of a cluster that are unparsed for too long."""

    cluster_id: int
    rows: int
    oldest: datetime


def host_totals(connection: Connection, cluster_id: int, audit: int = AUDIT_A_NIGHT) -> HostTotals:
    """Check all jobs that are new since the last call, and the next `audit` others of a rotation through all jobs.

    The caller commits the progress.
    """
    where = {"cluster_id": cluster_id}
    row = connection.execute(statement("core/host_totals_progress"), where).fetchone()
    assert row is not None  # noqa: S101 - an outer join of one row
    newest, audited, last = row
    new, _ = _host_totals(connection, cluster_id, newest, last, None)
    old, reached = _host_totals(connection, cluster_id, audited, newest, audit)
    # Fewer than requested: the rotation is at its end, and the next call begins again.
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
    """Return raw rows that have been unparsed for `older_than` seconds, of one cluster or all."""
    values = {"cluster_id": cluster_id, "age": older_than}
    return [Unparsed(*row) for row in connection.execute(statement("core/check_unparsed"), values)]


def rejected_since(
    connection: Connection, since: datetime | None = None, cluster_id: int | None = None
) -> dict[tuple[int, str], int]:
    """Count quarantined records rejected after `since` (None: all), by cluster id and reason."""
    rows = connection.execute(statement("core/check_rejected"), {"cluster_id": cluster_id, "since": since})
    return {(cluster, reason): count for cluster, reason, count in rows}


def without_hosts(connection: Connection, cluster_id: int, since: datetime) -> dict[str, int]:
    """Count jobs without a host that finished after `since`, by status (successful, failed)."""
    rows = connection.execute(statement("core/check_without_hosts"), {"cluster_id": cluster_id, "since": since})
    return dict(rows.fetchall())


def clocks(connection: Connection, cluster_id: int, since: datetime) -> int:
    """Count jobs that finished after `since` and, by the controller's clocks, before they started."""
    values = {"cluster_id": cluster_id, "since": since}
    row = connection.execute(statement("core/check_clocks"), values).fetchone()
    assert row is not None  # noqa: S101 - an aggregate
    return int(row[0])


def provisional(connection: Connection, cluster_id: int) -> list[int]:
    """Return external ids of jobs that are still provisional an hour after the wait for host summaries ended."""
    deadline = options.get(connection, options.SUMMARIES_DEADLINE_MINUTES) + 60
    values = {"cluster_id": cluster_id, "minutes": deadline}
    return [row[0] for row in connection.execute(statement("core/check_provisional"), values)]


def verified_totals(connection: Connection, cluster_id: int, audit: int) -> HostTotals:
    """Run `host_totals`, and commit its progress only if all agree, so that a fault is found until it is repaired."""
    connection.commit()
    found = host_totals(connection, cluster_id, audit)
    if found.disagreeing:
        connection.rollback()
    else:
        connection.commit()
    return found


def recount(connection: Connection, cluster_id: int, external_ids: Sequence[int]) -> None:
    """Recompute the host totals of the jobs from their host summaries. The caller commits."""
    connection.execute(statement("core/hold_time_zone"))
    timezone = options.get(connection, options.REPORTING_TIMEZONE)
    values = {"cluster_id": cluster_id, "external_ids": list(external_ids), "timezone": timezone}
    connection.execute(statement("core/recount_hosts"), values)
