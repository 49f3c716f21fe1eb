"""Whether a request is sent again, and how long to wait before: attempts, backoff and Retry-After."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from aap_pipeline.controller.config import ClientSettings
from aap_pipeline.controller.errors import ControllerError


def seconds_before_retry(error: ControllerError, attempt: int, retries: int, settings: ClientSettings) -> float | None:
    """Return the seconds until the next attempt after the failed attempt `attempt` (from 1); None: there is none.

    Only transient errors are worth one, and only if the controller requests no pause longer than `longest_pause`.
    """
    requested = error.retry_after or 0.0
    if not error.transient or attempt > retries or requested > settings.longest_pause:
        return None
    return max(requested, backoff(attempt, settings.backoff_base, settings.backoff_cap, settings.uniform))


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
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
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
