"""Waiting and giving up: bounds of the backoff, Retry-After in all its spellings, the budget, the circuit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aap_pipeline.controller.config import ClientSettings
from aap_pipeline.controller.errors import CircuitOpen, RetryBudgetExhausted, ServerError
from aap_pipeline.controller.retry import Pacer, backoff, parse_http_date, parse_retry_after
from aap_pipeline.controller.statistics import Statistics

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
FAILURE = ServerError("https://aap.example.com/api/v2/jobs/ returned HTTP 503.")


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def pacer(time: Time, **settings: float) -> Pacer:
    chosen = ClientSettings(
        monotonic=time.monotonic,
        sleep=time.sleep,
        uniform=max,
        **settings,  # type: ignore[arg-type]
    )
    return Pacer(chosen, Statistics(), "https://aap.example.com")


@given(st.integers(1, 10_000), st.floats(0.001, 60), st.floats(0.001, 600), st.floats(0, 1))
def test_backoff_stays_between_zero_and_its_cap(attempt: int, base: float, cap: float, draw: float) -> None:
    """An unbounded exponent would overflow or sleep for days."""
    seconds = backoff(attempt, base, cap, lambda low, high: low + (high - low) * draw)
    assert 0 <= seconds <= min(cap, base * 2.0 ** min(attempt - 1, 60))


def test_backoff_doubles_from_its_base() -> None:
    """A base applied from the second retry on, or none at all, would hammer a controller that restarts."""
    assert [backoff(attempt, 0.5, 30, max) for attempt in range(1, 9)] == [
        0.5,
        1,
        2,
        4,
        8,
        16,
        30,
        30,
    ]


@given(st.integers(0, 10**9))
def test_retry_after_in_seconds_is_taken_as_it_is(seconds: int) -> None:
    """Misread seconds mean hammering, or waiting for ever."""
    assert parse_retry_after(f" {seconds} ", NOW) == seconds


@given(st.integers(-(10**6), 10**6))
def test_retry_after_as_a_date_counts_from_now_and_is_never_negative(seconds: int) -> None:
    """A date in the past means: now."""
    text = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert parse_retry_after(text, NOW) == max(0, seconds)


@given(st.text(max_size=40))
def test_retry_after_of_any_text_never_raises(text: str) -> None:
    """A proxy's nonsense header must not end a sync."""
    seconds = parse_retry_after(text, NOW)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize("text", ["", "soon", "-5", "1.5", "٣", "9" * 400, "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_an_unusable_retry_after_counts_as_none(text: str) -> None:
    """int() accepts other digits than RFC 9110 does, and float() overflows to infinity."""
    assert parse_retry_after(text, NOW) is None


def test_http_dates_become_aware_utc() -> None:
    """A naive date would be compared with aware ones and raise in the middle of a sync."""
    assert parse_http_date("Mon, 23 Nov 2026 20:00:00 GMT") == NOW
    assert parse_http_date("Mon, 23 Nov 2026 21:00:00 +0100") == NOW
    assert parse_http_date("Mon, 23 Nov 2026 20:00:00 -0000") == NOW
    assert parse_http_date(None) is None
    assert parse_http_date("yesterday") is None


def test_a_wait_longer_than_the_budget_fails_at_once_and_names_the_cause() -> None:
    """Sleeping an hour because a proxy says so would hold the cluster's lock; sleeping less would be rude."""
    time = Time()
    with pytest.raises(RetryBudgetExhausted, match=r"requests another 3600 s.*HTTP 503") as raised:
        pacer(time, retry_budget=60).wait(1, 3600.0, FAILURE)
    assert time.slept == []
    assert raised.value.transient


def test_the_budget_shrinks_with_every_wait_and_recovers_with_answers() -> None:
    """A budget that never recovers would end a sync of ten hours after a handful of harmless hiccups."""
    time = Time()
    subject = pacer(time, retry_budget=10, backoff_base=4, backoff_cap=4, budget_refund=1)
    subject.wait(1, None, FAILURE)
    subject.wait(1, None, FAILURE)
    with pytest.raises(RetryBudgetExhausted):
        subject.wait(1, None, FAILURE)
    for _ in range(2):
        subject.succeeded()
    subject.wait(1, None, FAILURE)
    assert time.slept == [4, 4, 4]


def test_a_pause_that_one_worker_was_asked_for_holds_for_all() -> None:
    """15 workers that go on while one waits would earn the next 429."""
    time = Time()
    subject = pacer(time)
    subject.wait(1, 20.0, FAILURE)
    assert time.slept == [20.0]
    time.now = 5.0
    subject.before_attempt()
    assert time.slept == [20.0, 15.5]


def test_the_circuit_opens_after_failures_in_a_row_tries_once_and_closes_on_success() -> None:
    """A dead controller would get workers × retries requests from every slice; a live one must be found again."""
    time = Time()
    subject = pacer(time, circuit_threshold=3, circuit_reset=60)
    subject.failed()
    subject.failed()
    subject.succeeded()
    for _ in range(3):
        subject.before_attempt()
        subject.failed()
    with pytest.raises(CircuitOpen, match=r"3 requests to .* failed in a row") as raised:
        subject.before_attempt()
    assert raised.value.transient
    time.now += 60
    subject.before_attempt()
    with pytest.raises(CircuitOpen):
        subject.before_attempt()
    subject.succeeded()
    subject.before_attempt()
