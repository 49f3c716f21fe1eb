"""The window of a sync, and whether it may move the watermark."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aap_pipeline.errors import BadInput
from aap_pipeline.raw.reconcile import DayCount, days_of, differing_days
from aap_pipeline.raw.window import Backfill, Plan, Window, parse_time, plan_sync, require_window

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OVERLAP, INITIAL = timedelta(minutes=10), timedelta(days=90)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def plan(watermark: datetime | None, since: datetime | None = None, until: datetime | None = None) -> Plan:
    return plan_sync(NOW, watermark, overlap=OVERLAP, initial=INITIAL, since=since, until=until)


def test_the_first_sync_looks_back_the_initial_days() -> None:
    """Guards against a first sync of everything or of nothing."""
    assert plan(None) == Plan(Window(NOW - INITIAL, NOW), moves_watermark=True, first=True)


def test_later_syncs_begin_an_overlap_before_the_watermark() -> None:
    """Guards against jobs that turned up behind the watermark."""
    assert plan(NOW - HOUR) == Plan(Window(NOW - HOUR - OVERLAP, NOW), moves_watermark=True)
    assert plan(NOW - 200 * DAY).window.after == NOW - 200 * DAY - OVERLAP


def test_a_watermark_ahead_of_the_controllers_clock_still_leaves_an_overlap() -> None:
    """Guards against an empty window after a clock was set back."""
    assert plan(NOW + HOUR).window == Window(NOW - OVERLAP, NOW)


@pytest.mark.parametrize(
    ("watermark", "since", "until", "moves"),
    [
        (NOW - DAY, NOW - 2 * DAY, None, True),
        (NOW - DAY, NOW - DAY, None, True),
        (NOW - DAY, NOW - HOUR, None, False),
        (NOW - DAY, NOW - 9 * DAY, NOW - 8 * DAY, True),  # moves to nothing newer: the statement never goes back
        (None, NOW - 10 * DAY, None, False),
        (None, NOW - INITIAL, None, True),
        (None, NOW - 2 * INITIAL, NOW - DAY, True),
        (NOW - DAY, None, NOW - HOUR, True),
    ],
)
def test_a_backfill_moves_the_watermark_only_if_it_leaves_no_hole(
    watermark: datetime | None, since: datetime | None, until: datetime | None, moves: bool
) -> None:
    """Guards against jobs between the watermark and `--since` that no later sync would read."""
    found = plan(watermark, since, until)
    assert found.moves_watermark is moves
    assert found.backfill == (Backfill(since, until, settled=NOW - OVERLAP) if since else None)
    assert found.window.until == (until or NOW)


@pytest.mark.parametrize(("since", "until"), [(NOW, None), (NOW - HOUR, NOW - HOUR), (NOW - HOUR, NOW - DAY)])
def test_an_empty_window_says_so(since: datetime, until: datetime | None) -> None:
    """Guards against a backfill that reads nothing and calls it success."""
    with pytest.raises(BadInput, match=r"--since .* is not before .* UTC( \(now\))?\. Use an earlier --since"):
        plan(NOW - DAY, since, until)
    with pytest.raises(BadInput, match="is not before"):
        require_window(NOW, since, until)


def test_until_alone_must_lie_behind_the_watermark() -> None:
    """Guards against `--until` in what is read already, which would be a window that ends before it begins."""
    with pytest.raises(BadInput, match=r"Without --since a sync begins at .*. Add --since"):
        plan(NOW - DAY, None, NOW - DAY - OVERLAP)
    require_window(NOW, None, NOW - DAY - OVERLAP)


@pytest.mark.parametrize(
    "text", ["last week", "2026-02-30", "0001-01-01T00:00+01:00", "9999-12-31T23:59-01:00", "1", "+1-01-01"]
)
def test_what_is_not_a_time_is_refused_in_a_sentence(text: str) -> None:
    """Guards against a traceback for a time that no UTC day holds."""
    with pytest.raises(BadInput, match=r"is not a valid time\. Use 2026-01-31 or"):
        parse_time(text)
    assert parse_time("") is parse_time(None) is None
    assert (
        parse_time("2026-01-31T06:00:00+01:00")
        == datetime(2026, 1, 31, 5, tzinfo=UTC)
        == parse_time("2026-01-31T05:00")
    )


@given(st.integers(2, 10**15), st.floats(0, 2))
def test_a_part_is_smaller_and_not_empty(microseconds: int, share: float) -> None:
    """Guards against a piece that is cut for ever, or a parse_time that falls between two halves."""
    window = Window(NOW - timedelta(microseconds=microseconds), NOW)
    part = window.part(share)
    assert window.divisible
    assert part.after == window.after < part.until < window.until


@given(st.integers(0, 5), st.integers(0, 3 * 86_400_000_000))
def test_days_are_whole_and_end_where_the_sync_has_read_everything(days: int, microseconds: int) -> None:
    """Guards against midnight counted twice or not at all, and against missing what the next sync reads."""
    first, until = date(2026, 2, 27), NOW - days * DAY + timedelta(microseconds=microseconds)
    found = days_of(first, until)
    if until < datetime(2026, 2, 27, tzinfo=UTC):
        assert found == {}
        return
    windows = list(found.values())
    assert windows[0].after == datetime(2026, 2, 26, 23, 59, 59, 999_999, tzinfo=UTC)
    assert windows[-1].until == until
    assert all(one.until == other.after for one, other in itertools.pairwise(windows))
    for day, window in found.items():
        assert {(window.after + timedelta(microseconds=1)).date(), window.until.date()} == {date.fromisoformat(day)}


def test_days_differ_where_something_may_be_missing() -> None:
    """Guards against missing jobs behind deleted ones, and against asking for what is gone there."""
    days = [f"2026-02-0{day}" for day in range(1, 6)]
    theirs = dict(zip(days, (5, 5, 5, 0, 7), strict=True))
    ours = dict(zip(days, (5, 4, 6, 9), strict=False))
    assert differing_days(theirs, ours) == [DayCount(days[1], 5, 4), DayCount(days[2], 5, 6), DayCount(days[4], 7, 0)]
