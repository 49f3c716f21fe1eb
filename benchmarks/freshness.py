"""Seconds from finished at the controller to visible in the marts, with `aap-pipeline up` as a user runs it.

python -m benchmarks.freshness [--clusters 8] [--dead 2] [--jobs-per-minute 4] [--seconds 600] [--spread]

Simulated controllers go on finishing jobs; the sensors find them. Runs visible in the marts are counted several times
a second; the n-th run of a cluster, by finish time, is visible once n are. Half a minute at the start does not count.
All controllers finish their jobs within some seconds, a burst of runs; with --spread they take turns.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.common import emit
from benchmarks.installation import (
    DEFAULT_LIMITS,
    WARM_UP_SECONDS,
    Plan,
    Watch,
    cpu_seconds,
    percentiles,
    running,
    syncs,
)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clusters", type=int, default=8, help="controllers that are alive")
    parser.add_argument("--dead", type=int, default=2, help="additional dead controllers")
    parser.add_argument("--jobs-per-minute", type=float, default=4.0, help="per controller")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long to watch")
    parser.add_argument("--spread", action="store_true", help="jobs finish evenly over time, not in bursts")
    arguments = parser.parse_args()
    plan = Plan(arguments.clusters, arguments.dead, arguments.jobs_per_minute, spread=arguments.spread)
    with running(plan) as installation:
        watch = Watch(installation.url)
        watch.go_on(WARM_UP_SECONDS)
        before = cpu_seconds(installation.deployed.processes())
        watch.go_on(arguments.seconds)
        used = cpu_seconds(installation.deployed.processes()) - before
        emit(
            "freshness",
            clusters=arguments.clusters,
            dead=arguments.dead,
            jobs_per_minute=arguments.jobs_per_minute,
            watched_seconds=arguments.seconds,
            **DEFAULT_LIMITS,
            **percentiles(watch.ages()),
            **syncs(installation.url),
            cores_used=used / arguments.seconds,
        )


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    main()
