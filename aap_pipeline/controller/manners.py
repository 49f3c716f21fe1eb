"""How much one controller is asked at once and per second, so that its own users do not notice the pipeline."""

from __future__ import annotations

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
"""An answer that takes so many times its kind's usual time shows that the controller is busy."""
_SMOOTHING = 0.1
_CUT = 0.7
_BASELINE_DRIFT = 1.002
"""By how much the usual time of a kind grows with each answer: an old record does not count for ever."""


@dataclass(frozen=True)
class Manners:
    """Limits of one cluster. `sync_window`: the hours in which long reads may run, "20:00-06:00 Europe/Berlin" (UTC
    without a zone); None: always."""

    max_concurrent_requests: int = 4
    max_requests_per_second: float = 16.0
    sync_window: str | None = None

    def faults(self) -> Iterator[str]:
        """What to correct before they can be used, a sentence each."""
        if not 1 <= self.max_concurrent_requests <= 64:
            yield f"max_concurrent_requests {self.max_concurrent_requests}: use 1 to 64."
        if not 0.01 <= self.max_requests_per_second <= 10_000:
            yield f"max_requests_per_second {self.max_requests_per_second:g}: use 0.01 to 10000."
        found = _HOURS.fullmatch(self.sync_window or "00:00-01:00")
        if found is None or found.group(1, 2) == found.group(3, 4) or (found[5] or "UTC") not in available_timezones():
            yield f'sync_window {self.sync_window!r}: use hours like "20:00-06:00" or "20:00-06:00 Europe/Berlin".'

    def may_read_long(self, now: datetime) -> bool:
        """Whether a first sync or a backfill may run at `now` (aware)."""
        found = _HOURS.fullmatch(self.sync_window or "")
        if found is None:
            return True
        local = now.astimezone(ZoneInfo(found[5]) if found[5] else UTC).time()
        begin, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
        return begin <= local < end if begin < end else local >= begin or local < end


UNLIMITED = Manners(max_concurrent_requests=64, max_requests_per_second=10_000)
"""For controllers that nobody else uses: the demo's, and those of tests."""


class Limiter:
    """Lets the threads of a client ask: at most so many at once, one after the other at the rate of `manners`.

    How many at once adapts. It falls when answers take twice as long as their kind usually does at this controller, or
    when it answers 429 or 503; it rises by one for each round of answers that are in time (AIMD, as TCP does).
    """

    def __init__(self, manners: Manners, settings: ClientSettings, statistics: Statistics) -> None:
        self._manners = manners
        self._settings = settings
        self._statistics = statistics
        self._turn = threading.Condition()
        self._under_way = 0
        self._next = 0.0
        self._slowness = 1.0
        self._usual: dict[tuple[str, int], float] = {}
        self._patience = 0
        self.at_once = float(manners.max_concurrent_requests)
        """How many at once are allowed now."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until one more request may be sent; the block sends it."""
        now: Callable[[], float] = self._settings.monotonic
        asked = now()
        with self._turn:
            while self._under_way >= max(1, int(self.at_once)):
                self._turn.wait()
            self._under_way += 1
            self._next = max(self._next, now())
            pause = self._next - now()
            self._next += 1 / self._manners.max_requests_per_second
        try:
            if pause > 0:
                self._settings.sleep(pause)
            self._statistics.held_back(max(now() - asked, pause))
            yield
        finally:
            with self._turn:
                self._under_way -= 1
                self._turn.notify()

    def answered(self, kind: str, size: int, seconds: float) -> None:
        """An answer of this kind came, `size` bytes after `seconds`: judge it by those of its kind and magnitude."""
        key = kind, size.bit_length()
        with self._turn:
            usual = min(self._usual.get(key, seconds) * _BASELINE_DRIFT, max(seconds, 0.001))
            self._usual[key] = usual
            self._slowness += _SMOOTHING * (seconds / usual - self._slowness)
            self._patience -= 1
            if self._slowness > _SLOW:
                self._fall()
            elif self.at_once < self._manners.max_concurrent_requests:
                self.at_once = min(self.at_once + 1 / self.at_once / 4, self._manners.max_concurrent_requests)
                self._turn.notify()

    def refused(self) -> None:
        """The controller, or a proxy before it, answered that it has too much to do."""
        with self._turn:
            self._patience = 0
            self._fall()

    def _fall(self) -> None:
        """Once for each round of answers: those under way were sent before it could help."""
        if self._patience > 0:
            return
        self.at_once = max(1.0, self.at_once * _CUT)
        self._patience = 2 * int(self.at_once) + 1
