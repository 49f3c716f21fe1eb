"""Thread-safe statistics of a client: requests, retries, bytes, waits, latency."""

import statistics
import threading
from collections import Counter, deque
from dataclasses import dataclass

_SAMPLES = 2048


@dataclass(frozen=True)
class Snapshot:
    """The figures at one moment; seconds and bytes (bytes after decompression).

    `seconds_answering` is what the controller took for its answers, `seconds_held_back` what requests waited for their
    turn; both are sums over all workers.
    """

    requests: int
    retries: int
    retries_by_cause: dict[str, int]
    token_refreshes: int
    bytes: int
    seconds_waited: float
    median_latency: float | None
    seconds_answering: float = 0.0
    seconds_held_back: float = 0.0

    @property
    def share_held_back(self) -> float:
        """Return the share of request time in which limits delayed requests, 0 to 1."""
        return self.seconds_held_back / ((self.seconds_answering + self.seconds_held_back) or 1.0)


class Statistics:
    """Counters of one client, and the latency of its last 2,048 responses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests = 0
        self._bytes = 0
        self._waited = self._answering = self._held_back = 0.0
        self._refreshes = 0
        self._causes: Counter[str] = Counter()
        self._latencies: deque[float] = deque(maxlen=_SAMPLES)

    def answered(self, size: int, seconds: float) -> None:
        """Count a response of `size` bytes after `seconds`."""
        with self._lock:
            self._requests += 1
            self._bytes += size
            self._answering += seconds
            self._latencies.append(seconds)

    def failed(self) -> None:
        """Count a request without a response."""
        with self._lock:
            self._requests += 1

    def retried(self, cause: str) -> None:
        """Count a retry because of `cause`."""
        with self._lock:
            self._causes[cause] += 1

    def waited(self, seconds: float) -> None:
        """Count `seconds` of waiting before a retry."""
        with self._lock:
            self._waited += seconds

    def held_back(self, seconds: float) -> None:
        """Count the seconds for which limits delayed a request."""
        with self._lock:
            self._held_back += seconds

    def refreshed(self) -> None:
        """Count a token refresh."""
        with self._lock:
            self._refreshes += 1

    def snapshot(self) -> Snapshot:
        """Return the current statistics."""
        with self._lock:
            return Snapshot(
                requests=self._requests,
                retries=self._causes.total(),
                retries_by_cause=dict(self._causes),
                token_refreshes=self._refreshes,
                bytes=self._bytes,
                seconds_waited=self._waited,
                median_latency=statistics.median(self._latencies) if self._latencies else None,
                seconds_answering=self._answering,
                seconds_held_back=self._held_back,
            )
