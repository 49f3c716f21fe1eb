"""Decide whether a cluster is due for a sync. Pure."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec

from aap_pipeline.controller.errors import CorruptBody
from aap_pipeline.errors import PipelineError
from aap_pipeline.reports.output import counted

NewestFinished = datetime | PipelineError | None
"""The finish time of a controller's newest job (None: no job), or the error of the request."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_RETRY_FIRST = timedelta(seconds=15)
_RETRY_LONGEST = timedelta(minutes=15)
_AWAITED_EVERY = timedelta(minutes=1)
QUIET = timedelta(minutes=30)
"""Default of the setting quiet_sync_minutes."""
_ASK_OFTEN = timedelta(seconds=30)
_ASK_EVERY = timedelta(seconds=9)
"""A tolerance, because the ticks, one per 5 s, are not exact."""


@dataclass(frozen=True)
class SyncState:
    """The sync state of a cluster: its watermark, whether host summaries are awaited, and its consecutive failures.

    `first_unfinished`: no sync has come to its end yet. `last_ended` is when its last sync ended, or began if it has
    not; None: it was never synced. `paused_from` and `paused_to` (None: open end) are the window of a backfill that
    waits to go on; `backfill_was_last`: to read. `no_requests_before`: the end of a pause that the controller
    requested.
    """

    name: str
    watermark: datetime | None
    awaits_summaries: bool
    last_ended: datetime | None
    failures: int
    paused_from: datetime | None = None
    paused_to: datetime | None = None
    backfill_was_last: bool | None = None
    first_unfinished: bool = False
    no_requests_before: datetime | None = None
    requests_per_second: float = 16.0


@dataclass(frozen=True)
class DueSync:
    """The reason of a run, and the window of a backfill (ISO 8601; empty: open). Both ends empty: an ordinary sync."""

    reason: str
    since: str = ""
    until: str = ""


@dataclass(frozen=True)
class Silence:
    """The number of the sensor's consecutive failed requests to a controller, and the time of the last one."""

    times: int
    last: datetime


def to_ask(
    states: Sequence[SyncState], silences: Mapping[str, Silence], now: datetime
) -> tuple[list[SyncState], list[str]]:
    """Return the clusters to check for new jobs, longest unsynced first, and a remark per cluster that backs off."""
    asked, remarks = [], []
    for state in states:
        silence = silences.get(state.name, Silence(0, now))
        pause = backing_off(state.failures, state.last_ended, now) or backing_off(silence.times, silence.last, now)
        until = state.no_requests_before
        if until is not None and until > now:
            remarks.append(f"{state.name}: the controller requested a pause until {until:%H:%M:%S} UTC")
        elif pause is None:
            asked.append(state)
        else:
            times = state.failures + silence.times
            seconds = math.ceil(pause.total_seconds())
            remarks.append(f"{state.name}: failed {counted(times, 'time')} in a row, next attempt in {seconds} s")
    return sorted(asked, key=lambda state: (state.last_ended or _LONG_AGO, state.name)), remarks


def backing_off(failures: int, last: datetime | None, now: datetime) -> timedelta | None:
    """Return the rest of the pause after `failures` in a row: 15 s, doubling up to 15 minutes; None: no pause."""
    if not failures or last is None:
        return None
    left = last + min(_RETRY_FIRST * 2 ** min(failures - 1, 10), _RETRY_LONGEST) - now
    return left if left > timedelta() else None


def parse_silences(cursor: str | None) -> dict[str, Silence]:
    """Parse the sensor's cursor. One that another release wrote counts as empty."""
    try:
        return msgspec.json.decode(cursor or "{}", type=dict[str, Silence])
    except msgspec.MsgspecError:
        return {}


def within_hours(states: Sequence[SyncState], closed: Collection[str]) -> tuple[list[SyncState], list[str]]:
    """Remove the long reads of clusters outside their sync window (`closed`). Returns the rest, and remarks."""
    left = [replace(state, paused_from=None) if state.name in closed else state for state in states]
    waiting = [state.name for state in left if state.name in closed and state.first_unfinished]
    remarks = [f"{name}: the first sync waits for the cluster's sync_window" for name in waiting]
    return [state for state in left if state.name not in waiting], remarks


def is_to_be_asked(state: SyncState, asked: datetime | None, now: datetime) -> bool:
    """Return whether to query a cluster in this tick: in every tick while jobs finish, otherwise every 10 s.

    Less often if the cluster's limit requires it.
    """
    busy = state.watermark is not None and now - state.watermark < _ASK_OFTEN
    pause = timedelta() if busy or state.paused_from is not None else _ASK_EVERY
    return asked is None or now - asked >= max(pause, timedelta(seconds=1 / state.requests_per_second))


def what_is_due(state: SyncState, answer: NewestFinished, now: datetime, quiet: timedelta = QUIET) -> DueSync | None:
    """Return what to run now, given the controller's response; None: nothing.

    If the newest job's finish time is not valid, a sync may still be due for other reasons. With any other error a sync
    would fail as well.

    A paused backfill and live syncs take turns, so that neither delays the other.
    """
    if isinstance(answer, PipelineError):
        if not isinstance(answer, CorruptBody):
            return None
        answer = None
    reason = reason_to_sync(state, answer, now, quiet)
    if state.paused_from is not None and not (reason and state.backfill_was_last):
        until = state.paused_to.isoformat() if state.paused_to else ""
        return DueSync("resume backfill", state.paused_from.isoformat(), until)
    return DueSync(reason) if reason else None


def reason_to_sync(
    state: SyncState, newest_finished: datetime | None, now: datetime, quiet: timedelta = QUIET
) -> str | None:
    """Return why to sync now, given the finish time of the controller's newest job; None: nothing to do.

    A sync is also due after `quiet`, for jobs that appear behind the watermark and for renamed templates.
    """
    if state.last_ended is None:
        return "never synced"
    if newest_finished is not None and (state.watermark is None or newest_finished > state.watermark):
        return f"new job at {newest_finished:%H:%M:%S} UTC"
    since = now - state.last_ended
    if state.awaits_summaries and since >= _AWAITED_EVERY:
        return "host summaries are due"
    if since >= quiet:
        return f"quiet for {quiet.total_seconds() / 60:.0f} min"
    return None
