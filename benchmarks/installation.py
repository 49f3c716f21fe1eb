"""Run the pipeline over simulated controllers that keep finishing jobs, and measure the delay of its marts."""

from __future__ import annotations

import socket
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from psycopg import OperationalError

from aap_pipeline.database.connection import connect
from aap_pipeline.database.errors import DatabaseUnreachable
from aap_pipeline_tests.cli.processes import import_clusters
from aap_simulator.process import SimulatorProcess
from benchmarks.ways import Deployed, deployed

WARM_UP_SECONDS = 30.0
"""Jobs that finished within this time after the start or before the end do not count."""
_POLL_SECONDS = 0.2
_VISIBLE = "SELECT cluster_id, sum(runs)::bigint FROM marts.savings_daily GROUP BY cluster_id"
_FINISHED = (
    "SELECT cluster_id, finished FROM clusters_job WHERE status IN ('successful', 'failed') AND num_hosts > 0 "
    "ORDER BY cluster_id, finished, external_id"
)
Seen = Mapping[int, list[tuple[float, int]]]
"""{cluster: [(moment, runs visible)]}, an entry where the number changed."""


DEFAULT_LIMITS = {"max_concurrent_requests": 4, "max_requests_per_second": 16}


@dataclass(frozen=True)
class Age:
    """When a run of a cluster finished, and seconds until it was visible; one never seen ages until the end."""

    cluster: int
    finished: float
    seconds: float


@dataclass(frozen=True)
class Installation:
    """A deployment over simulated controllers."""

    deployed: Deployed
    controllers: Mapping[str, SimulatorProcess]
    """Those that are alive, by the name of their cluster."""
    dead: frozenset[str]
    """Names of the clusters whose controllers are not."""
    secrets: frozenset[str] = field(repr=False)
    """What no message and no log may hold: tokens, and the database's password."""

    @property
    def url(self) -> str:
        """Of the database."""
        return self.deployed.url


@dataclass
class Plan:
    """How many controllers finish jobs, and how many are dead: in turn they never answer, and refuse connections.

    They finish them in step, all within some seconds, as the same schedule on each would have it; `spread`: in turn.
    """

    live: int
    dead: int
    jobs_per_minute: float
    environment: Mapping[str, str] = field(default_factory=dict)
    spread: bool = False
    way: str = "up"


@contextmanager
def running(plan: Plan) -> Iterator[Installation]:
    """The installation, from when its web server answers; all of it is gone after the block."""
    with tempfile.TemporaryDirectory(prefix="aap-pipeline-installation-") as folder, ExitStack() as stack:
        home = Path(folder)
        home.chmod(0o711)
        live = ["--live", str(plan.jobs_per_minute), "--jobs", "200", "--days", "30", "--plain"]
        controllers = {}
        for number in range(1, plan.live + 1):
            controllers[f"live-{number}"] = stack.enter_context(SimulatorProcess(*live, "--seed", str(number)))
            if plan.spread:  # each finishes its jobs so many minutes after its start
                time.sleep(60 / plan.jobs_per_minute / plan.live)
        ports = {name: urlsplit(process.addresses[0].url).port for name, process in controllers.items()}
        tokens = {name: process.addresses[0].access_token for name, process in controllers.items()}
        for number in range(1, plan.dead + 1):
            silent = stack.enter_context(socket.socket())
            silent.bind(("127.0.0.1", 0))
            if number % 2:
                silent.listen(100)
            ports[f"dead-{number}"] = silent.getsockname()[1]
        entries = [
            {
                "name": name,
                "port": port,
                **DEFAULT_LIMITS,
                "access_token": tokens.setdefault(name, "a-token-that-nobody-asks-for"),
            }
            for name, port in ports.items()
        ]
        found = stack.enter_context(
            deployed(plan.way, home, plan.environment, lambda environment: import_clusters(environment, home, entries))
        )
        secrets = {*tokens.values(), urlsplit(found.url).password or ""}
        yield Installation(found, controllers, frozenset(ports.keys() - controllers.keys()), frozenset(secrets))


class Watch:
    """Counts the runs that the marts of the database at `url` show, several times a second."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection = connect(url, autocommit=True)
        self._begun = time.time()
        self._seen: dict[int, list[tuple[float, int]]] = defaultdict(list)

    def go_on(self, seconds: float) -> None:
        """Watch for so long; while the server is away it shows nothing new."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                for cluster, runs in self._connection.execute(_VISIBLE).fetchall():
                    if not self._seen[cluster] or self._seen[cluster][-1][1] != runs:
                        self._seen[cluster].append((time.time(), runs))
            except OperationalError:
                with suppress(DatabaseUnreachable):
                    self._connection = connect(self._url, autocommit=True)
            time.sleep(_POLL_SECONDS)

    def ages(self) -> list[Age]:
        """How old each run was that finished in the time watched, without those close to its begin and end."""
        finished: dict[int, list[float]] = defaultdict(list)
        for cluster, moment in self._connection.execute(_FINISHED).fetchall():
            finished[cluster].append(moment.timestamp())
        return list(_ages(finished, self._seen, self._begun + WARM_UP_SECONDS, time.time()))


def percentiles(found: Iterable[Age]) -> dict[str, float]:
    """Figures for `emit`; only the number of jobs where there is none."""
    seconds = sorted(age.seconds for age in found)
    if not seconds:
        return {"jobs": 0}
    return {
        "jobs": len(seconds),
        "median_seconds": statistics.median(seconds),
        "p95_seconds": _percentile(seconds, 0.95),
        "p99_seconds": _percentile(seconds, 0.99),
        "most_seconds": seconds[-1],
    }


def _ages(finished: Mapping[int, list[float]], seen: Seen, begin: float, end: float) -> Iterator[Age]:
    for cluster, moments in finished.items():
        changes = iter(seen[cluster])
        moment, runs = next(changes, (end, 0))
        for number, when in enumerate(moments, start=1):
            while runs < number and moment < end:
                moment, runs = next(changes, (end, runs))
            if begin <= when <= end - WARM_UP_SECONDS:
                yield Age(cluster, when, moment - when)


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """Used so far by `processes` and by their children that have ended."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])
    return total


def syncs(url: str) -> dict[str, int]:
    """How many syncs there were, and how many failed."""
    with connect(url) as connection:
        row = connection.execute("SELECT count(*), count(error) FROM pipeline.sync_run").fetchone()
    assert row is not None
    return {"syncs": row[0], "failed_syncs": row[1]}


def _percentile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]
