"""How long to wait before a retry, and when to give up: backoff, Retry-After, retry budget and circuit breaker.

`client.py` (`_request`) repeats requests; `errors.py` (`transient`) says which errors are worth it.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from aap_pipeline.controller.config import ClientSettings
from aap_pipeline.controller.errors import CircuitOpen, ControllerError, RetryBudgetExhausted
from aap_pipeline.controller.statistics import Statistics


def backoff(attempt: int, base: float, cap: float, uniform: Callable[[float, float], float]) -> float:
    """Return the seconds before attempt `attempt` + 1: uniform between 0 and base × 2^(attempt − 1), at most `cap`.

    This is "full jitter" (AWS Architecture Blog, Exponential Backoff and Jitter): it spreads the retries of clients
    that failed at the same time.
    """
    return uniform(0.0, min(cap, base * 2.0 ** min(attempt - 1, 60)))


def parse_http_date(text: str | None) -> datetime | None:
    """Parse an HTTP date as aware UTC; None if it is missing or malformed."""
    if not text:
        return None
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    try:
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except OverflowError:
        return None


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Return the seconds of a `Retry-After` header (RFC 9110 10.2.3: seconds or an HTTP date); None if not valid.

    `now` should be the response's own Date, so that a skewed clock does not change the wait.
    """
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 12 else None
    moment = parse_http_date(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


class Pacer:
    """The retry budget, the circuit breaker and the requested pause, shared by all workers of a client."""

    def __init__(self, settings: ClientSettings, statistics: Statistics, where: str) -> None:
        self._settings = settings
        self._statistics = statistics
        self._where = where
        self._lock = threading.Lock()
        self._budget = settings.retry_budget
        self._failures_in_a_row = 0
        self._closed_until: float | None = None
        self._paused_until = 0.0

    def before_attempt(self) -> None:
        """Wait while the controller has requested a pause. Raises CircuitOpen while the circuit is open."""
        with self._lock:
            now = self._settings.monotonic()
            if self._closed_until is not None:
                if now < self._closed_until:
                    raise CircuitOpen(
                        f"{self._failures_in_a_row} requests to {self._where} failed in a row, so none are sent for "
                        f"another {self._closed_until - now:.0f} s. Stored data is safe. Check the controller's "
                        "health, then try again."
                    )
                # One request goes through to try; the others wait for its outcome.
                self._closed_until = now + self._settings.circuit_reset
            pause = self._paused_until - now
        if pause > 0:
            self._sleep(pause + self._settings.uniform(0.0, self._settings.backoff_base))

    def succeeded(self) -> None:
        with self._lock:
            self._failures_in_a_row = 0
            self._closed_until = None
            self._budget = min(self._settings.retry_budget, self._budget + self._settings.budget_refund)

    def failed(self) -> None:
        """Note a failure. After `circuit_threshold` failures in a row the circuit opens."""
        with self._lock:
            self._failures_in_a_row += 1
            if self._failures_in_a_row >= self._settings.circuit_threshold and self._closed_until is None:
                self._closed_until = self._settings.monotonic() + self._settings.circuit_reset

    def wait(self, attempt: int, retry_after: float | None, error: ControllerError) -> None:
        """Sleep before the next attempt, on the retry budget. Raises RetryBudgetExhausted, which quotes `error`."""
        settings = self._settings
        seconds = backoff(attempt, settings.backoff_base, settings.backoff_cap, settings.uniform)
        if retry_after is not None:
            seconds = max(seconds, retry_after)
        with self._lock:
            if seconds > self._budget:
                asked = f", and the controller requests another {retry_after:.0f} s" if retry_after else ""
                raise RetryBudgetExhausted(
                    f"The retry budget of {settings.retry_budget:.0f} s for {self._where} is used up{asked}. "
                    f"Last failure: {error}"
                ) from error
            self._budget -= seconds
            if retry_after:
                self._paused_until = max(self._paused_until, settings.monotonic() + retry_after)
        self._sleep(seconds)

    def _sleep(self, seconds: float) -> None:
        self._statistics.add(seconds_waited=seconds)
        self._settings.sleep(seconds)
