"""What the pipeline costs a controller: requests and controller seconds, by the simulator's cost model.

python -m benchmarks.guest [--jobs 10000] [--hosts 200] [--small 5000] [--history 1000000]

A controller second is a second of one of the controller's web workers. `largest` and `steady` are calculated from the
figures before them.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from aap_pipeline.controller.config import ClientSettings
from aap_pipeline.controller.manners import UNLIMITED, Manners
from aap_pipeline.raw import sync
from aap_pipeline.raw.due import SyncState, is_to_be_asked, reason_to_sync
from aap_pipeline.raw.sensors import newest_finished
from aap_pipeline_tests.raw.rig import Rig
from aap_simulator.clock import microseconds
from aap_simulator.rows import Job
from aap_simulator.schema import JOBS
from aap_simulator.server import SimulatorServer
from aap_simulator.synthetic import SyntheticWorld, synthetic
from aap_simulator.table import Table
from benchmarks.common import emit, fresh_database

FIRST_EDITION = 0.101
"""Controller seconds that the first edition took for a job of ten hosts: 18 ms to list it, 83 ms for its summaries."""
_TODAY = 34_560
"""Requests per controller and day of the first edition: two in each tick."""
_LARGEST = 10_800_000
"""Jobs of the largest installations: 5,000 per hour, kept for 90 days."""
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
_TICK = timedelta(seconds=5)
_RUN = timedelta(seconds=3)
"""Length of a run, in which the sensor skips the cluster."""
_TOKEN_CHECKS = 96
"""Requests of `tokens_sensor` per day."""
_CHECK = 1
"""Requests of the check `complete` after a sync that stored jobs."""
_JOBS_PER_HOUR = (0, 10, 60)
_HISTORY: dict[str, Any] = {"hosts_per_job": 10, "spread": False, "odd_cases": False, "days": 89}


@dataclass(frozen=True)
class Price:
    """Requests and controller seconds of one piece of work."""

    requests: float
    seconds: float

    def a_job(self, jobs: int) -> Price:
        """The average price of one of `jobs`."""
        return Price(self.requests / jobs, self.seconds / jobs)

    def days(self, times: int) -> float:
        """Days of so many times this work at 8 requests per second and four at once, the default."""
        workers = Manners().max_concurrent_requests
        return times * max(self.requests / 8, self.seconds / workers) / _DAY.total_seconds()


@dataclass
class Guest:
    """A cluster, and the simulated controller whose costs are measured."""

    rig: Rig
    server: SimulatorServer

    def meets(self, world: SyntheticWorld, limits: Manners = UNLIMITED) -> None:
        """Serve another world, and forget everything of the last one."""
        self.server.use(world)
        self.rig.execute("TRUNCATE clusters_cluster, common_settings CASCADE")
        self.rig.manners = limits
        self.rig.register()

    def price(self, name: str, work: Callable[[], Any], **context: object) -> Price:
        """Emit what `work` costs, with the seconds of a sync, if it is one."""
        self.server.log.clear()
        done = work()
        log = self.server.log
        costs = {"requests": log.total, "controller_seconds": log.seconds, "database_ms": log.database_seconds * 1000}
        wall = {"seconds": done.seconds} if isinstance(done, sync.SyncReport) else {}
        emit("cost", work=name, **context, **costs, **wall)
        return Price(log.total, log.seconds)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs of ten hosts each, of the first sync")
    parser.add_argument("--hosts", type=int, default=200, help="hosts of the inventories")
    parser.add_argument("--small", type=int, default=5_000, help="jobs of the first sync in the time that it takes")
    parser.add_argument("--history", type=int, default=1_000_000, help="finished jobs at the sensor's controller")
    arguments = parser.parse_args()
    with (
        fresh_database() as url,
        SimulatorServer(synthetic(jobs=1)) as server,
        closing(Rig(url, server, settings=ClientSettings())) as rig,
    ):
        guest = Guest(rig, server)
        _ticks(guest, arguments.history)
        by_host = _first_sync(guest, arguments.jobs, arguments.hosts)
        by_job = _small(guest, arguments.small)
        emit(
            "largest",
            jobs=_LARGEST,
            days_by_job=by_job.days(_LARGEST),
            days_by_host=by_host.days(_LARGEST),
            share=by_host.days(_LARGEST) / by_job.days(_LARGEST),
        )
        _steady(guest)


def _ticks(guest: Guest, jobs: int) -> None:
    """The sensor's question about a long history: with nothing new, with a new job, and after an outage."""
    now = datetime.now(UTC)
    world = synthetic(jobs=1, hosts_per_job=0, until=now - 20 * _MINUTE)
    guest.meets(world)
    guest.rig.sync()
    _fill(world, jobs, now - 90 * _DAY, now - 10 * _MINUTE)
    world.add_job(finished=now - 5 * _MINUTE, hosts=0)
    for state, ago in (("nothing new", _MINUTE), ("a new job", 9 * _MINUTE), ("three days of new jobs", 3 * _DAY)):
        asked = [(guest.rig.cluster, now - ago)]
        guest.price(
            f"tick, {state}",
            lambda asked=asked: newest_finished(guest.rig.database_url, guest.rig.cipher, asked, 60),  # type: ignore[misc]
            jobs=len(world.jobs),
        )


