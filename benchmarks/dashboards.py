"""All tiles of each shipped dashboard over a year of 1,000,000 jobs, as Superset and Grafana send their SQL.

python -m benchmarks.dashboards [--jobs 1000000] [--database URL]

`--database` is one that `python -m benchmarks.marts` filled; else an embedded server is filled. Seconds are those of
the client, rows fetched, after a first time.
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import ExitStack
from datetime import timedelta

import psycopg

from aap_pipeline.database.connection import connect
from aap_pipeline.marts.refresh import refresh
from benchmarks.common import checkpoint, emit, fresh_database
from benchmarks.marts import load
from benchmarks.meter import cpu_of_process
from bi import tiles
from bi.model import load as load_model

_ROUNDS = 3


def main() -> None:
    """Print the figures of each dashboard."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--database", help="URL of a database with history")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        url = arguments.database or stack.enter_context(fresh_database())
        if not arguments.database:
            load(url, arguments.jobs, hosts=2_000, days=730, scatter=False)
            with connect(url) as connection:
                refresh(connection)
            checkpoint(url)
        _measure(url, arguments.jobs)


def _measure(url: str, jobs: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        last = connection.execute("SELECT max(date) FROM marts.savings_daily").fetchall()[0][0]
        first = last - timedelta(364)
        found = {f"Superset: {name}": queries for name, queries in tiles.superset(load_model(), first, last).items()}
        found |= {f"Grafana: {name}": queries for name, queries in tiles.grafana(first, last, {}).items()}
        for dashboard, queries in found.items():
            seconds, slowest, before = 0.0, 0.0, cpu_of_process(connection.info.backend_pid)
            for query in queries.values():
                times = []
                for _ in range(_ROUNDS + 1):
                    started = time.perf_counter()
                    connection.execute(query.encode()).fetchall()
                    times.append(time.perf_counter() - started)
                seconds += statistics.median(times[1:])
                slowest = max(slowest, statistics.median(times[1:]))
            cpu = (cpu_of_process(connection.info.backend_pid) - before) / (_ROUNDS + 1)
            emit(
                "dashboards",
                jobs=jobs,
                dashboard=dashboard,
                tiles=len(queries),
                seconds=seconds,
                cpu_seconds=cpu,
                slowest_seconds=slowest,
            )


if __name__ == "__main__":
    main()
