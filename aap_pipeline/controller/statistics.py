"""Thread-safe statistics of a client: requests, retries, bytes, waits, latency."""

import statistics
import threading
from collections import deque
from dataclasses import dataclass, field, replace

_SAMPLES = 2048


@dataclass
class Snapshot:
    """The figures at one moment; seconds and bytes (bytes after decompression).

    `seconds_answering` is what the controller took for its answers, `seconds_held_back` what requests waited for their
    turn; both are sums over all workers.
    """

    requests: int = 0
    retries_by_cause: dict[str, int] = field(default_factory=dict)
    token_refreshes: int = 0
    bytes: int = 0
    seconds_waited: float = 0.0
    median_latency: float | None = None
    seconds_answering: float = 0.0
    seconds_held_back: float = 0.0

    @property
    def retries(self) -> int:
        return sum(self.retries_by_cause.values())

    @property
    def share_held_back(self) -> float:
        """Return the share of request time in which limits delayed requests, 0 to 1."""
        return self.seconds_held_back / ((self.seconds_answering + self.seconds_held_back) or 1.0)


class Statistics:
    """Counters of one client, and the latency of its last 2,048 responses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._figures = Snapshot()
        self._latencies: deque[float] = deque(maxlen=_SAMPLES)

    def add(self, **amounts: float) -> None:
        """Increase the figures of these names."""
        with self._lock:
            for name, amount in amounts.items():
                setattr(self._figures, name, getattr(self._figures, name) + amount)

    def answered(self, size: int, seconds: float) -> None:
        """Count a response of `size` bytes after `seconds`."""
        self.add(requests=1, bytes=size, seconds_answering=seconds)
        with self._lock:
            self._latencies.append(seconds)

    def retried(self, cause: str) -> None:
        """Count a retry because of `cause`."""
        with self._lock:
            causes = self._figures.retries_by_cause
            causes[cause] = causes.get(cause, 0) + 1

    def snapshot(self) -> Snapshot:
        with self._lock:
            latency = statistics.median(self._latencies) if self._latencies else None
            causes = dict(self._figures.retries_by_cause)
            return replace(self._figures, retries_by_cause=causes, median_latency=latency)
