"""Refresh the marts from changed core rows, one transaction per cluster."""

import time
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, LiteralString

from aap_pipeline.clusters.registry import clusters
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.locks import LockKind, advisory_xact_lock
from aap_pipeline.database.statements import statement


@dataclass(frozen=True)
class RefreshResult:
    """The result of a refresh: the days built, the runs on them, the rows with new money only, the seconds."""

    days: frozenset[date] = frozenset()
    runs: int = 0
    repriced_rows: int = 0
    seconds: float = 0.0


def refresh(connection: Connection, cluster_id: int | None = None, *, everything: bool = False) -> RefreshResult:
    """Build what `pipeline.changed_day` and `changed_rate` note, for one cluster or for all.

    Each cluster is one transaction that also takes the notes: killed at any point, it leaves marts and notes as they
    were. Two refreshes of one cluster wait for each other; refreshes of different clusters run side by side.
    `everything`: all days, noted or not.
    """
    started = time.monotonic()
    with connection.transaction():
        chosen = [cluster_id] if cluster_id is not None else [each.id for each in clusters(connection)]
    done = [_refresh_cluster(connection, cluster, everything=everything) for cluster in chosen]
    if cluster_id is None:  # a month's share of a subscription depends on clusters that were refreshed later
        with connection.transaction():
            noted = [row[0] for row in connection.execute(statement("marts/noted_clusters"))]
        done += [_refresh_cluster(connection, cluster, everything=False) for cluster in noted]
    return RefreshResult(
        frozenset().union(*(each.days for each in done)),
        sum(each.runs for each in done),
        sum(each.repriced_rows for each in done),
        time.monotonic() - started,
    )


def _refresh_cluster(connection: Connection, cluster_id: int, *, everything: bool) -> RefreshResult:
    with connection.transaction():
        advisory_xact_lock(connection, LockKind.MARTS, cluster_id)
        connection.execute(statement("marts/read_sources"), {"cluster_id": cluster_id})
        changes = _taken(connection, "marts/take_changed_rates", cluster_id)
        days = [row[0] for row in _taken(connection, "marts/take_changed_days", cluster_id)]
        whole = everything or None in days
        result = RefreshResult()
        if days or whole:
            loaded = {"cluster_id": cluster_id, "days": None if whole else days}
            built = frozenset(row[0] for row in connection.execute(statement("marts/load_jobs"), loaded))
            [(runs,)] = _taken(connection, "marts/write_days", cluster_id)
            result = RefreshResult(built, runs)
            if whole:
                changes = []  # everything was built, by the rates in force
        else:
            connection.execute(statement("marts/sync_dimensions"), {"cluster_id": cluster_id})
        connection.execute(statement("marts/estimate_minutes"), {"cluster_id": cluster_id})
        changes += _taken(connection, "marts/take_changed_rates", cluster_id)
        return replace(result, repriced_rows=_reprice(connection, cluster_id, changes))


def _reprice(connection: Connection, cluster_id: int, changes: list[tuple[date, date]]) -> int:
    """Recompute the money of the days affected by noted changes of rates, minutes or settings, each day once."""
    written, done = 0, date.min
    for first, end in sorted(changes):
        if end > done:
            days = {"cluster_id": cluster_id, "from_date": max(first, done), "before_date": end}
            [row] = connection.execute(statement("marts/reprice"), days).fetchall()
            written, done = written + row[0], end
    return written


def _taken(connection: Connection, name: LiteralString, cluster_id: int) -> list[Any]:
    """Return the rows of a statement for one cluster."""
    return connection.execute(statement(name), {"cluster_id": cluster_id}).fetchall()
