"""Faults between a client and a controller: alone or combined, seeded, switchable at run time."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "status",
    "reset",
    "truncate",
    "hang",
    "html",
    "maintenance",
    "html_404",
    "expire_token",
    "count_too_high",
    "drop_row",
    "foreign_next",
    "foreign_redirect",
    "delete_job",
    "insert_behind",
    "oversized",
]
KINDS: dict[str, str] = {
    "status": "answer with an error status (500, 502, 503, 429 with Retry-After if set, 403 or 404)",
    "reset": "send half of the body, then reset the connection",
    "truncate": "send half of the JSON as if it were whole",
    "hang": "accept the request and send nothing for `seconds`",
    "html": "answer 200 with an HTML page",
    "maintenance": "redirect to an HTML page, as a controller does while it is upgraded",
    "html_404": "answer 404 with an HTML page",
    "expire_token": "let the access token of the request expire, so that it gets a 401",
    "count_too_high": "promise one row more than there is",
    "drop_row": "leave the last row of a page out, `count` as it should be",
    "foreign_next": "let `next` point to another host",
    "foreign_redirect": "redirect to another host",
    "delete_job": "delete a finished job after the request (clean-up during the sweep)",
    "insert_behind": "finish a job behind the newest `finished` after the request",
    "oversized": "send a body of `size` bytes",
}
STORM = (500, 502, 503)


@dataclass
class Fault:
    """One fault: with `probability` on requests whose path kind is in `paths` (all if empty), at most `times` times,
    after `skip` of them.
    """

    kind: Kind
    probability: float = 1.0
    paths: frozenset[str] = frozenset()
    times: int | None = None
    skip: int = 0
    statuses: tuple[int, ...] = STORM
    retry_after: int | None = None
    seconds: float = 3600.0
    size: int = 50_000_000
    host: str = "https://controller.elsewhere.invalid"
    times_applied: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no fault {self.kind!r}. Faults: {', '.join(KINDS)}.")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"The probability of fault {self.kind!r} must be between 0 and 1, not {self.probability}.")


class FaultPlan:
    """The active faults, and the latency of every response."""

    def __init__(
        self,
        seed: int = 0,
        faults: Iterable[Fault] = (),
        *,
        latency: float = 0.0,
        jitter: float = 0.0,
        slowness: float = 0.0,
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self.faults: list[Fault] = list(faults)
        self.latency = latency
        self.jitter = jitter
        self.slowness = slowness
        self.applied_by_kind: Counter[str] = Counter()

    def add(self, *faults: Fault) -> None:
        """Switch faults on."""
        self.faults.extend(faults)

    def clear(self) -> None:
        """Switch all faults and the latency off."""
        self.faults = []
        self.latency = self.jitter = self.slowness = 0.0

    def delay(self) -> float:
        """Seconds that the next answer is held back."""
        return self.latency + (self._random.random() * self.jitter if self.jitter else 0.0)

    def strike(self, path_kind: str) -> list[Fault]:
        """Return the faults of this request, drawn in the order in which they were added."""
        return [fault for fault in self.faults if self._strikes(fault, path_kind)]

    def _strikes(self, fault: Fault, path_kind: str) -> bool:
        if (fault.paths and path_kind not in fault.paths) or (
            fault.times is not None and fault.times_applied >= fault.times
        ):
            return False
        if fault.skip > 0:
            fault.skip -= 1
            return False
        if fault.probability < 1 and self._random.random() >= fault.probability:
            return False
        fault.times_applied += 1
        self.applied_by_kind[fault.kind] += 1
        return True

    def choose(self, statuses: tuple[int, ...]) -> int:
        """One of a storm's statuses."""
        return self._random.choice(statuses)

    def draw(self, below: int) -> int:
        """A seeded draw, for the faults that pick a victim."""
        return self._random.randrange(below)


def parse_fault(text: str) -> Fault:
    """A fault from the command line: `KIND[:PROBABILITY[:key=value,…]]`, e.g.
    `status:0.2:statuses=503,retry_after=1`.
    """
    kind, _, rest = text.partition(":")
    probability, _, options = rest.partition(":")
    fault = Fault(kind=kind, probability=float(probability or 1))  # type: ignore[arg-type]
    for option in filter(None, options.split(",")):
        name, _, value = option.partition("=")
        if name == "statuses":
            fault.statuses = tuple(int(status) for status in value.split("+"))
        elif name == "paths":
            fault.paths = frozenset(value.split("+"))
        elif name in ("times", "skip", "retry_after", "size"):
            setattr(fault, name, int(value))
        elif name == "seconds":
            fault.seconds = float(value)
        elif name == "host":
            fault.host = value
        else:
            known = "statuses, paths, times, skip, retry_after, size, seconds, host"
            raise ValueError(f"Fault {kind!r} has no option {name!r}. Options: {known}.")
    return fault
