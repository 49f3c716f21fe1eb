"""Which stretch of time a sync reads, and whether it may move the watermark. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aap_pipeline.errors import PipelineError

_BEGIN = datetime.min.replace(tzinfo=UTC)


class WindowError(PipelineError):
    """`--since` and `--until` do not make a window."""

    exit_status = 2


@dataclass(frozen=True)
class Window:
    """Jobs with `after` < finished <= `until`, both aware and UTC."""

    after: datetime
    until: datetime

    def halves(self) -> tuple[Window, Window]:
        """The earlier and the later half."""
        middle = self.after + (self.until - self.after) / 2
        return Window(self.after, middle), Window(middle, self.until)

    @property
    def divisible(self) -> bool:
        """Whether a boundary fits between both ends: the controller knows microseconds, nothing finer."""
        return self.until - self.after > timedelta(microseconds=1)


@dataclass(frozen=True)
class Plan:
    """The window of one sync, and whether its newest job may become the watermark.

    `backfill`: the window as it was asked for, under which its progress is kept so that a killed one resumes; None
    where the watermark does that. `first`: the cluster's first sync, to which hardly any job is known.
    """

    window: Window
    moves_watermark: bool
    backfill: Backfill | None = None
    first: bool = False


@dataclass(frozen=True)
class Backfill:
    """`--since` and `--until` as given; None: up to now, whenever that is.

    `settled`: up to where jobs no longer turn up behind those that are read. What is read beyond is not noted as done,
    so that whoever resumes looks back.
    """

    since: datetime
    until: datetime | None
    settled: datetime


def plan_sync(
    now: datetime,
    watermark: datetime | None,
    *,
    overlap: timedelta,
    initial: timedelta,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Plan:
    """What to read at the controller's time `now`, given the finish time of the newest job that is here.

    Without `since` and `until`: everything since the watermark less `overlap`, for jobs turn up behind it; the first
    time, the last `initial`. With either: that window, which moves the watermark only where no job between the two
    would be missing.

    Raises WindowError if the window is empty.
    """
    start = now - initial if watermark is None else min(watermark, now) - overlap
    if since is None and until is None:
        return Plan(Window(start, now), moves_watermark=True, first=watermark is None)
    window = Window(since or start, min(until or now, now))
    if window.after >= window.until:
        begin, end = (each.isoformat(" ", "minutes")[:16] for each in (window.after, window.until))
        if since is None:
            raise WindowError(f"Without --since a sync begins at {begin} UTC, which is not before {end}: add --since.")
        now_is = "" if until and until <= now else " (now)"
        raise WindowError(f"--since {begin} must be before {end} UTC{now_is}: use an earlier --since.")
    no_hole_after = now - initial if watermark is None else watermark
    return Plan(
        window,
        moves_watermark=window.after <= no_hole_after,
        backfill=Backfill(since, until, settled=now - overlap) if since is not None else None,
    )


def require_window(now: datetime, since: datetime | None, until: datetime | None) -> None:
    """Raise WindowError for a window that is empty whatever a cluster's watermark is."""
    plan_sync(now, None, overlap=timedelta(0), initial=now - _BEGIN, since=since, until=until)


def parse_time(text: str | None) -> datetime | None:
    """An ISO 8601 time as aware UTC, UTC where it names no zone; empty: None. Raises WindowError if it is not valid."""
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise WindowError(f"{text!r} is not a valid time. Use 2026-01-31 or 2026-01-31T06:00:00+01:00.") from None
