"""Limits of one controller: the rate, the requests at a time and how that adapts, the hours of long reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aap_pipeline.controller.config import ClientSettings
from aap_pipeline.controller.manners import Limiter, Manners
from aap_pipeline.controller.statistics import Statistics


@dataclass
class Clock:
    """Time that goes by in `sleep` only."""

    now: float = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limiter(clock: Clock, statistics: Statistics | None = None, **limits: float) -> Limiter:
    """A limiter whose time is `clock`."""
    settings = ClientSettings(monotonic=clock.monotonic, sleep=clock.sleep)
    return Limiter(Manners(**limits), settings, statistics or Statistics())  # type: ignore[arg-type]


@given(rate=st.floats(0.1, 1000), requests=st.integers(1, 50))
def test_no_second_has_more_requests_than_the_rate(rate: float, requests: int) -> None:
    """Guards against bursts that an administrator would see as a broken promise."""
    clock, statistics = Clock(), Statistics()
    limited = limiter(clock, statistics, max_requests_per_second=rate)
    for _ in range(requests):
        with limited.turn():
            pass
    assert clock.now - 100.0 == pytest.approx((requests - 1) / rate)
    assert statistics.seconds_held_back == pytest.approx((requests - 1) / rate)


def test_a_pause_that_one_worker_was_asked_for_holds_for_all(clock: Clock) -> None:
    """15 workers that go on while one waits would earn the next 429."""
    limited = limiter(clock)
    limited.refused(20.0)
    clock.now += 5.0
    with limited.turn():
        assert clock.now == 120.0


def test_concurrency_falls_when_answers_slow_down_and_rises_again(clock: Clock) -> None:
    """Guards against asking a busy controller as much as an idle one, and against never asking that much again."""
    limited = limiter(clock, max_concurrent_requests=8)
    for _ in range(50):
        limited.answered("job_host_summaries", 5000, 0.08)
    assert limited.at_once == 8
    for _ in range(60):
        limited.answered("job_host_summaries", 5000, 0.4)
    assert limited.at_once < 4
    fallen = limited.at_once
    for _ in range(20):
        limited.answered("job_host_summaries", 5000, 0.08)
    assert limited.at_once < fallen + 2, "it rises slowly"
    for _ in range(500):
        limited.answered("job_host_summaries", 5000, 0.08)
    assert limited.at_once == 8


@pytest.mark.parametrize("rise", [1.0002, 1.002, 1.01])
def test_a_controller_that_slows_down_step_by_step_does_not_count_as_normal(clock: Clock, rise: float) -> None:
    """Guards against a baseline that follows the answers: one that is ten times as slow was normal in minutes."""
    limited = limiter(clock, max_concurrent_requests=4)
    seconds = 0.08
    while seconds < 0.8:
        limited.answered("job_host_summaries", 5000, seconds)
        clock.now += 1 / 16
        seconds *= rise
    assert limited.at_once == 1


def test_one_exceptionally_fast_answer_is_no_baseline(clock: Clock) -> None:
    """Guards against a first sync that is slow for hours because its first answer came from a cache."""
    limited = limiter(clock, max_concurrent_requests=4)
    for number in range(500):
        limited.answered("jobs", 5000, 0.02 if number in (0, 40, 300) else 0.08)
        clock.now += 1 / 16
    assert limited.at_once == 4


def test_a_controller_that_stays_slower_is_normal_after_a_day(clock: Clock) -> None:
    """Guards against one request at a time for good, after the controller has moved to a slower machine."""
    limited = limiter(clock, max_concurrent_requests=4)
    for seconds in (0.08, 0.4):
        for _ in range(24 * 60):
            limited.answered("jobs", 5000, seconds)
            clock.now += 60
    assert limited.at_once == 4


def test_limits_that_change_take_effect_at_once(clock: Clock) -> None:
    """Guards against a first sync of hours that goes on at the old rate after its administrator asked for less."""
    limited = limiter(clock, max_concurrent_requests=8, max_requests_per_second=16)
    limited.change(Manners(max_concurrent_requests=2, max_requests_per_second=0.5))
    for _ in range(3):
        with limited.turn():
            pass
    assert (clock.now, limited.at_once) == (104.0, 2)


def test_requests_that_waited_for_their_turn_wait_for_a_pause_as_well(clock: Clock) -> None:
    """Guards against the requests of a round that are still sent, each at its time, although the first got a 429."""
    sent: list[float] = []
    limited = limiter(clock, max_requests_per_second=1)
    with limited.turn():
        sent.append(clock.now)

    def sleep(seconds: float) -> None:
        clock.now += seconds
        if len(sent) == 1:
            sent.append(clock.now)
            limited.refused(30.0)

    limited._settings = replace(limited._settings, sleep=sleep)
    with limited.turn():
        sent.append(clock.now)
    assert sent == [100.0, 101.0, 131.0]


def test_pages_that_cost_more_by_nature_do_not_slow_it_down(clock: Clock) -> None:
    """Guards against comparing a page of 200 jobs with the host summaries of one."""
    limited = limiter(clock, max_concurrent_requests=4)
    for _ in range(200):
        limited.answered("job_host_summaries", 5000, 0.08)
        limited.answered("jobs", 800_000, 3.0)
    assert limited.at_once == 4


@given(st.lists(st.sampled_from(("refused", "slow", "fast")), max_size=300))
def test_one_request_is_always_allowed(happened: list[str]) -> None:
    """Guards against a limiter that stops for good."""
    limited = limiter(Clock(), max_concurrent_requests=4)
    for each in happened:
        if each == "refused":
            limited.refused()
        else:
            limited.answered("jobs", 100, 5.0 if each == "slow" else 0.1)
        assert 1 <= limited.at_once <= 4
    with limited.turn():
        pass


def test_a_refusal_takes_effect_at_once(clock: Clock) -> None:
    """Guards against going on as before after 429 or 503."""
    limited = limiter(clock, max_concurrent_requests=8)
    limited.refused()
    assert limited.at_once < 8


@pytest.mark.parametrize(
    ("hours", "hour", "open_then"),
    [
        (None, 12, True),
        ("20:00-06:00", 23, True),
        ("20:00-06:00", 5, True),
        ("20:00-06:00", 6, False),
        ("20:00-06:00", 12, False),
        ("09:00-17:00", 9, True),
        ("09:00-17:00", 17, False),
        ("20:00-06:00 Asia/Tokyo", 12, True),
        ("20:00-06:00 Asia/Tokyo", 22, False),
    ],
)
def test_hours_of_long_reads(hours: str | None, hour: int, open_then: bool) -> None:
    """Guards against a first sync in the middle of the controller's day, over midnight and across time zones."""
    manners = Manners(sync_window=hours)
    assert list(manners.faults()) == []
    assert manners.may_read_long(datetime(2026, 3, 2, hour, tzinfo=UTC)) is open_then


