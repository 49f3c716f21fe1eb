"""What the pipeline costs a controller: requests and controller seconds, by the simulator's cost model.

python -m benchmarks.guest [--jobs 10000] [--hosts 200]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

from aap_pipeline.clusters.controllers import ONE_QUESTION, open_controller
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.manners import UNLIMITED, Manners
from aap_pipeline.raw.estimate import by_host, by_job, lists_of_jobs
from aap_pipeline_tests.raw.rig import Rig
from aap_simulator.server import SimulatorServer
from aap_simulator.synthetic import synthetic
from benchmarks.common import emit, fresh_database

FIRST_EDITION = 0.101
"""Controller seconds that the first edition took for a job of ten hosts: 18 ms to list it, 83 ms for its summaries."""
_TICK_SECONDS = 10
_SMALL = 5000
_DAY = 86_400


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs of ten hosts each")
    parser.add_argument("--hosts", type=int, default=200, help="hosts of the inventories")
    parser.add_argument("--small", action="store_true", help="also the first sync of 5,000 jobs at the default limits")
    arguments = parser.parse_args()
    history = {"hosts_per_job": 10, "spread": False, "odd_cases": False, "days": 89}
    world = synthetic(jobs=arguments.jobs, hosts=arguments.hosts, **history)
    with fresh_database() as url, SimulatorServer(world) as server, closing(Rig(url, server)) as rig:
        started = time.perf_counter()
        report = _measured("first_sync", server, rig.sync, arguments.jobs)
        emit("first_sync.wall", seconds=time.perf_counter() - started, jobs=report.jobs_stored)  # type: ignore[attr-defined]
        _measured("idle_sync", server, rig.sync)
        with open_controller(url, rig.cipher, rig.cluster, ONE_QUESTION) as client:
            watermark = rig.watermark
            _measured("tick", server, lambda: ControllerApi(client).newest_finished(watermark))
        if arguments.small:
            _small(rig, server, history)
    _largest()
    _day()


def _measured(figure: str, server: SimulatorServer, work: Callable[[], object], jobs: int = 0) -> object:
    server.log.clear()
    found = work()
    log = server.log
    each = {"controller_seconds_a_job": log.seconds / jobs, "of_the_first_edition": log.seconds / jobs / FIRST_EDITION}
    emit(
        figure,
        requests=log.total,
        controller_seconds=log.seconds,
        database_ms=log.database_seconds * 1000,
        **(each if jobs else {}),
    )
    return found


def _small(rig: Rig, server: SimulatorServer, history: dict[str, object]) -> None:
    """The first sync of a small controller that takes the time which a real one does."""
    for name, limits in (("before", UNLIMITED), ("at_the_defaults", Manners())):
        server.use(synthetic(jobs=_SMALL, hosts=200, until=datetime.now(UTC) - timedelta(hours=1), **history))  # type: ignore[arg-type]
        server.faults.slowness = 1.0
        rig.execute("TRUNCATE clusters_cluster, common_settings CASCADE")
        rig.manners = limits
        rig.register()
        emit(f"small.{name}", jobs=_SMALL, seconds=rig.sync().seconds)


def _largest() -> None:
    """10.8 million jobs of ten hosts on 10,000 hosts, 8 requests per second: calculated."""
    limits = Manners(max_requests_per_second=8)
    jobs = 10_800_000
    listed = lists_of_jobs(jobs)
    first = (listed + by_job(jobs, 10)).minutes(limits) / 60 / 24
    now = (listed + by_host(jobs, 10, 10_000)).minutes(limits) / 60 / 24
    emit("largest", days_by_job=first, days_by_host=now, share=now / first)


def _day() -> None:
    """A quiet controller: a tick every 10 s, a sync with lists every 30 minutes, the check of the token every 15."""
    requests = _DAY // _TICK_SECONDS + 48 * 5 + 96 * 2
    emit("day_of_a_quiet_controller", requests=requests, of_the_first_edition=requests / 34_560)


if __name__ == "__main__":
    main()
