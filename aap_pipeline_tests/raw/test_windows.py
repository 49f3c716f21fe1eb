"""Backfills, their resume, dry runs, and host summaries that come late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aap_pipeline.clusters.registry import set_enabled
from aap_pipeline.clusters.staleness import stale_clusters
from aap_pipeline.controller.errors import ControllerError
from aap_pipeline.controller.manners import Manners
from aap_pipeline.database.connection import connect
from aap_pipeline.errors import BadInput, PipelineError
from aap_pipeline.raw.sync import DryRun, SyncRequest, dry_run, require_possible
from aap_pipeline.raw.tally import Tally
from aap_pipeline_tests.raw.rig import NOW, Rig, assert_raw_is_truth, empty_world, filled_world, patient
from aap_simulator.faults import Fault
from aap_simulator.server import SimulatorServer
from aap_simulator.synthetic import SyntheticWorld
from aap_simulator.tokens import AUDITOR, PLAIN

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def world_of(server: SimulatorServer, *ages: timedelta) -> SyntheticWorld:
    """Serve a world with one job that finished so long ago each; their ids ascend."""
    world = empty_world()
    for age in ages:
        world.add_job(finished=NOW - age)
    server.use(world)
    return world


def test_a_backfill_before_the_first_days_adds_history_and_leaves_the_watermark(
    rig: Rig, server: SimulatorServer
) -> None:
    """Guards against a watermark that goes back to last year."""
    world_of(server, 200 * DAY, 100 * DAY, DAY)
    rig.sync()
    assert len(rig.raw_jobs()) == 1
    rig.sync(since=NOW - 150 * DAY, until=NOW - 95 * DAY)
    assert len(rig.raw_jobs()) == 2
    assert rig.watermark == NOW - DAY
    assert rig.last_run()["kind"] == "backfill"
    assert rig.last_run()["lag_seconds"] is None


def test_a_backfill_beyond_the_watermark_leaves_no_hole(rig: Rig, server: SimulatorServer) -> None:
    """Guards against jobs between the watermark and --since that no later sync would read."""
    world = world_of(server, 3 * DAY)
    rig.sync()
    world.clock.advance(2 * HOUR)
    between, after = world.add_job(finished=NOW + 10 * MINUTE), world.add_job(finished=NOW + 90 * MINUTE)
    rig.sync(since=NOW + HOUR)
    assert (after in rig.raw_jobs(), between in rig.raw_jobs()) == (True, False)
    assert rig.watermark == NOW - 3 * DAY
    rig.sync()
    assert_raw_is_truth(rig)
    assert rig.watermark == NOW + 90 * MINUTE


@pytest.mark.parametrize("until", [None, NOW - MINUTE])
def test_a_killed_backfill_resumes_at_its_last_slice(until: object, rig: Rig, server: SimulatorServer) -> None:
    """Guards against reading months again, also when the window ends at whatever is now."""
    server.use(filled_world(jobs=120, days=30, odd_cases=False))
    rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '20')")
    rig.settings = patient(retries=0)
    since = NOW - 25 * DAY
    server.faults.add(Fault("status", paths=frozenset({"host_summaries"}), skip=50))
    with pytest.raises(ControllerError):
        rig.sync(since=since, until=until)
    server.faults.clear()
    pages = [request for request in server.log.requests if "page_size=200" in request.query]
    server.world.clock.advance(MINUTE)
    server.log.clear()
    report = rig.sync(since=since, until=until)
    assert len(pages) > 2
    assert report.jobs_counted < 80
    wanted = {n for n, job in server.world.truth().jobs.items() if job.job["finished"] > since.isoformat()}
    assert wanted <= rig.raw_jobs().keys()
    assert rig.query("SELECT done_to FROM pipeline.backfill") == []


def test_a_backfill_ends_the_unfinished_ones_within_its_window(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a backfill that `status` lists for good although its jobs were read."""
    server.use(filled_world(jobs=120, days=30, odd_cases=False))
    rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '20')")
    for days in (40, 20, 10):
        assert rig.sync(since=NOW - days * DAY, pause_after=0).paused
    rig.sync(since=NOW - 25 * DAY)
    assert rig.query("SELECT window_from FROM pipeline.backfill") == [(NOW - 40 * DAY,)]


@pytest.mark.parametrize("until", [None, NOW - MINUTE])
def test_a_backfill_pauses_and_goes_on_unless_it_was_killed(until: object, rig: Rig, server: SimulatorServer) -> None:
    """Guards against a backfill that keeps new jobs waiting, and against one that comes back after its end."""
    server.use(filled_world(jobs=120, days=30, odd_cases=False))
    rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '20')")
    rig.settings = patient(retries=0)
    since = NOW - 25 * DAY
    window: dict[str, Any] = {"since": since, "until": until}
    goes_on = "SELECT goes_on FROM pipeline.backfill"
    first = rig.sync(**window, pause_after=0)
    assert (first.paused, 0 < first.jobs_seen <= 20, rig.value(goes_on)) == (True, True, True)
    server.faults.add(Fault("status", paths=frozenset({"host_summaries"})))
    with pytest.raises(ControllerError):
        rig.sync(**window, pause_after=0)
    server.faults.clear()
    assert rig.value(goes_on) is False
    slices = 1
    while (report := rig.sync(**window, pause_after=0)).paused:
        assert 0 < report.jobs_seen <= 20
        slices += 1
    assert slices > 2
    wanted = {n for n, job in server.world.truth().jobs.items() if job.job["finished"] > since.isoformat()}
    assert wanted <= rig.raw_jobs().keys()
    assert rig.query(goes_on) == []


