"""Limits of the requests to one controller, so that its users do not notice the pipeline."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo, available_timezones

from aap_pipeline.controller.config import ClientSettings
from aap_pipeline.controller.statistics import Statistics

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)(?: (\S+))?")
_SLOW = 2.0
"""A controller is busy if its responses take this many times the usual time of their kind."""
_SMOOTHING = 0.1
_CUT = 0.7
_FIRST_RESPONSES = 10
"""Responses of a kind whose mean is its first usual time, so that no exceptionally fast one determines it."""
_USUAL_DOUBLES = 4 * 3600.0
"""Seconds in which a kind's usual time may double. It rises by time, not by response, so that a controller that becomes
slower step by step does not count as normal."""
_SHORTEST_PAUSE = 0.001
"""Seconds. Shorter pauses add up to one of this length before a thread sleeps."""


@dataclass(frozen=True)
class Manners:
    """Limits of one cluster. `sync_window`: hours of long reads, "20:00-06:00 Europe/Berlin" (UTC without a zone).

    None: always.
    """

    max_concurrent_requests: int = 4
    max_requests_per_second: float = 16.0
    sync_window: str | None = None

    def faults(self) -> Iterator[str]:
        """Yield a sentence per limit that is not valid."""
        if not 1 <= self.max_concurrent_requests <= 64:
            yield f"max_concurrent_requests {self.max_concurrent_requests}: use 1 to 64."
        if not 0.01 <= self.max_requests_per_second <= 10_000:
            yield f"max_requests_per_second {self.max_requests_per_second:g}: use 0.01 to 10000."
        found = _HOURS.fullmatch(self.sync_window or "00:00-01:00")
        if found is None or found.group(1, 2) == found.group(3, 4) or (found[5] or "UTC") not in available_timezones():
            yield f'sync_window {self.sync_window!r}: use hours like "20:00-06:00" or "20:00-06:00 Europe/Berlin".'

    def may_read_long(self, now: datetime) -> bool:
        """Return whether a first sync or a backfill may run at `now` (aware)."""
        found = _HOURS.fullmatch(self.sync_window or "")
        if found is None:
            return True
        local = now.astimezone(ZoneInfo(found[5]) if found[5] else UTC).time()
        begin, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
        return begin <= local < end if begin < end else local >= begin or local < end


UNLIMITED = Manners(max_concurrent_requests=64, max_requests_per_second=10_000)
"""For controllers without other users, in the demo and in tests."""


@dataclass
class _Kind:
    """The response times of one kind of request, in seconds: smoothed, and the usual one as of `at`."""

    at: float
    responses: int = 0
    smoothed: float = 0.0
    usual: float = 0.0

    def add(self, seconds: float, now: float) -> float:
        """Add a response, and return its time relative to the usual one, the least smoothed time so far."""
        self.responses += 1
        self.smoothed += max(1 / self.responses, _SMOOTHING) * (seconds - self.smoothed)
        risen = self.usual * 2 ** ((now - self.at) / _USUAL_DOUBLES)
        self.usual = self.smoothed if self.responses <= _FIRST_RESPONSES else min(risen, self.smoothed)
        self.at = now
        return seconds / self.usual


class Limiter:
    """Delays the requests of a client's threads to stay within `manners`.

    The number of requests in flight adapts (AIMD, as in TCP). It decreases if responses take twice as long as usual for
    their kind at this controller, or with 429 or 503. It increases slowly while responses are in time.
    """

    def __init__(self, manners: Manners, settings: ClientSettings, statistics: Statistics) -> None:
        self._manners = manners
        self._settings = settings
        self._statistics = statistics
        self._turn = threading.Condition()
        self._under_way = 0
        self._next = 0.0
        self._pauses = 0
        self._slowness = 1.0
        self._kinds: dict[tuple[str, int], _Kind] = {}
        self._patience = 0
        self.at_once = float(manners.max_concurrent_requests)
        """Requests that may be in flight now."""

    def change(self, manners: Manners) -> None:
        """Replace the limits. Requests that wait for their turn keep it."""
        with self._turn:
            self._manners = manners
            self.at_once = min(self.at_once, manners.max_concurrent_requests)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until another request may be sent; the block sends it."""
        now: Callable[[], float] = self._settings.monotonic
        asked = now()
        with self._turn:
            while self._under_way >= max(1, int(self.at_once)):
                self._turn.wait()
            self._under_way += 1
        try:
            held_back, pauses = 0.0, -1
            while pauses != self._pauses:  # again if the controller requested a pause meanwhile
                with self._turn:
                    pauses = self._pauses
                    self._next = max(self._next, now())
                    pause = self._next - now()
                    self._next += 1 / self._manners.max_requests_per_second
                if pause > _SHORTEST_PAUSE:
                    self._settings.sleep(pause)
                    held_back += pause
            self._statistics.add(seconds_held_back=max(now() - asked, held_back))
            yield
        finally:
            with self._turn:
                self._under_way -= 1
                self._turn.notify()

    def answered(self, kind: str, size: int, seconds: float) -> None:
        """Compare a response of `size` bytes after `seconds` with earlier ones of its kind and magnitude, and adapt."""
        now = self._settings.monotonic()
        with self._turn:
            known = self._kinds.setdefault((kind, size.bit_length()), _Kind(now))
            self._slowness += _SMOOTHING * (known.add(max(seconds, 0.001), now) - self._slowness)
            self._patience -= 1
            if self._slowness > _SLOW:
                self._fall()
            elif self.at_once < self._manners.max_concurrent_requests:
                self.at_once = min(self.at_once + 1 / self.at_once / 4, self._manners.max_concurrent_requests)
                self._turn.notify()

    def refused(self, pause: float = 0.0) -> None:
        """Adapt to a 429 or 503 of the controller or a proxy, and send no request for `pause` s (Retry-After)."""
        with self._turn:
            self._patience = 0
            self._fall()
            self._pauses += pause > 0.0
            self._next = max(self._next, self._settings.monotonic() + pause)

    def _fall(self) -> None:
        """Decrease, but only once per round of responses: requests in flight were sent before the last decrease."""
        if self._patience > 0:
            return
        self.at_once = max(1.0, self.at_once * _CUT)
        self._patience = 2 * int(self.at_once) + 1
