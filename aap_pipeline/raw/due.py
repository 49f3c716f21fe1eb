"""Whether a cluster is due for a sync. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aap_pipeline.controller.errors import CorruptBody
from aap_pipeline.errors import PipelineError

NewestFinished = datetime | PipelineError | None
"""The finish time of a controller's newest job, None where it has none; the error where there is no answer."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_RETRY_FIRST = timedelta(seconds=15)
_RETRY_LONGEST = timedelta(minutes=15)
_AWAITED_EVERY = timedelta(minutes=1)
_AT_LEAST_EVERY = timedelta(minutes=10)


@dataclass(frozen=True)
class SyncState:
    """How a cluster's syncs stand: its watermark, whether host summaries are awaited, and its failures in a row.

    `last_ended` is when its last sync ended, or began if it has not; None: it was never synced. `paused_from` and
    `paused_to` (None: open end) are the window of a backfill that waits to go on; `backfill_was_last`: to read.
    """

    name: str
    watermark: datetime | None
    awaits_summaries: bool
    last_ended: datetime | None
    failures: int
    paused_from: datetime | None = None
    paused_to: datetime | None = None
    backfill_was_last: bool | None = None


@dataclass(frozen=True)
class DueSync:
    """Why to run, and for a backfill its window: ISO 8601, an open end empty; empty both: what is new."""

    reason: str
    since: str = ""
    until: str = ""


@dataclass(frozen=True)
class Silence:
    """How often in a row a controller did not answer the sensor, and when that was last."""

    times: int
    last: datetime


def to_ask(
    states: Sequence[SyncState], silences: Mapping[str, Silence], now: datetime
) -> tuple[list[SyncState], list[str]]:
    """Those to ask for new jobs, the longest unsynced first, and a sentence for each that is left alone for a while."""
    asked, remarks = [], []
    for state in states:
        silence = silences.get(state.name, Silence(0, now))
        pause = backing_off(state.failures, state.last_ended, now) or backing_off(silence.times, silence.last, now)
        if pause is None:
            asked.append(state)
        else:
            times = state.failures + silence.times
            seconds = math.ceil(pause.total_seconds())
            remarks.append(f"{state.name}: failed {times} times in a row, next try in {seconds} s")
    return sorted(asked, key=lambda state: (state.last_ended or _LONG_AGO, state.name)), remarks


def backing_off(failures: int, last: datetime | None, now: datetime) -> timedelta | None:
    """The pause left after `failures` in a row: 15 s, doubling up to 15 minutes; None: no pause."""
    if not failures or last is None:
        return None
    left = last + min(_RETRY_FIRST * 2 ** min(failures - 1, 10), _RETRY_LONGEST) - now
    return left if left > timedelta() else None


def parse_silences(cursor: str | None) -> dict[str, Silence]:
    """The sensor's cursor; one that another release wrote counts as empty, for it only delays questions."""
    try:
        found = json.loads(cursor or "{}")
        return {name: Silence(int(times), datetime.fromisoformat(last)) for name, (times, last) in found.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def format_silences(silences: Mapping[str, Silence]) -> str:
    """`silences` as a cursor."""
    return json.dumps({name: [silence.times, silence.last.isoformat()] for name, silence in sorted(silences.items())})


def what_is_due(state: SyncState, answer: NewestFinished, now: datetime) -> DueSync | None:
    """What to run now, given the controller's answer; None: nothing.

    A newest job whose finish time is not valid tells nothing of what is new, and does not hold up what is due without
    it. With any other error in place of an answer a sync would fail, too.

    A paused backfill and live syncs take turns, so that neither waits for the end of the other.
    """
    if isinstance(answer, PipelineError):
        if not isinstance(answer, CorruptBody):
            return None
        answer = None
    reason = reason_to_sync(state, answer, now)
    if state.paused_from is not None and not (reason and state.backfill_was_last):
        until = state.paused_to.isoformat() if state.paused_to else ""
        return DueSync("backfill goes on", state.paused_from.isoformat(), until)
    return DueSync(reason) if reason else None


def reason_to_sync(state: SyncState, newest_finished: datetime | None, now: datetime) -> str | None:
    """Why to sync now, given the finish time of the controller's newest job; None: nothing to do.

    Jobs turn up behind the watermark, and templates are renamed without a job: so also every ten minutes.
    """
    if state.last_ended is None:
        return "never synced"
    if newest_finished is not None and (state.watermark is None or newest_finished > state.watermark):
        return f"new job at {newest_finished:%H:%M:%S} UTC"
    since = now - state.last_ended
    if state.awaits_summaries and since >= _AWAITED_EVERY:
        return "host summaries are due"
    if since >= _AT_LEAST_EVERY:
        return "last sync 10 minutes ago"
    return None
