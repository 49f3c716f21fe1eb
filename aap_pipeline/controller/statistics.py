"""Thread-safe statistics of a client: requests, retries, bytes, waits."""

import threading
from dataclasses import dataclass, field, replace


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
    seconds_answering: float = 0.0
    seconds_held_back: float = 0.0

    @property
    def share_held_back(self) -> float:
        """Return the share of request time in which limits delayed requests, 0 to 1."""
        return self.seconds_held_back / ((self.seconds_answering + self.seconds_held_back) or 1.0)


class Statistics:
    """Counters of one client."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._figures = Snapshot()

    def add(self, **amounts: float) -> None:
        """Increase the figures of these names."""
        with self._lock:
            for name, amount in amounts.items():
                setattr(self._figures, name, getattr(self._figures, name) + amount)

    def retried(self, cause: str) -> None:
        """Count a retry because of `cause`."""
        with self._lock:
            causes = self._figures.retries_by_cause
            causes[cause] = causes.get(cause, 0) + 1

    def snapshot(self) -> Snapshot:
        with self._lock:
            return replace(self._figures, retries_by_cause=dict(self._figures.retries_by_cause))
