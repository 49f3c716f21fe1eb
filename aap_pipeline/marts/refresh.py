"""Brings the marts up to date with core: what changed, cluster by cluster, one transaction each."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import date
from typing import Any, LiteralString

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.locks import LockKind, advisory_xact_lock
from aap_pipeline.database.statements import statement
from aap_pipeline.marts.estimate import estimate_minutes

_DIMENSIONS: tuple[LiteralString, ...] = ("cluster", "organization", "job_template", "project", "user", "label", "host")

_FACTS: tuple[LiteralString, ...] = (
    "run_daily",
    "run_monthly",
    "activity_daily",
    "launches_daily",
    "launches_pentad",
    "launches_monthly",
    "workload_to_date",
    "launcher_to_date",
    "host_set_daily",
    "host_set_pentad",
    "host_set_monthly",
    "organization_host_set_daily",
    "organization_host_set_monthly",
    "platform_month",
)
"""In the order in which they are built: each from those before it."""


@dataclass(frozen=True)
class RefreshResult:
    """What a refresh did: the clusters it found work in, the days it built, the rows it wrote, and for how long."""

    clusters: tuple[int, ...] = ()
    days: tuple[date, ...] = ()
    runs: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    repriced_rows: int = 0
    rebuilt: tuple[str, ...] = ()
    seconds: float = 0.0


def refresh(connection: Connection, cluster_id: int | None = None) -> RefreshResult:
    """Build what `pipeline.changed_day`, `changed_rate` and `rebuild_due` note, for one cluster or for all.

    Each cluster is one transaction that also takes the notes: killed at any point, it leaves marts and notes as they
    were. Two refreshes of one cluster wait for each other; refreshes of different clusters run side by side.
    """
    started = time.monotonic()
    done = [_refresh_cluster(connection, cluster) for cluster in _clusters(connection, cluster_id)]
    return _sum(done, time.monotonic() - started)


def rebuild(connection: Connection, cluster_id: int | None = None) -> RefreshResult:
    """Build everything from core, for one cluster or for all; same transactions and locks as `refresh`."""
    started = time.monotonic()
    done = [_refresh_cluster(connection, cluster, everything=True) for cluster in _clusters(connection, cluster_id)]
    return _sum(done, time.monotonic() - started)


def _clusters(connection: Connection, cluster_id: int | None) -> list[int]:
    if cluster_id is not None:
        return [cluster_id]
    with connection.transaction():
        return [row[0] for row in connection.execute(statement("marts/clusters"))]


def _refresh_cluster(connection: Connection, cluster_id: int, *, everything: bool = False) -> RefreshResult:
    with connection.transaction():
        advisory_xact_lock(connection, LockKind.MARTS, cluster_id)
        connection.execute(statement("marts/apply_due_rates"))
        changes = _taken(connection, "marts/take_changed_rates", cluster_id)
        days = _taken(connection, "marts/take_changed_days", cluster_id)
        reasons = _taken(connection, "marts/take_rebuilds", cluster_id)
        if everything:
            reasons = ["asked for", *reasons]
        if days or reasons:
            result = _build(connection, cluster_id, days, reasons)
            if reasons:
                changes = []  # everything was built, by the rates in force
        else:
            result = RefreshResult(rows={"dimensions": _sync_dimensions(connection, cluster_id)})
        estimate_minutes(connection, cluster_id)
        changes += _taken(connection, "marts/take_changed_rates", cluster_id)
        return _reprice(connection, cluster_id, result, min(changes)) if changes else result


def _build(connection: Connection, cluster_id: int, days: list[date], reasons: list[str]) -> RefreshResult:
    connection.execute(statement("marts/create_work_tables"))
    if reasons:
        _run(connection, "marts/load_all_days", cluster_id)
    else:
        connection.execute(statement("marts/load_days"), {"days": days})
    built = tuple(row[0] for row in connection.execute(statement("marts/days")))
    connection.execute(statement("marts/fill_dates"))
    connection.execute(statement("marts/analyze_days"))
    _run(connection, "marts/load_jobs", cluster_id)
    # After the jobs: a batch that core commits in between may bring jobs, but never one whose dimensions are missing.
    written = {"dimensions": _sync_dimensions(connection, cluster_id)}
    connection.execute(statement("marts/analyze_jobs"))
    _run(connection, "marts/add_label_sets", cluster_id)
    _run(connection, "marts/add_workloads", cluster_id)
    if _run(connection, "marts/add_series", cluster_id):
        connection.execute(statement("marts/analyze_series"))
    runs = _run(connection, "marts/load_runs", cluster_id)
    _run(connection, "marts/load_touched", cluster_id)
    connection.execute(statement("marts/analyze_runs"))
    for fact in _FACTS:
        _run(connection, f"marts/delete_{fact}", cluster_id)
        written[fact] = _run(connection, f"marts/insert_{fact}", cluster_id)
    _run(connection, "marts/delete_first_runs", cluster_id)
    written["first_run"] = _run(connection, "marts/insert_first_runs", cluster_id)
    return RefreshResult((cluster_id,), built, runs, written, 0, tuple(dict.fromkeys(reasons)))


def _sync_dimensions(connection: Connection, cluster_id: int) -> int:
    return sum(_run(connection, f"marts/sync_dim_{name}", cluster_id) for name in _DIMENSIONS)


def _reprice(connection: Connection, cluster_id: int, result: RefreshResult, valid_from: date) -> RefreshResult:
    """Costs as recorded, from the first day that a noted change of rates or minutes concerns."""
    parameters = {"cluster_id": cluster_id, "valid_from": valid_from}
    _run(connection, "marts/sync_dim_cluster", cluster_id)  # the change may be one of the cost model
    connection.execute(statement("marts/create_work_tables"))
    connection.execute(statement("marts/load_days_from"), parameters)
    repriced = connection.execute(statement("marts/record_monthly_costs"), parameters).rowcount
    # Most of these rows are changed: written anew, they need no second statement that sums days.
    _run(connection, "marts/delete_workload_to_date", cluster_id)
    repriced += _run(connection, "marts/insert_workload_to_date", cluster_id)
    return RefreshResult((cluster_id,), result.days, result.runs, result.rows, repriced, result.rebuilt)


def _run(connection: Connection, name: LiteralString, cluster_id: int) -> int:
    """Run a named statement for one cluster; the rows it wrote."""
    return connection.execute(statement(name), {"cluster_id": cluster_id}).rowcount


def _taken(connection: Connection, name: LiteralString, cluster_id: int) -> list[Any]:
    return [row[0] for row in connection.execute(statement(name), {"cluster_id": cluster_id})]


def _sum(results: list[RefreshResult], seconds: float) -> RefreshResult:
    rows: dict[str, int] = {}
    for result in results:
        for name, count in result.rows.items():
            rows[name] = rows.get(name, 0) + count
    return RefreshResult(
        clusters=tuple(cluster for result in results for cluster in result.clusters),
        days=tuple(sorted({day for result in results for day in result.days})),
        runs=sum(result.runs for result in results),
        rows=rows,
        repriced_rows=sum(result.repriced_rows for result in results),
        rebuilt=tuple(dict.fromkeys(reason for result in results for reason in result.rebuilt)),
        seconds=seconds,
    )
