"""From the controller's API to the marts: what one job of ten hosts costs in each stage, and what dlt takes for less.

python -m benchmarks.end_to_end [--jobs 5000] [--rounds 3] [--latency 20] [--dlt]

With --dlt the baseline (dlt_sync.py) reads the same simulated controller into a database of its own, with as many
workers. It loads two tables; it holds no counts, waits for no late host summaries, and makes no dimensions or marts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aap_pipeline.clusters.registry import Cluster, NewCluster, cluster_named, save_clusters
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.manners import UNLIMITED
from aap_pipeline.core.parse import parse
from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import Cipher, new_key
from aap_pipeline.marts.refresh import refresh
from aap_pipeline.raw.sync import SyncRequest, sync_cluster
from benchmarks import raw
from benchmarks.common import emit, fresh_database
from benchmarks.meter import Usage, cpu_of_server, database_megabytes, metered, postmaster
from benchmarks.results import spread

_DLT_PYTHON = Path("build/bench-dlt/bin/python")
_HOSTS = 10


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency", type=int, default=20, help="milliseconds")
    parser.add_argument(
        "--dlt", action="store_true", help=f"the baseline too, with {_DLT_PYTHON} (`make bench` makes it)"
    )
    arguments = parser.parse_args()
    costs: dict[str, list[dict[str, float]]] = {}
    with raw.controller(arguments.jobs, _HOSTS, arguments.latency) as address:
        for _ in range(arguments.rounds):
            for stage, values in _ours(address):
                costs.setdefault(stage, []).append(values)
            if arguments.dlt:
                for stage, values in _dlt(address, arguments.jobs):
                    costs.setdefault(stage, []).append(values)
    for stage, rounds in costs.items():
        emit(
            "end_to_end",
            stage=stage,
            latency_ms=arguments.latency,
            **{name: spread([values[name] for values in rounds]) for name in rounds[0]},
        )


def _ours(address: dict[str, Any]) -> Iterator[tuple[str, dict[str, float]]]:
    """(stage, its cost) of a first sync into an empty database, of all stages, and of a sync with nothing new."""
    cipher = Cipher([new_key()])
    with fresh_database() as url:
        cluster, empty = register(url, cipher, address), database_megabytes(url)
        stages: dict[str, Usage] = {}
        with metered(url) as stages["raw"]:
            jobs = sync_cluster(url, cipher, SyncRequest(cluster)).jobs_stored
        with metered(url) as stages["core"]:
            parse(url, cluster.id)
        with metered(url) as stages["marts"], connect(url) as connection:
            refresh(connection, cluster.id)
        for name, cost in stages.items():
            yield name, cost.figures(jobs)
        total, grown = _total(list(stages.values())), database_megabytes(url) - empty
        yield "raw to marts", {**total.figures(jobs), "jobs_per_second": jobs / total.wall, "grown_megabytes": grown}
        with metered(url) as usage:
            report = sync_cluster(url, cipher, SyncRequest(cluster))
            parse(url, cluster.id)
            with connect(url) as connection:
                refresh(connection, cluster.id)
        yield (
            "nothing new",
            {
                "seconds": usage.wall,
                "client_cpu_ms": usage.client_cpu * 1000,
                "database_cpu_ms": usage.database_cpu * 1000,
                "requests": float(report.requests),
                "jobs_known": float(report.jobs_known),
            },
        )


def register(url: str, cipher: Cipher, address: dict[str, Any]) -> Cluster:
    """Add the simulated controller at `address` as a cluster, read with as many workers as in the other benchmarks."""
    where = urlsplit(address["url"])
    endpoint = Endpoint("http", where.hostname or "", where.port or 80)
    with connect(url, autocommit=True) as connection:
        application_settings.write(connection, "sync_workers", str(raw.WORKERS))
        save_clusters(connection, cipher, [NewCluster("measured", endpoint, Tokens(address["token"]), vars(UNLIMITED))])
        return cluster_named(connection, "measured")


def _total(usages: list[Usage]) -> Usage:
    return Usage(
        wall=sum(usage.wall for usage in usages),
        client_cpu=sum(usage.client_cpu for usage in usages),
        database_cpu=sum(usage.database_cpu for usage in usages),
        peak_megabytes=max(usage.peak_megabytes for usage in usages),
    )


def _dlt(address: dict[str, Any], jobs: int) -> Iterator[tuple[str, dict[str, float]]]:
    """(stage, its cost) of dlt's first load into an empty database, and of one with nothing new."""
    with tempfile.TemporaryDirectory(prefix="aap-pipeline-dlt-") as folder, fresh_database() as url:
        settings = {
            "api": address["url"] + "/api/v2/",
            "token": address["token"],
            "database": url,
            "folder": folder,
            "workers": raw.WORKERS,
        }
        server, empty = postmaster(url), database_megabytes(url)
        with subprocess.Popen(
            [_DLT_PYTHON, Path(__file__).with_name("dlt_sync.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            before = cpu_of_server(server)
            child.stdin.write(json.dumps(settings))
            child.stdin.close()
            for stage, line in zip(("dlt: two tables", "dlt: nothing new"), child.stdout, strict=False):
                after = cpu_of_server(server)
                grown = database_megabytes(url) - empty
                yield stage, _dlt_figures(json.loads(line), after - before, jobs, grown)
                before = after
        if child.returncode:
            raise SystemExit(f"dlt failed. If {_DLT_PYTHON} does not exist, run `make bench`, which creates it.")


def _dlt_figures(told: dict[str, Any], database_cpu: float, jobs: int, grown: float) -> dict[str, float]:
    usage = Usage(told["seconds"], told["client_cpu"], database_cpu, told["peak_megabytes"])
    loaded = float(told["rows"].get("jobs", 0))
    return {
        **usage.figures(jobs),
        "jobs_per_second": loaded / usage.wall,
        "jobs_loaded": loaded,
        "host_summaries_loaded": float(told["rows"].get("job_host_summaries", 0)),
        "grown_megabytes": grown,
    }


if __name__ == "__main__":
    main()