def test_a_dry_run_asks_little_stores_nothing_and_is_right(rig: Rig, server: SimulatorServer) -> None:
    """Guards against figures that have nothing to do with the sync that follows."""
    server.use(filled_world(jobs=500, days=60, odd_cases=False))
    rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '100')")

    def tried() -> DryRun:
        return dry_run(rig.database_url, rig.cipher, SyncRequest(rig.cluster, client_settings=rig.settings))

    rig.sync(until=NOW - 59 * DAY)  # so that the product is known
    expected = tried()
    report = rig.sync()
    assert (expected.window_from, expected.window_to) == (report.window_from, report.window_to)
    assert expected.jobs == pytest.approx(report.jobs_counted, rel=0.05)
    assert expected.new_jobs == pytest.approx(report.jobs_stored, rel=0.05)
    assert expected.requests == pytest.approx(report.requests, rel=0.25)
    assert (expected.way, expected.minutes > 0, expected.controller_seconds > 0) == ("by job", True, True)
    server.log.clear()
    again = tried()
    assert (again.new_jobs, server.log.by_kind["host_summaries"]) == (0, 0)
    assert again.requests <= 6


def test_late_host_summaries_are_fetched_when_they_come(rig: Rig, server: SimulatorServer) -> None:
    """Guards against jobs that arrive without host summaries and vanish from all figures."""
    world = world_of(server, 5 * MINUTE)
    late = world.add_job(stats="late", hosts=3, finished=NOW - MINUTE)
    report = rig.sync()
    assert report.jobs_provisional == 1
    assert rig.raw_jobs()[late][1] is True
    rig.parse()
    assert rig.query("SELECT external_id FROM clusters_job WHERE provisional") == [(late,)]
    world.clock.advance(40 * MINUTE)
    world.add_job()
    rig.sync()
    rig.parse()
    world.deliver_summaries()
    world.clock.advance(MINUTE)
    rig.sync()
    document, provisional = rig.raw_jobs()[late]
    assert (len(document["job_host_summaries"]), provisional) == (3, False)
    rig.parse()
    assert rig.query("SELECT num_hosts FROM clusters_job WHERE external_id = %s AND NOT provisional", late) == [(3,)]
    assert rig.query("SELECT external_id FROM pipeline.pending_summaries") == []


def test_host_summaries_that_never_come_are_given_up_after_the_deadline(rig: Rig, server: SimulatorServer) -> None:
    """Guards against runs that stay provisional for ever because they never had a host."""
    world = world_of(server)
    never = world.add_job(stats="never", status="error", hosts=0)
    rig.sync()
    world.clock.advance(2 * HOUR - MINUTE)
    assert rig.sync().jobs_stored == 0
    world.clock.advance(MINUTE)
    assert rig.sync().jobs_stored == 1
    assert rig.raw_jobs()[never][1] is False
    server.log.clear()
    assert rig.sync().jobs_stored == 0
    assert server.log.total <= 6


def test_a_job_deleted_while_it_was_awaited_is_settled(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a question for a job that is gone, in every sync from now on."""
    world = world_of(server)
    gone = world.add_job(stats="late", hosts=2)
    rig.sync()
    world.delete_job(gone)
    rig.sync()
    assert rig.query("SELECT data->'ids' FROM clusters_clustersyncdata WHERE kind = 'job_settled'") == [([gone],)]
    server.log.clear()
    rig.sync()
    assert server.log.total <= 5


def test_a_job_that_the_user_may_not_see_for_a_while_stays_awaited(rig: Rig, server: SimulatorServer) -> None:
    """Guards against taking hidden for deleted: such a job was called complete and its host summaries never read."""
    world = world_of(server, 5 * MINUTE)
    late = world.add_job(stats="late", hosts=3, finished=NOW - MINUTE)
    rig.sync()
    server.tokens.belong_to(PLAIN)
    rig.sync()
    rig.parse()
    assert rig.query("SELECT external_id FROM clusters_job WHERE provisional") == [(late,)]
    server.tokens.belong_to(AUDITOR)
    world.deliver_summaries()
    rig.sync()
    rig.parse()
    assert rig.query("SELECT num_hosts, provisional FROM clusters_job WHERE external_id = %s", late) == [(3, False)]


def run_on(rig: Rig, window: dict[str, Any]) -> None:
    """Sync until a backfill is at its end."""
    for _ in range(40):
        if not rig.sync(**window).paused:
            return
    raise AssertionError("a backfill that begins with the same stretch again and again")


def test_jobs_that_turn_up_behind_a_backfill_that_is_resumed_are_read(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a resume that does not look back: what the last slice could not see is behind the watermark."""
    world = world_of(server, *[4 * MINUTE] * 10, *[MINUTE / 2] * 10)
    rig.settings = patient(retries=0)
    rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '10')")
    window = {"since": NOW - 91 * DAY, "pause_after": 0}
    server.faults.add(Fault("status", paths=frozenset({"host_summaries"}), skip=10))
    with pytest.raises(ControllerError):
        run_on(rig, window)
    server.faults.clear()
    assert rig.watermark == NOW - 4 * MINUTE
    behind = world.add_job(finished=NOW - 5 * MINUTE)
    world.clock.advance(HOUR)
    world.add_job(finished=NOW + HOUR)
    run_on(rig, window)
    assert rig.watermark == NOW + HOUR
    rig.sync()
    assert behind in rig.raw_jobs()
    assert_raw_is_truth(rig)


