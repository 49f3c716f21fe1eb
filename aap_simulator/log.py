"""The requests to a simulator and their counters, for assertions such as "at most 6 requests"."""

from collections import Counter, deque
from dataclasses import dataclass
from threading import Lock

KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Request:
    """One request and its status. Stores whether it had a credential, but not the credential."""

    method: str
    path: str
    query: str
    kind: str
    status: int
    faults: tuple[str, ...]
    authorized: bool


class RequestLog:
    """Thread-safe; keeps the last 50,000 requests and counts all."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.clear()

    def clear(self) -> None:
        """Start counting anew."""
        with self._lock:
            self.requests: deque[Request] = deque(maxlen=KEPT)
            self.by_kind: Counter[str] = Counter()
            self.by_status: Counter[int] = Counter()

    def add(self, request: Request) -> None:
        """Count one request; status 0 stands for a connection that was reset or hung."""
        with self._lock:
            self.requests.append(request)
            self.by_kind[request.kind] += 1
            self.by_status[request.status] += 1

    @property
    def total(self) -> int:
        """Requests since the last `clear`."""
        return self.by_kind.total()