@pytest.mark.parametrize(
    ("hours", "day", "open_from", "minutes_open"),
    [
        ("22:00-06:00", datetime(2026, 3, 28, 12, tzinfo=UTC), "21:00", 7 * 60),  # the clock goes forward at 01:00 UTC
        ("22:00-06:00", datetime(2026, 10, 24, 12, tzinfo=UTC), "20:00", 9 * 60),  # and back
        ("02:15-02:45", datetime(2026, 3, 28, 12, tzinfo=UTC), None, 0),  # a time of day that does not exist
        ("02:15-02:45", datetime(2026, 10, 24, 12, tzinfo=UTC), "00:15", 2 * 30),  # and one that comes twice
        ("23:30-00:30", datetime(2026, 6, 1, 12, tzinfo=UTC), "21:30", 60),
    ],
)
def test_hours_are_those_of_the_wall_clock_also_when_it_is_changed(
    hours: str, day: datetime, open_from: str | None, minutes_open: int
) -> None:
    """Guards against a first sync that runs into the controller's morning on two days of the year."""
    manners = Manners(sync_window=f"{hours} Europe/Berlin")
    moments = [day + timedelta(minutes=minute) for minute in range(24 * 60)]
    found = [moment for moment in moments if manners.may_read_long(moment)]
    assert len(found) == minutes_open
    assert (f"{found[0]:%H:%M}" if found else None) == open_from


@pytest.mark.parametrize(
    "faulty",
    [
        lambda: Manners(max_concurrent_requests=0),
        lambda: Manners(max_concurrent_requests=65),
        lambda: Manners(max_requests_per_second=0),
        lambda: Manners(max_requests_per_second=float("nan")),
        lambda: Manners(sync_window="8 to 5"),
        lambda: Manners(sync_window="20:00-20:00"),
        lambda: Manners(sync_window="24:00-06:00"),
        lambda: Manners(sync_window="20:00-06:00 Atlantis/Capital"),
    ],
)
def test_faulty_limits_are_named(faulty: Callable[[], Manners]) -> None:
    """Guards against limits that are stored and mean nothing."""
    assert len(list(faulty().faults())) == 1