def test_a_first_sync_that_waits_for_its_hours_is_not_stale(rig: Rig, server: SimulatorServer) -> None:
    """Guards against an alert on every day of a first sync that may run only at night."""
    rig.manners = Manners(sync_window="20:00-06:00")
    rig.register()
    day = (datetime.now(UTC) + 2 * DAY).replace(hour=0, minute=0)

    def stale(hours: float) -> bool:
        return rig.name in stale_clusters(rig.connection, day + hours * HOUR, HOUR)

    assert [stale(hour) for hour in (5, 12, 20.5, 21.5)] == [True, False, False, True]
    rig.execute("UPDATE clusters_cluster SET sync_window = NULL")
    assert stale(12)


def test_long_reads_keep_to_the_hours_of_their_cluster(
    rig: Rig, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a first sync in the middle of a controller's day, and against one that never goes on."""
    server.use(filled_world(jobs=120, days=30, odd_cases=False))
    rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '20')")
    rig.manners = Manners(4, 10_000, "00:00-00:01")
    rig.register()
    open_hours = [False]
    monkeypatch.setattr(Manners, "may_read_long", lambda *_: open_hours[0])
    waits = rig.sync()
    assert (waits.paused, waits.requests, server.log.total) == (True, 0, 0)
    assert "only within 00:00-00:01 (sync_window)" in waits.warnings[0]
    answers = iter([True, True, False])
    monkeypatch.setattr(Manners, "may_read_long", lambda *_: next(answers, False))
    first = rig.sync()
    assert (first.paused, 0 < first.jobs_stored < 100) == (True, True)
    assert "sync_window" in first.warnings[0]
    assert rig.sync().requests == 0
    monkeypatch.setattr(Manners, "may_read_long", lambda *_: True)
    assert rig.sync().paused is False
    monkeypatch.setattr(Manners, "may_read_long", lambda *_: False)
    assert_raw_is_truth(rig)
    assert rig.sync().jobs_stored == 0  # what is new is read at any hour
    assert rig.sync(since=NOW - 5 * DAY).requests == 0
    assert rig.query("SELECT window_from, done_to, goes_on FROM pipeline.backfill") == [
        (NOW - 5 * DAY, NOW - 5 * DAY, True)
    ]
    with pytest.raises(BadInput, match="sync_window"), connect(rig.database_url) as connection:
        require_possible(connection, SyncRequest(rig.cluster, since=NOW - 5 * DAY))


def test_limits_that_change_apply_to_a_sync_that_runs(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a first sync of hours that goes on at the old limits after an operator lowered them."""
    server.use(filled_world(jobs=120, days=30, odd_cases=False))
    rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '20'), ('sync_workers', '2')")
    closed = datetime.now(UTC) + 2 * HOUR
    hours = f"{closed:%H:%M}-{closed + HOUR:%H:%M}"

    def progress(tally: Tally) -> None:
        if tally.slices == 2:
            rig.execute("UPDATE clusters_cluster SET sync_window = %s, max_concurrent_requests = 1", hours)

    report = rig.sync(progress=progress)
    assert (report.paused, report.jobs_stored < 120) == (True, True)
    assert f"only within {hours}" in report.warnings[0]


@pytest.mark.parametrize("removed", [False, True])
def test_a_cluster_that_is_disabled_is_no_longer_asked_by_a_sync_that_runs(
    removed: bool, rig: Rig, server: SimulatorServer
) -> None:
    """Guards against a first sync that goes on for hours after its controller was taken out of service."""
    server.use(filled_world(jobs=120, days=30, odd_cases=False))
    rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '20'), ('sync_workers', '2')")

    def progress(tally: Tally) -> None:
        if tally.slices == 2:
            set_enabled(rig.connection, rig.name, enabled=False, removed=removed)

    if removed:
        with pytest.raises(PipelineError, match="was removed on"):
            rig.sync(progress=progress)
    else:
        assert "Cluster prod was disabled" in rig.sync(progress=progress).warnings[0]
    assert len(rig.raw_jobs()) < 120
    set_enabled(rig.connection, rig.name, enabled=True)
    rig.sync()
    assert_raw_is_truth(rig)
