"""The promise of stage raw, over any history: faults, kills, late rows, deletions, syncs in any order.

Each example is a script of events. After every event no stored job that is marked complete may lack a host summary;
when the faults have stopped, what is stored equals what the controller holds. AAP_PIPELINE_EXAMPLES runs more scripts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Set
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from aap_pipeline.controller.manners import UNLIMITED, Manners
from aap_pipeline.errors import PipelineError
from aap_pipeline.raw.reconcile import reconcile
from aap_pipeline.raw.sync import SyncRequest
from aap_pipeline_tests.raw.events import (
    PAST_DEADLINE,
    Delete,
    Deliver,
    Event,
    Jobs,
    Parse,
    Sync,
    Trouble,
    Wait,
    events,
)
from aap_pipeline_tests.raw.rig import NOW, WITHIN_ALL_LIMITS, Rig, empty_world, patient, stored_jobs, true_jobs
from aap_simulator.faults import Fault, FaultPlan
from aap_simulator.server import SimulatorServer
from aap_simulator.synthetic import SyntheticWorld
from aap_simulator.tokens import AUDITOR, PLAIN

SHORT = 30
EXAMPLES = int(os.environ.get("AAP_PIPELINE_EXAMPLES", SHORT))
MINUTE = timedelta(minutes=1)
DEADLINE = timedelta(hours=2)

# What the first sync finds: jobs that lie further apart than the overlap, which repairs what is lost close by.
BEFORE = (Jobs(3), Jobs(3, ago=40))
FORGET_CLUSTERS = "TRUNCATE clusters_cluster, common_settings CASCADE"


class Killed(BaseException):
    """The process is gone."""


@dataclass
class History:
    """One script played on one cluster."""

    rig: Rig
    world: SyntheticWorld
    silent: set[int] = field(default_factory=set)
    """Jobs whose host summaries never come."""
    late: set[int] = field(default_factory=set)
    """Jobs whose host summaries came after the deadline: reconciliation finds them, no sync does."""
    killed: int = 0
    """Syncs that died."""

    def play(self, script: list[Event]) -> None:
        for event in [*BEFORE, *script]:
            self._happen(event)
            self.assert_complete_jobs_are_complete()
        self.calm()

    def _happen(self, event: Event) -> None:
        match event:
            case Jobs():
                self._finish(event)
            case Deliver(every):
                waiting = [job.id for job in self.world.jobs if job.pending]
                overdue = self.world.clock.now() - DEADLINE
                for number in waiting[::every]:
                    self.world.deliver_summaries(number)
                    if datetime.fromisoformat(self.world.truth().jobs[number].job["finished"]) <= overdue:
                        self.late.add(number)
            case Delete(which):
                if self.world.jobs.ids:
                    self.world.delete_job(self.world.jobs.ids[which % len(self.world.jobs.ids)])
            case Wait(minutes):
                self.world.clock.advance(minutes * MINUTE + timedelta(seconds=1))
            case Sync():
                self._sync(event)
            case Parse():
                self.rig.parse()

    def _finish(self, event: Jobs) -> None:
        last = self.world.clock.now() - event.ago * MINUTE
        for index in range(event.count):
            finished = last if event.at_once else last - timedelta(seconds=index)
            number = self.world.add_job(finished=finished, hosts=event.hosts, stats=event.stats)  # type: ignore[arg-type]
            if event.stats == "never":
                self.silent.add(number)

    def _sync(self, event: Sync) -> None:
        since = self.world.clock.now() - event.since * MINUTE if event.since else None
        faults = [
            Fault(
                trouble.kind,  # type: ignore[arg-type]
                probability=trouble.probability,
                paths=frozenset({trouble.path} - {""}),
                skip=trouble.skip,
                times=trouble.times,
            )
            for trouble in event.troubles
        ]
        self.rig.server.faults.add(*faults)
        self.rig.server.tokens.belong_to(PLAIN if event.blind else AUDITOR)
        try:
            with dying(event.dies):
                self.rig.sync(since=since, pause_after=0)
        except PipelineError:
            pass
        except Killed:
            self.killed += 1
        finally:
            self.rig.server.faults.clear()
            self.rig.server.tokens.belong_to(AUDITOR)

    def assert_complete_jobs_are_complete(self) -> None:
        """No stored job that is marked complete lacks a host summary, but for those whose deadline has passed."""
        now = self.world.clock.now()
        truth = true_jobs({**self.world.truth().deleted, **self.world.truth().jobs})
        waiting = {job.id for job in self.world.jobs if job.pending}
        for number, (job, provisional) in stored_jobs(self.rig).items():
            if provisional or number in self.silent or job.finished <= now - DEADLINE:
                continue
            if number in self.world.deleted:
                continue  # deleted while it was awaited: what there was is here
            assert number not in waiting, f"job {number} is called complete before its host summaries are written"
            assert job == truth[number]

    def calm(self) -> None:
        """The faults have stopped and syncs run on: everything is here, exactly once."""
        self.rig.sync()
        self._happen(Deliver())
        self.rig.sync()
        self.world.clock.advance(DEADLINE + MINUTE)
        self.rig.sync()
        self.rig.parse()
        self.assert_equals_truth(but_for=self.late)
        self.world.clock.advance(timedelta(days=1))
        request = SyncRequest(self.rig.cluster, client_settings=self.rig.settings)
        found = reconcile(self.rig.database_url, self.rig.cipher, request, first=NOW.date() - timedelta(days=1))
        assert found.missing == ()
        self.rig.parse()
        self.assert_equals_truth()
        assert self.rig.watermark is None or self.rig.watermark <= self.world.clock.now()

    def assert_equals_truth(self, but_for: Set[int] = frozenset()) -> None:
        """Every job of the controller is stored as it is there; those of `but_for` may lack host summaries."""
        stored = stored_jobs(self.rig)
        deleted = self.world.deleted.keys()
        assert not [number for number, (_, provisional) in stored.items() if provisional]
        truth = true_jobs(self.world.truth().jobs)
        found = {number: job for number, (job, _) in stored.items() if number not in deleted}
        assert found.keys() == truth.keys()
        assert [number for number, job in truth.items() if job != found[number] and number not in but_for] == []


class Play(Protocol):
    """Plays a script within limits."""

    def __call__(self, script: list[Event], manners: Manners) -> History: ...


@contextmanager
def dying(step: int | None) -> Iterator[None]:
    """Lets the process die between two commits: before the commit of transaction step // 2, or right after it."""
    if step is None:
        yield
        return
    done = 0
    begin = psycopg.Connection.transaction

    @contextmanager
    def mortal(*arguments: Any, **options: Any) -> Iterator[Any]:
        nonlocal done
        with begin(*arguments, **options) as transaction:
            yield transaction
            if step == 2 * done:
                raise Killed
        if step == 2 * done + 1:
            raise Killed
        done += 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Connection, "transaction", mortal)
        yield


