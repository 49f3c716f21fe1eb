"""Reconciliation finds what no sync could see, names it, and is quiet where nothing is missing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import pytest

from aap_pipeline.raw import reconcile as reconcile_module
from aap_pipeline.raw.reconcile import Reconciliation, reconcile
from aap_pipeline.raw.sync import SyncRequest
from aap_pipeline_tests.raw.rig import NOW, Rig, assert_raw_is_truth, empty_world, filled_world
from aap_simulator.server import SimulatorServer
from aap_simulator.tokens import AUDITOR, PLAIN

HOUR = timedelta(hours=1)


def reconciled(rig: Rig, doubted: Collection[int] = (), **request: Any) -> Reconciliation:
    request = {"client_settings": rig.settings, **request}
    return reconcile(rig.database_url, rig.cipher, SyncRequest(rig.cluster, **request), doubted=doubted)


def test_nothing_is_asked_twice_when_all_is_here(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a reconciliation that reads the history again each night."""
    world = empty_world()
    server.use(world)
    for days in range(5):
        world.add_job(finished=NOW - timedelta(days=days))
    rig.sync()
    rig.parse()
    found = reconciled(rig)
    assert (found.differing, found.missing, found.late) == ((), (), ())
    assert found.days == 90
    assert rig.last_run()["kind"] == "reconcile"
    assert server.log.by_kind["host_summaries"] == 5


