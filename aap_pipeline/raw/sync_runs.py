"""The log of syncs: one row of `pipeline.sync_run` per sync."""

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from psycopg.types.json import Jsonb

from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.statistics import Statistics
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.raw.tally import Tally
from aap_pipeline.raw.window import Plan


@dataclass(frozen=True)
class SyncReport:
    """The figures of a sync, as in `pipeline.sync_run`. Times are UTC; `seconds` and `lag` are in seconds."""

    window_from: datetime
    window_to: datetime
    slices: int
    jobs_counted: int
    jobs_seen: int
    jobs_stored: int
    jobs_known: int
    jobs_provisional: int
    host_summaries: int
    requests: int
    retries: dict[str, int]
    bytes: int
    seconds: float
    controller_seconds: float
    share_held_back: float
    newest_finished: datetime | None
    lag_seconds: float | None
    paused: bool = False
    """Whether this is a backfill that paused before the end of its window, to let live syncs run."""
    warnings: tuple[str, ...] = ()
    """Sentences for the operator about a sync that succeeded."""


def begin_run(connection: Connection, cluster_id: int, kind: str, dagster_run_id: str | None = None) -> int:
    """Insert the row of a sync of this `kind` (sync, backfill or reconcile) and return its id."""
    [row] = connection.execute(
        statement("raw/begin_run"),
        {"cluster": cluster_id, "kind": kind, "dagster_run_id": dagster_run_id},
    ).fetchall()
    return int(row[0])


def report_of(
    client: ControllerClient | None, plan: Plan | None, tally: Tally, started: float, warnings: tuple[str, ...] = ()
) -> SyncReport:
    """Return the figures so far of a sync that began at `started` (monotonic seconds)."""
    figures = client.statistics.snapshot() if client else Statistics().snapshot()
    now = client.controller_now() if client else datetime.now(UTC)
    live = plan is not None and plan.backfill is None  # a backfill has no lag
    return SyncReport(
        window_from=plan.window.after if plan else now,
        window_to=plan.window.until if plan else now,
        slices=tally.slices,
        jobs_counted=tally.counted,
        jobs_seen=tally.seen,
        jobs_stored=tally.stored,
        jobs_known=tally.known,
        jobs_provisional=tally.provisional,
        host_summaries=tally.host_summaries,
        requests=figures.requests,
        retries=figures.retries_by_cause,
        bytes=figures.bytes,
        seconds=round(time.monotonic() - started, 3),
        controller_seconds=round(figures.seconds_answering, 3),
        share_held_back=round(figures.share_held_back, 4),
        newest_finished=tally.newest,
        lag_seconds=(now - tally.newest).total_seconds() if live and tally.newest else None,
        paused=tally.paused,
        warnings=warnings,
    )


def end_run(connection: Connection, run: int, report: SyncReport, error: str | None) -> None:
    outcome = "succeeded" if error is None else "failed"
    parameters = {**asdict(report), "retries": Jsonb(report.retries), "run": run, "outcome": outcome, "error": error}
    connection.execute(statement("raw/end_run"), parameters)
