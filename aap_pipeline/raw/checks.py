"""The checks after a sync: queries, and pure functions that decide their results."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.orchestration.verdict import Verdict
from aap_pipeline.raw.reconcile import Reconciliation
from aap_pipeline.raw.window import Window

CLOCK_TOLERANCE = timedelta(seconds=60)
_FUTURE_TOLERANCE = timedelta(minutes=5)
_GRACE = timedelta(minutes=15)
_RECENT = timedelta(days=1)
_FEW = 300


@dataclass(frozen=True)
class SyncHealth:
    """The sync state of a cluster.

    `started`, `finished`, `window_to` and `stored` (jobs) are those of the last successful sync. `window_to` is the
    controller's time at its start; all others are the database's. `backfilled`: only backfills have succeeded, whose
    windows do not show the controller's clock.
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
    backfilled: bool = False


def sync_health(connection: Connection, cluster_id: int) -> SyncHealth:
    """Return the state of one cluster. Host summaries are overdue 15 minutes after their deadline."""
    deadline = application_settings.read(connection).summaries_deadline_minutes
    values = {"cluster": cluster_id, "minutes": deadline + int(_GRACE.total_seconds() // 60)}
    [row] = connection.execute(statement("raw/check_sync"), values).fetchall()
    return SyncHealth(*row)


def few_jobs_ago(connection: Connection, cluster_id: int) -> datetime | None:
    """Return when the job finished that is some hundred before the newest; None if there are fewer.

    The cost of a count by date grows with the jobs in its range.
    """
    row = connection.execute(statement("raw/few_jobs_ago"), {"cluster": cluster_id, "jobs": _FEW}).fetchone()
    return row[0] if row else None


def recent_window(state: SyncHealth, overlap: timedelta, since: datetime | None) -> Window | None:
    """Return until when the last sync certainly read all jobs from `since` on: at most a day. None before any sync.

    It ends `overlap` before the end of that sync's window, because jobs may still have appeared there since.
    """
    if state.watermark is None or state.window_to is None:
        return None
    until = min(state.watermark, state.window_to - overlap)
    day_before = until - _RECENT
    return Window(max(day_before, since) if since is not None and since < until else day_before, until)


def not_synced(state: SyncHealth) -> Verdict:
    """Pass: the check has no data before the first successful sync."""
    if state.backfilled:
        return Verdict(True, "Only backfills have run so far. This check begins with the first sync.")
    return Verdict(True, "No sync has succeeded yet.")


def completeness(theirs: int, ours: int, window: Window) -> Verdict:
    """Fail if fewer jobs are stored than the controller counts; it may have deleted jobs that are stored."""
    text = (
        f"The controller has {theirs:,} jobs that finished from {window.after:%Y-%m-%d %H:%M} to "
        f"{window.until:%Y-%m-%d %H:%M} UTC; {ours:,} are stored."
    )
    return Verdict(theirs <= ours, text, {"at_the_controller": theirs, "here": ours})


def reconciliation(found: Reconciliation) -> Verdict:
    """Fail if any job was missing, even though it is stored now."""
    figures = {"days": found.days, "missing": len(found.missing), "late": len(found.late), "requests": found.requests}
    if not found.missing:
        return Verdict(True, f"{found.days:,} days agree with the controller.", figures)
    shown = ", ".join(map(str, found.missing[:20])) + (", …" if len(found.missing) > 20 else "")
    days = ", ".join(count.day for count in found.differing[:10])
    text = f"{len(found.missing):,} jobs were missing and are now stored (days {days}; jobs {shown})."
    return Verdict(False, text, figures, severe=True)


def summaries_in_time(state: SyncHealth) -> Verdict:
    """Fail if any job is provisional past its deadline."""
    figures = {"awaited": state.awaited, "overdue": state.overdue, "given_up": state.given_up}
    text = f"{state.awaited:,} jobs await host summaries, {state.overdue:,} of them past the deadline."
    return Verdict(state.overdue == 0, text, figures)


def watermark_not_in_future(state: SyncHealth) -> Verdict:
    """Fail if the watermark is ahead of all clocks, because syncs would skip jobs that finish before it."""
    if state.watermark is None:
        return not_synced(state)
    ahead = state.watermark - max(filter(None, (state.now, state.window_to)))
    text = f"The watermark is {state.watermark:%Y-%m-%d %H:%M:%S} UTC; the time is {state.now:%Y-%m-%d %H:%M:%S} UTC."
    figures = {"seconds_ahead": max(0.0, ahead.total_seconds())}
    return Verdict(ahead <= _FUTURE_TOLERANCE, text, figures, severe=True)


def clock_skew(state: SyncHealth) -> Verdict:
    """Fail if the controller's time at the start of a sync is outside that sync by the database's clock."""
    if state.window_to is None or state.started is None or state.finished is None:
        return not_synced(state)
    early, late = state.started - state.window_to, state.window_to - state.finished
    skew = max(early, late, timedelta())
    side = "behind" if early > late else "ahead of"
    text = f"The controller's clock is {skew.total_seconds():.0f} s {side} the database's."
    return Verdict(
        skew <= CLOCK_TOLERANCE,
        text if skew else "The controller's clock agrees with the database's.",
        {"seconds": skew.total_seconds()},
    )