def test_missing_jobs_are_fetched_and_named_and_deleted_ones_are_not_missed(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a hole that stays because the controller has also deleted some jobs of that day."""
    server.use(filled_world(jobs=300, days=20, odd_cases=False))
    world = server.world
    rig.sync()
    rig.parse()
    lost = [job.id for job in world.jobs][100:103]
    day_before = world.truth().jobs[lost[0]].job["finished"][:10]
    rig.execute("DELETE FROM clusters_job WHERE external_id = ANY (%s)", lost)
    same_day = [
        n for n, job in world.truth().jobs.items() if job.job["finished"].startswith(day_before) and n not in lost
    ]
    for number in same_day[:2]:
        world.delete_job(number)
    watermark = rig.watermark
    found = reconciled(rig)
    assert set(found.missing) == set(lost)
    assert rig.raw_jobs().keys() == set(lost)
    assert rig.watermark == watermark
    rig.parse()
    again = reconciled(rig)
    assert again.missing == ()


def test_a_job_of_today_is_missed_too_and_what_the_next_sync_reads_is_not(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a check that complains of today and a remedy that looks at past days only."""
    world = empty_world()
    server.use(world)
    jobs = [world.add_job(finished=NOW - timedelta(minutes=minutes)) for minutes in (200, 30, 5)]
    rig.sync()
    rig.parse()
    rig.execute("DELETE FROM clusters_job WHERE external_id = ANY (%s)", [jobs[0], jobs[2]])
    assert reconciled(rig).missing == (jobs[0],)
    rig.sync()
    assert rig.raw_jobs().keys() == {jobs[0], jobs[2]}


def test_doubted_jobs_are_read_again_and_those_that_are_gone_are_named(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a damaged job that is known, so that no sync reads it again."""
    world = empty_world()
    server.use(world)
    kept, gone, late, never = (
        world.add_job(finished=NOW - 30 * HOUR, hosts=2),
        world.add_job(finished=NOW - 30 * HOUR, hosts=2),
        world.add_job(finished=NOW - timedelta(minutes=1), hosts=2, stats="late"),
        world.add_job(finished=NOW - 30 * HOUR, hosts=2, stats="never"),
    )
    rig.sync()
    rig.parse()
    rig.execute("UPDATE clusters_job SET name = 'damaged', provisional = TRUE")
    world.delete_job(gone)
    found = reconciled(rig, doubted=[kept, gone, late, never])
    rig.parse()
    assert (found.again, found.gone) == ((kept, never), (gone,))
    rows = rig.query("SELECT external_id, name = 'damaged', provisional, num_hosts FROM clusters_job ORDER BY 1")
    assert rows == [(kept, False, False, 2), (gone, True, False, 2), (late, True, True, 0), (never, False, False, 0)]
    assert rig.query("SELECT external_id, given_up FROM pipeline.pending_summaries ORDER BY 1") == [
        (late, False),
        (never, True),
    ]


def test_host_summaries_that_came_after_the_deadline_are_found(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a job without hosts for ever because the controller was slower than the deadline."""
    world = empty_world()
    server.use(world)
    late, never = world.add_job(stats="late", hosts=3), world.add_job(stats="never", hosts=3)
    old = world.add_job(stats="late", hosts=2, finished=NOW - 20 * HOUR)
    rig.sync()
    world.clock.advance(3 * HOUR)
    rig.sync()
    assert not any(provisional for _, provisional in rig.raw_jobs().values())
    world.deliver_summaries()
    rig.sync()
    assert rig.raw_jobs()[late][0]["job_host_summaries"] == []
    found = reconciled(rig)
    assert found.late == (late, old)
    assert_raw_is_truth(rig)
    assert rig.query("SELECT external_id, given_up FROM pipeline.pending_summaries") == [(never, True)]
    world.delete_job(never)
    assert reconciled(rig).late == ()
    assert rig.query("SELECT external_id FROM pipeline.pending_summaries") == []


def test_a_cluster_that_was_never_synced_has_nothing_to_reconcile(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a reconciliation that does the first sync's work without its watermark."""
    server.use(filled_world(jobs=20))
    assert reconciled(rig).days == 0
    assert rig.raw_jobs() == {}


def test_what_the_user_may_not_see_is_neither_agreed_nor_forgotten(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a night without the right role that proves every day and gives up every job that is awaited."""
    world = empty_world()
    server.use(world)
    late = world.add_job(stats="late", hosts=3)
    rig.sync()
    world.clock.advance(3 * HOUR)
    server.tokens.belong_to(PLAIN)
    rig.sync()
    rig.parse()
    assert rig.value("SELECT provisional FROM clusters_job") is False
    assert rig.query("SELECT external_id, given_up FROM pipeline.pending_summaries") == [(late, True)]
    world.clock.advance(24 * HOUR)
    said: list[str] = []
    assert reconciled(rig, notify=said.append).days == 0
    assert "System Auditor" in said[0]
    server.tokens.belong_to(AUDITOR)
    world.deliver_summaries()
    assert reconciled(rig).late == (late,)
    assert_raw_is_truth(rig)


def test_a_missing_job_of_another_day_than_its_neighbours_is_found(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a long job that is counted by its id and sought by its day, or counted nowhere."""
    world = empty_world()
    server.use(world)
    numbers = [world.add_job(finished=NOW - timedelta(days=9 - day), hosts=1) for day in range(9)]
    long, short = (world.add_job(finished=NOW - timedelta(days=days), hosts=1) for days in (0.5, 6.5))
    world.add_job(finished=NOW - timedelta(days=2, hours=1), hosts=1)
    rig.sync()
    rig.parse()
    rig.execute("DELETE FROM clusters_job WHERE external_id = ANY (%s)", [numbers[0], numbers[4], long, short])
    found = reconciled(rig)
    assert set(found.missing) == {numbers[0], numbers[4], long, short}
    rig.parse()
    assert (reconciled(rig).differing, reconciled(rig).missing) == ((), ())
    assert {row[0] for row in rig.query("SELECT external_id FROM clusters_job")} == world.truth().jobs.keys()


def test_long_ranges_are_halved_and_halves_that_agree_are_not_listed(
    rig: Rig, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a day of a hundred thousand jobs that is listed for one that is missing."""
    monkeypatch.setattr(reconcile_module, "_LISTED", 20)
    world = empty_world()
    server.use(world)
    numbers = [world.add_job(finished=NOW - timedelta(minutes=700 - index), hosts=0) for index in range(600)]
    rig.sync()
    rig.parse()
    rig.execute("DELETE FROM clusters_job WHERE external_id = ANY (%s)", [numbers[100], numbers[101], numbers[500]])
    server.log.clear()
    assert reconciled(rig).missing == (numbers[100], numbers[101], numbers[500])
    assert max(request.cost.worker for request in server.log.requests) < 1  # a page of 50 jobs takes as long


def test_reconciliation_filters_no_long_history_by_date(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a nightly question whose cost grows with the jobs of a day."""
    server.use(filled_world(jobs=3000, days=10, odd_cases=False, hosts_per_job=1))
    rig.sync()
    rig.parse()
    [lost] = rig.query(
        "DELETE FROM clusters_job WHERE id = (SELECT max(id) - 99 FROM clusters_job) RETURNING external_id"
    )
    server.log.clear()
    found = reconciled(rig)
    assert found.missing == lost
    assert all(request.cost.database < 0.02 for request in server.log.requests if "finished__" in request.query)
    assert server.log.total < 30
