"""The requests to a simulator and their counters, for assertions such as "at most 6 requests"."""

from collections import Counter, deque
from dataclasses import dataclass
from threading import Lock

from aap_simulator.cost import Cost

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
    cost: Cost
    agent: str = ""


class RequestLog:
    """Thread-safe; keeps the last 50,000 requests and counts all.

    `seconds` and `database_seconds` are controller seconds: what all of them would have cost a real controller's web
    workers and its database. `most_at_once`: the most requests that it had to answer at a time.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self.clear()

    def clear(self) -> None:
        """Start counting anew."""
        with self._lock:
            self.requests: deque[Request] = deque(maxlen=KEPT)
            self.by_kind: Counter[str] = Counter()
            self.by_status: Counter[int] = Counter()
            self.seconds = self.database_seconds = 0.0
            self.at_once = self.most_at_once = 0

    def add(self, request: Request) -> None:
        """Count one request; status 0 stands for a connection that was reset or hung."""
        with self._lock:
            self.requests.append(request)
            self.by_kind[request.kind] += 1
            self.by_status[request.status] += 1
            self.seconds += request.cost.worker
            self.database_seconds += request.cost.database

    def began(self) -> None:
        """A request has come."""
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)

    def ended(self) -> None:
        """Its answer is on its way."""
        with self._lock:
            self.at_once = max(self.at_once - 1, 0)

    @property
    def total(self) -> int:
        """Requests since the last `clear`."""
        return self.by_kind.total()
