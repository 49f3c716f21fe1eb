"""Waiting: bounds of the backoff, Retry-After in all its spellings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aap_pipeline.controller.retry import backoff, parse_http_date, parse_retry_after

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


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
