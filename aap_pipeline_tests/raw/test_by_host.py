"""Reading a long history by host brings the rows that reading it by job brings, whatever happens meanwhile."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aap_pipeline.controller.manners import Manners
from aap_pipeline.errors import PipelineError
from aap_pipeline.raw import sync
from aap_pipeline.raw.estimate import Cost
from aap_pipeline_tests.raw.rig import (
    NOW,
    WITHIN_ALL_LIMITS,
    Rig,
    assert_raw_is_truth,
    empty_world,
    patient,
    stored_jobs,
    true_jobs,
)
from aap_simulator.entities import Host, HostOutcome
from aap_simulator.faults import Fault, FaultPlan
from aap_simulator.server import SimulatorServer
from aap_simulator.synthetic import SyntheticWorld

pytestmark = WITHIN_ALL_LIMITS
SHORT = 12
EXAMPLES = int(os.environ.get("AAP_PIPELINE_EXAMPLES", SHORT))
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def by_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Choose reading by host for worlds of any size, a few jobs at a time."""
    choose_by_host(monkeypatch)


def choose_by_host(patch: pytest.MonkeyPatch) -> None:
    """As the fixture, for the length of `patch`."""
    patch.setattr(sync, "LONG", 1)
    patch.setattr(sync, "cheaper", lambda *_: ("by host", Cost(0, 0.0)))
    patch.setattr(sync, "stretch", lambda *_: 12)


outcomes = st.builds(
    lambda number, kind: _outcome(number, kind), st.integers(1, 20), st.sampled_from(("known", "none", "constructed"))
)
jobs: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    hosts=st.lists(outcomes, max_size=6, unique_by=lambda outcome: outcome.name),
    ago=st.integers(1, 30 * 24 * 60),
    seconds=st.sampled_from((5.0, 600.0, 86_400.0)),
    stats=st.sampled_from(("delivered", "delivered", "delivered", "late", "never")),
)


def _outcome(number: int, kind: str) -> HostOutcome:
    host = Host(number, f"srv{number:04d}.example.invalid")
    if kind == "none":
        return HostOutcome("localhost", None, ok=2)
    constructed = Host(number + 1000, f"constructed{number}") if kind == "constructed" else None
    return HostOutcome(host.name, host, constructed, ok=3, changed=number % 2)


Meanwhile = tuple[str, int]
"""What happens at the controller after so many requests for the host summaries of a host."""


@pytest.mark.long
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=EXAMPLES == SHORT,
    phases=[Phase.explicit, Phase.generate] if EXAMPLES == SHORT else list(Phase),
)
@given(
    history=st.lists(jobs, min_size=3, max_size=30),
    meanwhile=st.lists(
        st.tuples(st.sampled_from(("job", "delete host", "delete job", "deliver", "fail")), st.integers(0, 40)),
        max_size=4,
    ),
    deleted=st.sets(st.integers(1, 20), max_size=4),
)
def test_by_host_brings_what_by_job_brings(
    history: list[dict[str, Any]],
    meanwhile: list[Meanwhile],
    deleted: set[int],
    shared_server: SimulatorServer,
    module_database_url: str,
    limits: Manners,
) -> None:
    """Guards against a host summary that no host lists, or that came while its host was read."""
    world = empty_world(jobs=10)
    for each in sorted(history, key=lambda job: -job["ago"]):
        finished = NOW - each["ago"] * MINUTE
        world.add_job(finished=finished, hosts=each["hosts"], seconds=each["seconds"], stats=each["stats"])
    for number in deleted:
        world.delete_host(number)
    shared_server.use(world, faults=FaultPlan(seed=1))
    shared_server.token = shared_server.tokens.issue()
    with closing(Rig(module_database_url, shared_server, settings=patient(retries=0), manners=limits)) as rig:
        rig.execute("TRUNCATE clusters_cluster, common_settings CASCADE")
        rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '10')")
        rig.register()
        with happening(world, shared_server, meanwhile):
            for _ in range(len(meanwhile) + 1):
                try:
                    rig.sync()
                    break
                except PipelineError:
                    continue
        settle(rig, world)
        truth, deleted_jobs = true_jobs(world.truth().jobs), world.deleted.keys()
        found = {number: job for number, (job, _) in stored_jobs(rig).items() if number not in deleted_jobs}
        assert found == truth
        assert rig.query("SELECT job_id FROM pipeline.host_summaries_ahead") == []