@pytest.fixture(scope="module")
def played(shared_server: SimulatorServer, module_database_url: str) -> Play:
    """Plays a script on a cluster of its own, whose controller caps its pages at four rows."""

    def play(script: list[Event], manners: Manners) -> History:
        world = empty_world(jobs=10)
        world.max_page_size = 4
        shared_server.use(world, faults=FaultPlan(seed=1))
        shared_server.token = shared_server.tokens.issue()
        rig = Rig(module_database_url, shared_server, settings=patient(retries=4), manners=manners)
        with closing(rig):
            rig.execute(FORGET_CLUSTERS)
            rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '10'), ('sync_workers', '4')")
            rig.register()
            history = History(rig, world)
            history.play(script)
        return history

    return play


@pytest.mark.long
@WITHIN_ALL_LIMITS
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=EXAMPLES == SHORT,
    phases=[Phase.explicit, Phase.generate] if EXAMPLES == SHORT else list(Phase),
)
@given(script=st.lists(events, min_size=2, max_size=9))
@example(script=[Jobs(5, stats="late"), Sync(), Deliver(2), Sync((Trouble("drop_row", "jobs", times=1),)), Parse()])
@example(
    script=[Jobs(12, hosts=2), Sync((Trouble("drop_row", "jobs", skip=1), Trouble("insert_behind", "jobs")), dies=9)]
)
@example(script=[Jobs(3), Sync(), Jobs(2, ago=6), Wait(5), Jobs(1), Sync(), Jobs(2, ago=6)])
@example(script=[Jobs(3, stats="late"), Sync(), Wait(PAST_DEADLINE), Sync(), Deliver(), Parse(), Sync()])
@example(script=[Sync((Trouble("drop_row", "jobs", skip=1, times=12),)), Sync()])
@example(script=[Jobs(3, stats="late"), Sync(), Delete(0), Sync()])
@example(script=[Jobs(9, stats="late"), Sync(), Sync()])  # more are awaited than a page of the controller's holds
@example(script=[Jobs(3, stats="late"), Sync(), Sync(blind=True), Deliver(), Sync(blind=True)])
def test_what_is_stored_equals_what_the_controller_holds(script: list[Event], played: Play, limits: Manners) -> None:
    """Guards against every way in which a sync may lose a job, double one, or call one complete too early."""
    played(script, limits)


@WITHIN_ALL_LIMITS
def test_a_first_sync_that_dies_between_any_two_commits_loses_nothing(played: Play, limits: Manners) -> None:
    """Guards against a watermark that is committed before its rows, which no overlap repairs."""
    steps = 0
    while played([Sync(dies=steps), Sync()], limits).killed:
        steps += 1 if limits == UNLIMITED else 3  # the commits are the same, and their order does not depend on limits
    assert steps > 10
