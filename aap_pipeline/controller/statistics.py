"""Statistics of a client: requests, retries, bytes, times."""

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Statistics:
    """The figures of a client so far; seconds and bytes (bytes after decompression). Its threads share them.

    `seconds_answering` is what the controller took for its answers, `seconds_held_back` what requests waited for their
    turn; both are sums over all workers.
    """

    requests: int = 0
    retries_by_cause: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    seconds_answering: float = 0.0
    seconds_held_back: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def share_held_back(self) -> float:
        """Return the share of request time in which limits delayed requests, 0 to 1."""
        return self.seconds_held_back / ((self.seconds_answering + self.seconds_held_back) or 1.0)

    def add(self, **amounts: float) -> None:
        """Increase the figures of these names."""
        with self._lock:
            for name, amount in amounts.items():
                setattr(self, name, getattr(self, name) + amount)

    def retried(self, cause: str) -> None:
        """Count a retry because of `cause`."""
        with self._lock:
            self.retries_by_cause[cause] += 1