class happening:  # noqa: N801 - reads as the words it stands for
    """Lets things happen at the controller, each after so many requests for the host summaries of a host."""

    def __init__(self, world: SyntheticWorld, server: SimulatorServer, what: list[Meanwhile]) -> None:
        self.world, self.server, self.what = world, server, sorted(what, key=lambda each: each[1])
        self.asked = 0

    def __enter__(self) -> None:
        self.original = self.world.summaries_of_host
        self.world.summaries_of_host = self.answer  # type: ignore[assignment, method-assign]

    def __exit__(self, *_: object) -> None:
        self.world.summaries_of_host = self.original  # type: ignore[method-assign]

    def answer(self, host: int) -> Any:
        """The host summaries of `host`, after what is due has happened."""
        self.asked += 1
        while self.what and self.what[0][1] <= self.asked:
            self.happen(*self.what.pop(0))
        return self.original(host)

    def happen(self, kind: str, number: int) -> None:
        """One thing."""
        jobs = self.world.jobs
        if kind == "job":
            self.world.add_job(finished=NOW - number * HOUR, hosts=3)
        elif kind == "delete host" and self.world.objects["hosts"].ids[1:]:
            hosts = self.world.objects["hosts"].ids
            self.world.delete_host(hosts[number % (len(hosts) - 1)])
        elif kind == "delete job" and jobs.ids:
            self.world.delete_job(jobs.ids[number % len(jobs.ids)])
        elif kind == "deliver":
            self.world.deliver_summaries()
        elif kind == "fail":
            self.server.faults.add(Fault("status", times=1))


def settle(rig: Rig, world: SyntheticWorld) -> None:
    """What was late comes, and ordinary syncs and a reconciliation read it by job."""
    from aap_pipeline.raw.reconcile import reconcile
    from aap_pipeline.raw.sync import SyncRequest

    rig.server.faults.clear()
    world.deliver_summaries()
    rig.sync()
    world.clock.advance(2 * HOUR + MINUTE)
    rig.sync()
    rig.parse()
    reconcile(rig.database_url, rig.cipher, SyncRequest(rig.cluster, client_settings=rig.settings))
    rig.sync(since=NOW - 60 * DAY)
    rig.parse()


def filled(server: SimulatorServer, jobs: int = 60) -> SyntheticWorld:
    """Serve a world with jobs of three hosts each."""
    world = empty_world()
    for number in range(jobs):
        world.add_job(finished=NOW - 20 * DAY + number * 6 * HOUR, hosts=3)
    server.use(world)
    return world


