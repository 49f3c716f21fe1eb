"""Plan the window of a sync, and decide whether it may move the watermark. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aap_pipeline.errors import BadInput

JOBS_A_SLICE = 175
"""Target number of jobs of a slice, about a page. A slice with more than `slice_jobs` jobs is cut and read again."""
_BEGIN = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """Jobs with `after` < finished <= `until`, both aware and UTC."""

    after: datetime
    until: datetime

    def first(self, length: timedelta) -> "Window":
        """Return the beginning of the window, at most `length`."""
        return Window(self.after, self.until if length >= self.until - self.after else self.after + length)

    def part(self, share: float) -> "Window":
        """Return that share of the window's beginning: at most half, and at least a microsecond (the precision)."""
        length = self.until - self.after
        return self.first(max(length * min(share, 0.5), timedelta(microseconds=1)))

    @property
    def divisible(self) -> bool:
        """Return whether a boundary fits between both ends, given the controller's microseconds."""
        return self.until - self.after > timedelta(microseconds=1)


@dataclass(frozen=True)
class Backfill:
    """`--since` and `--until` as given (None: up to now).

    No job that finished before `settled` (UTC) can still appear. Progress beyond it is not noted, so that a resumed
    backfill reads those jobs again.
    """

    since: datetime
    until: datetime | None
    settled: datetime


@dataclass(frozen=True)
class Plan:
    """The window of one sync, and whether its newest job may become the watermark.

    `backfill`: the requested window, the key of its stored progress, so that an interrupted backfill resumes; None for
    ordinary syncs, which resume from the watermark. `first`: the cluster's first sync, in which few jobs are known.
    """

    window: Window
    moves_watermark: bool
    backfill: Backfill | None = None
    first: bool = False


@dataclass(frozen=True)
class Stretch:
    """The jobs with `after_id` < id ≤ `upto_id`, whose host summaries were read from all hosts up to `host_id`.

    `hosts_upto`: the last host at the start. `unreported`: jobs whose host summaries were incomplete at the start.
    `without_host`: jobs with a host summary that belongs to no host.
    """

    after_id: int = 0
    upto_id: int = 0
    host_id: int = 0
    hosts_upto: int = 0
    unreported: frozenset[int] = frozenset()
    without_host: frozenset[int] = frozenset()
    began: datetime | None = None
    """By the database's clock; None: in this sync."""

    @property
    def whole(self) -> bool:
        """Return whether all hosts were read."""
        return self.host_id >= self.hosts_upto


def plan_sync(
    now: datetime,
    watermark: datetime | None,
    *,
    overlap: timedelta,
    initial: timedelta,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Plan:
    """Return what to read at the controller's time `now`, given the watermark.

    Without `since` and `until`: everything since the watermark minus `overlap`, because jobs can appear behind it; in
    the first sync, the last `initial`. With either: that window, which moves the watermark only if no gap remains
    between them.

    Raises BadInput if the window is empty.
    """
    start = now - initial if watermark is None else min(watermark, now) - overlap
    if since is None and until is None:
        return Plan(Window(start, now), moves_watermark=True, first=watermark is None)
    window = Window(since or start, min(until or now, now))
    if window.after >= window.until:
        begin, end = (each.isoformat(" ", "minutes")[:16] for each in (window.after, window.until))
        if since is None:
            raise BadInput(f"Without --since a sync begins at {begin} UTC, not before {end} UTC. Add --since TIME.")
        now_is = "" if until and until <= now else " (now)"
        raise BadInput(f"--since {begin} is not before {end} UTC{now_is}. Use an earlier --since.")
    no_hole_after = now - initial if watermark is None else watermark
    return Plan(
        window,
        moves_watermark=window.after <= no_hole_after,
        backfill=Backfill(since, until, settled=now - overlap) if since is not None else None,
    )


def require_window(now: datetime, since: datetime | None, until: datetime | None) -> None:
    """Raise BadInput for a window that is empty with any watermark."""
    plan_sync(now, None, overlap=timedelta(0), initial=now - _BEGIN, since=since, until=until)


def parse_time(text: str | None) -> datetime | None:
    """Parse an ISO 8601 time as aware UTC (default zone: UTC); empty: None. Raises BadInput if it is not valid."""
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(f"{text!r} is not a valid time. Use 2026-01-31 or 2026-01-31T06:00:00+01:00.") from None
