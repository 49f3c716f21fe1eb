"""Seconds from finished at the controller to visible in the marts, with `aap-pipeline up` as a user runs it.

python -m benchmarks.freshness [--clusters 2] [--jobs-per-minute 12] [--seconds 600]

Simulated controllers go on finishing jobs; the sensors find them. Runs visible in the marts are counted several times
a second; the n-th run of a cluster, by finish time, is visible once n are. Half a minute at the start does not count.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from aap_pipeline.simulator.process import SimulatorProcess
from aap_pipeline.warehouse.connection import Connection, connect
from aap_pipeline.warehouse.server import EmbeddedServer
from benchmarks.common import emit

_WARM_UP_SECONDS = 30.0
_POLL_SECONDS = 0.2
_START_SECONDS = 120.0
_DRAIN_SECONDS = 60.0
_VISIBLE = "SELECT cluster_id, sum(runs)::bigint FROM marts.savings_daily GROUP BY cluster_id"
_FINISHED = (
    "SELECT cluster_id, finished FROM clusters_job WHERE status IN ('successful', 'failed') AND num_hosts > 0 "
    "ORDER BY cluster_id, finished, external_id"
)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clusters", type=int, default=2)
    parser.add_argument("--jobs-per-minute", type=float, default=12.0, help="of each controller")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long to watch")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aap-pipeline-freshness-") as folder, ExitStack() as stack:
        home = Path(folder)
        home.chmod(0o711)
        environment = {**os.environ, "AAP_PIPELINE_HOME": str(home / "home")}
        environment.pop("AAP_PIPELINE_DATABASE_URL", None)
        for number in range(arguments.clusters):
            live = ["--live", str(arguments.jobs_per_minute), "--jobs", "200", "--days", "30", "--plain"]
            process = stack.enter_context(SimulatorProcess(*live, "--seed", str(number + 1)))
            _add_cluster(environment, home, f"live-{number + 1}", process)
        with _up(environment), connect(_database_url(home / "home"), autocommit=True) as connection:
            begun = datetime.now(UTC)
            seen = _watch(connection, _WARM_UP_SECONDS + arguments.seconds)
            finished = _finished(connection)
            usage = _daemon_runs(connection)
        ages = sorted(_ages(finished, seen, begun.timestamp() + _WARM_UP_SECONDS, arguments.seconds))
        emit(
            "freshness",
            clusters=arguments.clusters,
            jobs_per_minute=arguments.jobs_per_minute,
            watched_seconds=arguments.seconds,
            jobs=len(ages),
            median_seconds=statistics.median(ages),
            p95_seconds=_percentile(ages, 0.95),
            p99_seconds=_percentile(ages, 0.99),
            most_seconds=ages[-1],
            **usage,
        )


def _add_cluster(environment: Mapping[str, str], home: Path, name: str, process: SimulatorProcess) -> None:
    token = home / f"{name}.token"
    token.touch(0o600)
    token.write_text(process.addresses[0].access_token)
    command = [sys.executable, "-m", "aap_pipeline.cli", "clusters", "add", process.addresses[0].url]
    subprocess.run(
        [*command, "--name", name, "--token-file", str(token)],
        env=dict(environment),
        check=True,
        stdout=subprocess.DEVNULL,
    )


@contextmanager
def _up(environment: Mapping[str, str]) -> Iterator[None]:
    """`aap-pipeline up` for the block; it listens on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "aap_pipeline.cli", "up", "--port", str(port)]
    with subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            for line in child.stdout:
                if "http://" in line:  # the web server answers: everything is up
                    break
            else:
                raise SystemExit("`aap-pipeline up` ended before its web server answered; its message is above.")
            yield
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(timeout=_DRAIN_SECONDS)


def _database_url(home: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        url = EmbeddedServer(home / "postgres").running_url()
        if url:
            return url
        time.sleep(_POLL_SECONDS)
    raise SystemExit("The embedded PostgreSQL of `aap-pipeline up` did not start in time.")


def _watch(connection: Connection, seconds: float) -> dict[int, list[tuple[float, int]]]:
    """{cluster: [(moment, runs visible)]}, an entry where the number changed."""
    seen: dict[int, list[tuple[float, int]]] = defaultdict(list)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for cluster, runs in connection.execute(_VISIBLE).fetchall():
            if not seen[cluster] or seen[cluster][-1][1] != runs:
                seen[cluster].append((time.time(), runs))
        time.sleep(_POLL_SECONDS)
    return seen


def _finished(connection: Connection) -> dict[int, list[float]]:
    """{cluster: finish times of the runs that the marts count, ascending}."""
    found: dict[int, list[float]] = defaultdict(list)
    for cluster, moment in connection.execute(_FINISHED).fetchall():
        found[cluster].append(moment.timestamp())
    return found


def _daemon_runs(connection: Connection) -> dict[str, int]:
    """How many syncs there were, and how many failed."""
    row = connection.execute("SELECT count(*), count(error) FROM pipeline.sync_run").fetchone()
    assert row is not None
    return {"syncs": row[0], "failed_syncs": row[1]}


def _ages(
    finished: Mapping[int, list[float]], seen: Mapping[int, list[tuple[float, int]]], begin: float, seconds: float
) -> Iterator[float]:
    """Seconds from finish to visible of the runs finished in the time watched; one never seen ages until the end.

    Those finished in the last half minute are left out, for they had no chance to be late.
    """
    end = begin + seconds
    for cluster, moments in finished.items():
        changes = iter(seen[cluster])
        moment, runs = next(changes, (end, 0))
        for number, when in enumerate(moments, start=1):
            while runs < number and moment < end:
                moment, runs = next(changes, (end, runs))
            if begin <= when <= end - _WARM_UP_SECONDS:
                yield moment - when


def _percentile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    main()