def test_jobs_cost_no_request_each(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a choice that changes nothing: one job of each page is read by job, for comparison."""
    filled(server)
    rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '10')")
    report = rig.sync()
    assert_raw_is_truth(rig)
    assert report.jobs_stored == 60
    assert server.log.by_kind["host_summaries"] <= 10 + report.slices  # ten tell how many hosts a job has
    assert server.log.by_kind["summaries_of_host"] >= 20


def interrupted_sync(rig: Rig, server: SimulatorServer) -> None:
    """Sync until the 14th host, whose request fails."""
    rig.settings = patient(retries=0)
    server.faults.add(Fault("status", paths=frozenset({"summaries_of_host"}), skip=13))
    with pytest.raises(PipelineError):
        rig.sync()
    server.faults.clear()


def test_a_killed_read_goes_on_with_the_next_host(rig: Rig, server: SimulatorServer, monkeypatch: Any) -> None:
    """Guards against thousands of hosts that are read again after each interruption."""
    from aap_pipeline.raw import host_history

    monkeypatch.setattr(host_history, "_HOSTS_AT_ONCE", 4)
    monkeypatch.setattr(sync, "stretch", lambda *_: 1000)
    filled(server)
    interrupted_sync(rig, server)
    server.log.clear()
    rig.sync()
    assert server.log.by_kind["summaries_of_host"] == 20 - 12
    assert_raw_is_truth(rig)


def test_a_job_that_reports_while_the_read_is_interrupted_keeps_its_hosts(
    rig: Rig, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a job without hosts: it was running when the stretch began, and its hosts had been read."""
    from aap_pipeline.raw import host_history

    monkeypatch.setattr(host_history, "_HOSTS_AT_ONCE", 4)
    monkeypatch.setattr(sync, "stretch", lambda *_: 1000)
    world = filled(server)
    late = world.add_job(finished=NOW - MINUTE, hosts=[_outcome(1, "known"), _outcome(2, "known")], stats="late")
    interrupted_sync(rig, server)
    world.deliver_summaries()
    world.clock.advance(3 * HOUR)
    rig.sync()
    assert len(rig.raw_jobs()[late][0]["job_host_summaries"]) == 2
    assert_raw_is_truth(rig)


def test_a_job_that_is_committed_while_the_read_is_interrupted_keeps_its_hosts(
    rig: Rig, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a job without hosts: no list of the stretch's begin showed it, and its hosts had been read."""
    from aap_pipeline.raw import host_history

    monkeypatch.setattr(host_history, "_HOSTS_AT_ONCE", 4)
    monkeypatch.setattr(sync, "stretch", lambda *_: 1000)
    world = filled(server)
    late = world.add_job(finished=NOW - HOUR)
    world.add_job(finished=NOW - HOUR)
    world.delete_job(late)
    interrupted_sync(rig, server)
    rig.execute("UPDATE pipeline.host_stretch SET began_at = %s", NOW)
    hosts = [_outcome(1, "known"), _outcome(2, "known")]
    assert world.add_job(finished=NOW + MINUTE, hosts=hosts, id=late) == late
    world.clock.advance(HOUR)
    rig.sync()
    assert len(rig.raw_jobs()[late][0]["job_host_summaries"]) == 2
    assert_raw_is_truth(rig)


def test_a_job_that_reports_while_hosts_are_read_keeps_its_hosts(
    rig: Rig, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a job without hosts: it reported on hosts that were read, before a page with newer jobs."""
    monkeypatch.setattr(sync, "stretch", lambda *_: 1000)
    rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '10')")
    world = filled(server)
    for number in range(5):
        world.add_job(finished=NOW - number * MINUTE, hosts=3)
    late = world.add_job(finished=NOW - MINUTE, hosts=[_outcome(1, "known"), _outcome(2, "known")], stats="late")
    answer = world.summaries_of_host

    def late_ones_come(host: int) -> Any:
        if host == 20:
            world.deliver_summaries()
            world.add_job(finished=NOW, hosts=3)
        return answer(host)

    monkeypatch.setattr(world, "summaries_of_host", late_ones_come)
    rig.sync()
    assert len(rig.raw_jobs()[late][0]["job_host_summaries"]) == 2
    assert_raw_is_truth(rig)


def test_a_user_who_may_not_list_hosts_reads_by_job(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a first sync and a dry run that fail because of a way that only costs less."""
    filled(server)
    server.faults.add(Fault("status", paths=frozenset({"hosts"}), statuses=(403,)))
    request = sync.SyncRequest(rig.cluster, client_settings=rig.settings)
    sync.dry_run(rig.database_url, rig.cipher, request)
    rig.sync()
    assert server.log.by_kind["summaries_of_host"] == 0
    assert_raw_is_truth(rig)


def test_hosts_that_the_user_may_not_see_are_read_by_job(rig: Rig, server: SimulatorServer, monkeypatch: Any) -> None:
    """Guards against host summaries lost to a user who sees every job and not every host."""
    world = filled(server)
    hidden = world.objects["hosts"]
    for number in hidden.ids[:2]:
        hidden.remove(number)
    rig.sync()
    assert_raw_is_truth(rig)
    assert server.log.by_kind["host_summaries"] >= 60


def test_an_ordinary_user_reads_by_job(rig: Rig, server: SimulatorServer, monkeypatch: Any) -> None:
    """Guards against trusting the lists of hosts of a user to whom they may be cut."""
    filled(server)
    monkeypatch.setattr(sync, "sees_every_job", lambda _: False)
    rig.sync()
    assert server.log.by_kind["summaries_of_host"] == 0
    assert_raw_is_truth(rig)
