"""Asset checks of raw/sync_data in each sync, and the pure functions that decide their results.

The nightly asset upkeep/reconciliation is more thorough.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from dagster import AssetCheckExecutionContext, AssetCheckResult, multi_asset_check

from aap_pipeline.clusters.controllers import ONE_QUESTION, UnexpectedFailure, open_controller
from aap_pipeline.clusters.partitions import cluster_step
from aap_pipeline.clusters.staleness import freshness, stale_after
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.errors import ControllerError
from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.orchestration.checks import Check, result, specs
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.verdict import Verdict
from aap_pipeline.raw.reconcile import Reconciliation
from aap_pipeline.raw.store import RawStore
from aap_pipeline.raw.window import Window
from aap_pipeline.reports.output import counted, listed

ASSET: Final = ("raw", "sync_data")
CLOCK_TOLERANCE = timedelta(seconds=60)
_FUTURE_TOLERANCE = timedelta(minutes=5)
_GRACE = timedelta(minutes=15)
_RECENT = timedelta(days=1)
_FEW = 300
_PATIENT_QUESTION = replace(ONE_QUESTION, read_timeout=30.0, retries=1)

COMPLETE = Check(
    "complete",
    "Of the last few hundred jobs (of at most one day), at least as many are stored as the controller counts.",
    "Run `aap-pipeline reconcile --cluster NAME`, or launch `nightly` for this cluster: it fetches and lists the "
    "missing jobs. The next sync that stores jobs checks again.",
)
SUMMARIES_IN_TIME = Check(
    "summaries_in_time",
    "No job waits for its host summaries past the deadline (setting summaries_deadline_minutes).",
    "Run `aap-pipeline sync --cluster NAME`, which settles overdue jobs or prints the error. If it succeeds and the "
    "check still fails, report a bug.",
)
WATERMARK = Check(
    "watermark_not_in_future",
    "The watermark is not ahead of the clock.",
    "Synchronize the controller's clock by NTP. Until the clock passes the watermark, only the nightly reconciliation "
    "fetches new jobs. To fetch them now, run `aap-pipeline reconcile --cluster NAME`.",
)
CLOCK_SKEW = Check(
    "clock_skew",
    "The clocks of the controller and of the database differ by less than a minute.",
    "Synchronize both by NTP. No job is lost, because windows follow the controller's clock, but lags are wrong.",
)
FRESH = Check(
    "fresh",
    "The cluster was synced within AAP_PIPELINE_ALERT_STALE_MINUTES (60), or twice quiet_sync_minutes. Between "
    "syncs, alerts_sensor watches it.",
    "Run `aap-pipeline clusters check NAME`, which reports what is wrong with the controller; if nothing is, run "
    "`aap-pipeline sync --cluster NAME`. Nothing is lost: the next sync reads all jobs that finished meanwhile.",
)


NOT_SYNCED: Final = Verdict(True, "This check begins with the first successful sync of new jobs.")


@dataclass(frozen=True)
class SyncHealth:
    """The sync state of a cluster.

    `started`, `finished`, `window_to` and `stored` (number of jobs) are those of the last successful sync. `window_to`
    is the time at its start. `window_to` and `watermark` are by the controller's clock, `now`, `started` and `finished`
    by the database's. `awaited`, `overdue` and `given_up` are numbers of jobs without all their host summaries.
    """

    now: datetime
    watermark: datetime | None
    started: datetime | None
    finished: datetime | None
    window_to: datetime | None
    awaited: int
    overdue: int
    given_up: int
    stored: int | None = None


def sync_health(connection: Connection, cluster_id: int) -> SyncHealth:
    """Return the state of one cluster. Host summaries are overdue 15 minutes after their deadline."""
    deadline = application_settings.read(connection).summaries_deadline_minutes
    values = {"cluster": cluster_id, "minutes": deadline + int(_GRACE.total_seconds() // 60)}
    [row] = connection.execute(statement("raw/check_sync"), values).fetchall()
    return SyncHealth(*row)


def recent_window(state: SyncHealth, overlap: timedelta, since: datetime | None) -> Window | None:
    """Return the window, from `since` on and of at most a day, whose jobs must all be stored; None before any sync.

    It ends `overlap` before the end of the last sync's window, because jobs may have appeared there since.
    """
    if state.watermark is None or state.window_to is None:
        return None
    until = min(state.watermark, state.window_to - overlap)
    day_before = until - _RECENT
    return Window(max(day_before, since) if since is not None and since < until else day_before, until)


def completeness(theirs: int, ours: int, window: Window) -> Verdict:
    """Fail if fewer jobs are stored than the controller counts. It may have deleted jobs that are stored."""
    text = (
        f"The controller has {counted(theirs, 'job')} that finished from {window.after:%Y-%m-%d %H:%M} to "
        f"{window.until:%Y-%m-%d %H:%M} UTC; stored: {ours:,}."
    )
    return Verdict(theirs <= ours, text, {"at_the_controller": theirs, "here": ours})


def reconciliation(found: Reconciliation) -> Verdict:
    """Fail if any job was missing, although the reconciliation has stored it."""
    figures = {"days": found.days, "missing": len(found.missing), "late": len(found.late), "requests": found.requests}
    if not found.missing:
        return Verdict(True, f"{counted(found.days, 'day agrees', 'days agree')} with the controller.", figures)
    days = ", ".join(count.day for count in found.differing[:10])
    text = counted(len(found.missing), "job was missing and is", "jobs were missing and are")
    return Verdict(False, f"{text} now stored (days {days}; jobs {listed(found.missing)}).", figures, severe=True)


def summaries_in_time(state: SyncHealth) -> Verdict:
    """Fail if any job is provisional past its deadline."""
    figures = {"awaited": state.awaited, "overdue": state.overdue, "given_up": state.given_up}
    text = f"{counted(state.awaited, 'job awaits', 'jobs await')} host summaries; past the deadline: {state.overdue:,}."
    return Verdict(state.overdue == 0, text, figures)


def watermark_not_in_future(state: SyncHealth) -> Verdict:
    """Fail if the watermark is ahead of all clocks, because syncs would skip jobs that finish before it."""
    if state.watermark is None:
        return NOT_SYNCED
    ahead = state.watermark - max(filter(None, (state.now, state.window_to)))
    text = f"The watermark is {state.watermark:%Y-%m-%d %H:%M:%S} UTC; the time is {state.now:%Y-%m-%d %H:%M:%S} UTC."
    figures = {"seconds_ahead": max(0.0, ahead.total_seconds())}
    return Verdict(ahead <= _FUTURE_TOLERANCE, text, figures, severe=True)


def clock_skew(state: SyncHealth) -> Verdict:
    """Fail if the controller's time at the start of a sync is outside that sync by the database's clock."""
    if state.window_to is None or state.started is None or state.finished is None:
        return NOT_SYNCED
    early, late = state.started - state.window_to, state.window_to - state.finished
    skew = max(early, late, timedelta())
    side = "behind" if early > late else "ahead of"
    text = f"The controller's clock is {skew.total_seconds():.0f} s {side} the database's."
    return Verdict(
        skew <= CLOCK_TOLERANCE,
        text if skew else "The controller's clock agrees with the database's.",
        {"seconds": skew.total_seconds()},
    )


@multi_asset_check(name="raw_checks", specs=specs(ASSET, [COMPLETE, SUMMARIES_IN_TIME, WATERMARK, CLOCK_SKEW, FRESH]))
def raw_checks(context: AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[AssetCheckResult]:
    with cluster_step(context, warehouse) as (connection, cluster):
        state = sync_health(connection, cluster.id)
        overlap = timedelta(minutes=application_settings.read(connection).sync_overlap_minutes)
        # The last few hundred jobs, because the cost of a count by date grows with the jobs in its range.
        few = {"cluster": cluster.id, "jobs": _FEW}
        since = next((row[0] for row in connection.execute(statement("raw/few_jobs_ago"), few)), None)
        window = recent_window(state, overlap, since)
        limit = stale_after(connection)
        if window is None:
            complete = NOT_SYNCED
        elif state.stored == 0:  # a no-op sync must not cost more than six requests
            complete = Verdict(True, "The last sync found no new job, by the controller's own count.")
        else:
            try:
                with open_controller(warehouse.url(), warehouse.cipher(), cluster, _PATIENT_QUESTION) as client:
                    theirs = ControllerApi(client).jobs_count(window.after, window.until)
                ours = sum(RawStore(connection, cluster.id).stored_by_day(window).values())
                complete = completeness(theirs, ours, window)
            except (ControllerError, UnexpectedFailure) as error:
                complete = Verdict(False, f"Cannot read the controller's count: {error}")
    found = {
        COMPLETE: complete,
        SUMMARIES_IN_TIME: summaries_in_time(state),
        WATERMARK: watermark_not_in_future(state),
        CLOCK_SKEW: clock_skew(state),
        FRESH: freshness(state.finished, state.now, limit) if state.finished else NOT_SYNCED,
    }
    for check, verdict in found.items():
        yield result(ASSET, check, verdict, cluster.name)
