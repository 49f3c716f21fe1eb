"""Stage raw against its limit: a bare concurrent fetch of the same URLs with requests that throws the bodies away.

`python -m benchmarks.raw [--small | --scale]`: wall time as a ratio to that limit in the same run, and CPU a job of
client and database (--small: only 500 jobs of 100 hosts). Host summaries are read by job, so that the URLs stay
comparable; a long history is also read by host, as a sync chooses to. With --scale the peak memory of a process with
Dagster loaded and the time it takes, at 2,000 to 50,000 jobs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import requests

from aap_pipeline.clusters.registry import Cluster, NewCluster, cluster_named, save_clusters
from aap_pipeline.controller import transport
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.manners import UNLIMITED
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import Cipher, new_key
from aap_pipeline.raw import sync
from aap_pipeline.raw.sync import SyncReport, SyncRequest, sync_cluster
from aap_simulator.process import Address, SimulatorProcess
from benchmarks.common import checkpoint, emit, fresh_database
from benchmarks.meter import cpu_of_server, postmaster
from benchmarks.results import spread

WORKERS = 16
ROUNDS = {5_000: 3, 500: 9}
SHAPES = ((5_000, 10), (500, 100))
LATENCIES = (0, 20)
SCALE = (2_000, 10_000, 50_000)
PEAK_OF_A_SYNC = """
import json, resource, sys
import aap_pipeline.definitions
from benchmarks.raw import Bench
bench = Bench(sys.argv[1], json.loads(sys.stdin.read()))
report = bench.sync(bench.empty())
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({"jobs": report.jobs_stored, "peak_mb": peak, "seconds": report.seconds}))
"""


class Bench:
    """A database and a controller in processes of their own."""

    def __init__(self, database_url: str, address: dict[str, Any]) -> None:
        self.url = database_url
        self.address = address
        self.cipher = Cipher([new_key()])

    def empty(self) -> Cluster:
        """The cluster, never synced, in an empty database."""
        with connect(self.url, autocommit=True) as connection:
            connection.execute("TRUNCATE clusters_cluster, common_settings CASCADE")
            connection.execute("INSERT INTO common_settings (type, value) VALUES ('sync_workers', %s)", [str(WORKERS)])
            where = urlsplit(self.address["url"])
            endpoint = Endpoint("http", where.hostname or "", where.port or 80)
            save_clusters(
                connection, self.cipher, [NewCluster("a", endpoint, Tokens(self.address["token"]), vars(UNLIMITED))]
            )
            cluster = cluster_named(connection, "a")
        checkpoint(self.url)
        return cluster

    def cpu(self, server: int) -> tuple[float, float, float]:
        """CPU seconds so far of this process, of the database server and of the controller."""
        return time.process_time(), cpu_of_server(server), cpu_of_server(self.address["pid"])

    def sync(self, cluster: Cluster) -> SyncReport:
        """A first sync."""
        return sync_cluster(self.url, self.cipher, SyncRequest(cluster))

    def urls(self) -> list[str]:
        """The requests of a first sync."""
        asked: list[str] = []
        send = transport.Transport.send

        def noted(self: transport.Transport, method: str, target: str, *rest: Any) -> transport.RawAnswer:
            asked.append(target)
            return send(self, method, target, *rest)

        transport.Transport.send = noted  # type: ignore[method-assign]
        try:
            self.sync(self.empty())
        finally:
            transport.Transport.send = send  # type: ignore[method-assign]
        return [self.address["url"] + target for target in asked]

    def fetch(self, urls: list[str]) -> float:
        """Seconds that a bare fetch takes."""
        local = threading.local()

        def get(url: str) -> None:
            if not hasattr(local, "session"):
                local.session = requests.Session()
                local.session.headers["Authorization"] = f"Bearer {self.address['token']}"
            assert local.session.get(url, timeout=60).content

        started = time.perf_counter()
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(get, urls))
        return time.perf_counter() - started


@contextmanager
def controller(jobs: int, hosts: int, latency: int) -> Iterator[dict[str, Any]]:
    """A simulator's address."""
    arguments = ["--plain", "--jobs", str(jobs), "--hosts-per-job", str(hosts), "--hosts", str(max(300, hosts))]
    with SimulatorProcess(*arguments, "--days", "80", "--latency", str(latency)) as process:
        address: Address = process.addresses[0]
        yield {"url": address.url, "token": address.access_token, "pid": process.pid}


def speed(url: str, jobs: int, hosts: int, latency: int, figure: str) -> None:
    """Wall time and CPU of a first sync, beside the bare fetch: medians and spread of several rounds.

    `floor_ratio` is the least that the ratio can be on this machine: the CPU time of client, database and controller,
    were no core ever idle.
    """
    with controller(jobs, hosts, latency) as address:
        bench = Bench(url, address)
        urls = bench.urls()
        server = postmaster(url)
        rounds: list[tuple[float, SyncReport, float, float, float]] = []
        for _ in range(ROUNDS[jobs]):
            bare = bench.fetch(urls)
            cluster = bench.empty()
            before = bench.cpu(server)
            report = bench.sync(cluster)
            rounds.append((bare, report, *(now - then for now, then in zip(bench.cpu(server), before, strict=True))))
    stored = rounds[0][1].jobs_stored
    emit(
        figure,
        jobs=stored,
        host_summaries=rounds[0][1].host_summaries,
        latency_ms=latency,
        limited=False,
        requests=len(urls),
        bare_seconds=spread([bare for bare, *_ in rounds]),
        raw_seconds=spread([report.seconds for _, report, *_ in rounds]),
        ratio=spread([report.seconds / bare for bare, report, *_ in rounds]),
        jobs_per_second=spread([stored / report.seconds for _, report, *_ in rounds]),
        bare_jobs_per_second=spread([stored / bare for bare, *_ in rounds]),
        client_ms_a_job=spread([client / stored * 1000 for _, _, client, _, _ in rounds]),
        database_ms_a_job=spread([database / stored * 1000 for *_, database, _ in rounds]),
        controller_ms_a_job=spread([controller / stored * 1000 for *_, controller in rounds]),
        floor_ratio=spread([sum(cpu) / (os.cpu_count() or 1) / bare for bare, _, *cpu in rounds]),
    )


def scale(url: str, jobs: int) -> None:
    """Peak memory and seconds of a process with Dagster loaded that syncs so many jobs of 10 hosts, without latency."""
    with controller(jobs, 10, 0) as address:
        done = subprocess.run(
            [sys.executable, "-c", PEAK_OF_A_SYNC, url],
            input=json.dumps(address),
            capture_output=True,
            text=True,
            check=True,
        )
    emit("raw_scale", **json.loads(done.stdout))


def main() -> None:
    """All figures, as JSON lines."""
    with fresh_database() as url:
        if "--scale" in sys.argv:
            for jobs in SCALE:
                scale(url, jobs)
            return
        for jobs, hosts in SHAPES[int("--small" in sys.argv) :]:
            for latency in LATENCIES:
                with patch.object(sync, "LONG", 10**9):
                    speed(url, jobs, hosts, latency, "raw")
                if jobs >= sync.LONG:
                    speed(url, jobs, hosts, latency, "raw_by_host")


if __name__ == "__main__":
    main()
