"""Stage raw against a bare concurrent fetch by number of workers and latency of the controller.

python -m benchmarks.workers [--jobs 1000] [--workers 1,2,4,8,16,32]
"""

from __future__ import annotations

import argparse

from benchmarks import raw
from benchmarks.common import emit, fresh_database
from benchmarks.results import spread

_HOSTS = 10


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1_000, help="jobs of ten hosts each")
    parser.add_argument("--workers", default="1,2,4,8,16,32")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with fresh_database() as url:
        for latency in raw.LATENCIES:
            with raw.controller(arguments.jobs, _HOSTS, latency) as address:
                bench = raw.Bench(url, address)
                urls = bench.urls()
                for workers in map(int, arguments.workers.split(",")):
                    raw.WORKERS = workers
                    _measure(bench, urls, workers, latency, arguments.rounds)


def _measure(bench: raw.Bench, urls: list[str], workers: int, latency: int, rounds: int) -> None:
    bare, swept, ratios = [], [], []
    for _ in range(rounds):
        bare.append(bench.fetch(urls))
        report = bench.sync(bench.empty())
        swept.append(report.seconds)
        ratios.append(swept[-1] / bare[-1])
    emit(
        "workers",
        workers=workers,
        latency_ms=latency,
        jobs=report.jobs_stored,
        requests=len(urls),
        bare_seconds=spread(bare),
        raw_seconds=spread(swept),
        ratio=spread(ratios),
    )


if __name__ == "__main__":
    main()