def _fill(world: SyntheticWorld, jobs: int, begin: datetime, end: datetime) -> None:
    """Add jobs that share a document and differ in id and finish time: a million documents would take 5 GB."""
    [model] = world.jobs
    rows: list[Job] = [model]
    for number in range(jobs):
        row = copy.copy(model)
        row.id = 2 * jobs + number
        row.values = {**model.values, "finished": microseconds(begin + (end - begin) * (number / jobs))}
        rows.append(row)
    world.jobs = Table(JOBS, rows, finished=True)


def _first_sync(guest: Guest, jobs: int, hosts: int) -> Price:
    world = synthetic(jobs=jobs, hosts=hosts, **_HISTORY)
    world.summaries_of_host(1)  # so that the simulator's own index is not made within a request
    guest.meets(world)
    price = guest.price(f"first sync, {hosts:,} hosts", guest.rig.sync, jobs=jobs).a_job(jobs)
    emit("first_sync", jobs=jobs, seconds_a_job=price.seconds, of_the_first_edition=price.seconds / FIRST_EDITION)
    return price


def _small(guest: Guest, jobs: int) -> Price:
    """The first sync of a small controller that takes the time which a real one does. Returns the price by job."""
    prices, seconds = [], []
    for name, limits, long in (("by job, no limits", UNLIMITED, 10**9), ("default limits", Manners(), sync.LONG)):
        guest.meets(synthetic(jobs=jobs, hosts=200, **_HISTORY), limits)
        guest.server.faults.slowness = 1.0
        with patch.object(sync, "LONG", long):
            started = time.monotonic()
            prices.append(guest.price(f"first sync in real time, {name}", guest.rig.sync, jobs=jobs))
            seconds.append(time.monotonic() - started)
    emit("small", jobs=jobs, of_the_first_edition=seconds[1] / seconds[0])
    return prices[0].a_job(jobs)


def _steady(guest: Guest) -> None:
    """The requests of a day: ticks by the sensor's own rules, syncs by what they were measured to cost."""
    world = synthetic(jobs=200, until=datetime.now(UTC) - timedelta(hours=1), **_HISTORY)
    guest.meets(world)
    guest.rig.sync()
    idle = guest.price("idle sync", guest.rig.sync)
    world.add_job(finished=datetime.now(UTC) - timedelta(seconds=5), hosts=10)
    one = guest.price("sync of one job of ten hosts", guest.rig.sync)
    guest.rig.list_each_time()
    lists = guest.price("idle sync with templates and organizations", guest.rig.sync).requests - idle.requests
    for jobs in _JOBS_PER_HOUR:
        ticks, syncs, found = _day(jobs)
        quiet = max(syncs - found, 0)
        listed = min(max(found, 6), 96)  # every 15 minutes with new jobs, else every 4 hours
        requests = ticks + found * (one.requests + _CHECK) + quiet * idle.requests + listed * lists + _TOKEN_CHECKS
        emit(
            "steady",
            jobs_per_hour=jobs,
            ticks=ticks,
            syncs=syncs,
            requests=requests,
            of_the_first_edition=requests / _TODAY,
        )


def _day(jobs_per_hour: int) -> tuple[int, int, int]:
    """The ticks that send a request, the syncs, and those that find a job, of a day with jobs at even distances."""
    begin = now = datetime(2026, 3, 2, tzinfo=UTC)
    state, asked, ticks, syncs, found = SyncState("prod", begin - _DAY, False, begin, 0), None, 0, 0, 0
    between = timedelta(hours=1) / jobs_per_hour if jobs_per_hour else 2 * _DAY
    while now < begin + _DAY:
        now += _TICK
        if (state.last_ended and now < state.last_ended) or not is_to_be_asked(state, asked, now):
            continue
        ticks, asked = ticks + 1, now
        newest = begin + (now - begin) // between * between if now - begin >= between else None
        if reason_to_sync(state, newest, now) is None:
            continue
        syncs += 1
        if newest and state.watermark and newest > state.watermark:
            found += 1
        state = replace(state, watermark=newest or state.watermark, last_ended=now + _RUN)
    return ticks, syncs, found


if __name__ == "__main__":
    main()
