"""A sync of a healthy controller: everything arrives once, and known jobs cost nothing."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from aap_pipeline.controller.errors import ControllerError
from aap_pipeline.documents.fingerprint import SCHEMA
from aap_pipeline_tests.raw.rig import (
    NOW,
    Rig,
    assert_raw_is_truth,
    empty_world,
    filled_world,
    patient,
    stored_jobs,
    true_jobs,
)
from aap_simulator.faults import Fault
from aap_simulator.server import SimulatorServer, replay

MINUTE = timedelta(minutes=1)
LONG_AGO = 3650


def look_back(rig: Rig, days: int) -> None:
    """Let a first sync reach back so many days."""
    rig.execute(
        "INSERT INTO common_settings (type, value) VALUES ('initial_sync_days', %s) "
        "ON CONFLICT (type) DO UPDATE SET value = excluded.value",
        str(days),
    )


@pytest.mark.parametrize("product", ["aap24", "aap25", "awx"])
def test_recorded_answers_of_a_product_arrive_whole(product: str, database_url: str) -> None:
    """Guards against documents that differ from what a real controller sent."""
    with replay(product) as server, closing(Rig(database_url, server)) as rig:
        look_back(rig, LONG_AGO)
        first = rig.sync()
        assert_raw_is_truth(rig)
        assert first.jobs_stored == len(server.world.truth().jobs)
        rig.parse()
        server.log.clear()
        again = rig.sync()
        assert (again.jobs_stored, server.log.by_kind["host_summaries"]) == (0, 0)
        assert server.log.total <= 6, server.log.by_kind


@pytest.mark.parametrize("product", ["aap26", "aap27", "aap28"])
def test_other_products_are_synced_alike(product: str, server: SimulatorServer, database_url: str) -> None:
    """Guards against a list of versions that ends with the last one known."""
    world = filled_world(product=product, jobs=60)
    with SimulatorServer(world) as other, closing(Rig(database_url, other)) as rig:
        rig.sync()
        assert_raw_is_truth(rig)
        assert rig.cluster.product == f"AAP 2.{product[-1]}"


def test_a_synthetic_year_arrives_exactly_through_core(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a job, a host summary or a label that is lost or doubled in many slices, odd cases included."""
    server.use(filled_world(jobs=600, days=80))
    rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '70')")
    report = rig.sync()
    assert_raw_is_truth(rig)
    assert report.slices > 8
    assert report.jobs_counted == report.jobs_seen == report.jobs_stored == len(server.world.truth().jobs)
    rig.parse()
    assert {number: job for number, (job, _) in stored_jobs(rig).items()} == true_jobs(server.world.truth().jobs)
    assert rig.watermark == server.world.newest_finished()


def test_repeat_sync_costs_six_requests_at_most_also_while_host_summaries_are_awaited(
    rig: Rig, server: SimulatorServer
) -> None:
    """Guards against a pipeline that asks for all it knows again, before and after core has parsed it."""
    world = empty_world()
    server.use(world)
    for minutes in range(9):
        world.add_job(finished=NOW - minutes * MINUTE)
    world.add_job(stats="late")
    rig.sync()
    for _ in range(2):
        server.log.clear()
        report = rig.sync()
        assert server.log.total <= 6
        assert server.log.by_kind["host_summaries"] == 0
        assert (report.jobs_known, report.jobs_stored) == (10, 0)
        rig.parse()


def test_a_release_that_reads_more_of_a_document_reads_it_again(
    rig: Rig, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a field that a release adds and that stays empty in every row stored before."""
    server.use(filled_world(jobs=30))
    rig.list_each_time()
    first = rig.sync()
    rig.parse()
    changed = {name: rig.query(f"SELECT count(*) FROM clusters_{name}") for name in ("organization", "jobtemplate")}
    for schema, stored in ((SCHEMA, 0), (b"of the next release", first.jobs_stored)):
        monkeypatch.setattr("aap_pipeline.documents.fingerprint.SCHEMA", schema)
        assert rig.sync(since=NOW - timedelta(days=90)).jobs_stored == stored
        waiting = dict(rig.query("SELECT kind, count(*) FROM clusters_clustersyncdata GROUP BY kind"))
        assert waiting.get("job", 0) == stored
        rig.parse()
    assert (waiting["organization"], waiting["job_template"]) == (
        changed["organization"][0][0],
        changed["jobtemplate"][0][0],
    )
    assert rig.sync(since=NOW - timedelta(days=90)).jobs_stored == 0


def test_jobs_behind_the_newest_one_are_found(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a watermark that is taken literally: rows appear behind it when clocks differ."""
    world = empty_world()
    server.use(world)
    world.add_job(finished=NOW - MINUTE)
    rig.sync()
    late = world.add_job(finished=NOW - 8 * MINUTE)
    rig.sync()
    assert late in rig.raw_jobs()
    assert rig.watermark == NOW - MINUTE


def test_hundreds_of_jobs_with_the_same_finish_time_arrive(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a slice that cannot be cut, and against a watermark in the middle of a group of equals."""
    world = empty_world()
    server.use(world)
    rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '50')")
    moment = NOW - 3 * MINUTE
    for _ in range(330):
        world.add_job(finished=moment, hosts=1)
    world.add_job(finished=moment + timedelta(microseconds=1), hosts=1)
    rig.sync()
    assert_raw_is_truth(rig)
    world.add_job(finished=moment, hosts=1)
    rig.sync()
    assert_raw_is_truth(rig)


def test_a_job_that_ran_during_one_sync_comes_with_the_next(rig: Rig, server: SimulatorServer) -> None:
    """Guards against jobs that are taken before they finish, or never again."""
    world = empty_world()
    server.use(world)
    running = world.start_job(hosts=3)
    rig.sync()
    assert rig.raw_jobs() == {}
    world.clock.advance(MINUTE)
    world.finish_job(running)
    rig.sync()
    assert_raw_is_truth(rig)


def test_the_controllers_clock_counts_not_ours(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a window that ends at our own time, which may be minutes off."""
    for skew in (timedelta(minutes=-7), timedelta(minutes=7)):
        world = empty_world()
        world.clock.skew = skew
        server.use(world)
        number = world.add_job(finished=world.clock.now() - timedelta(seconds=1))
        rig.execute("DELETE FROM clusters_clustersyncstatus")
        rig.execute("DELETE FROM clusters_clustersyncdata")
        rig.sync()
        assert list(rig.raw_jobs()) == [number]


def test_labels_beyond_ten_are_completed(rig: Rig, server: SimulatorServer) -> None:
    """Guards against the ten labels to which a controller cuts every list row."""
    world = empty_world()
    server.use(world)
    number = world.add_job()
    world.set_labels(number, range(1, 16))
    rig.sync()
    labels = rig.raw_jobs()[number][0]["summary_fields"]["labels"]
    assert labels["count"] == len(labels["results"]) == 15
    rig.parse()
    assert len(stored_jobs(rig)[number][0].labels) == 15
    server.log.clear()
    assert rig.sync().jobs_known == 1
    assert server.log.by_kind["job_labels"] == 0


def test_a_job_of_a_thousand_hosts_arrives_page_by_page(rig: Rig, server: SimulatorServer) -> None:
    """Guards against host summaries that end with the first page."""
    world = empty_world()
    server.use(world)
    number = world.add_job(hosts=1000)
    report = rig.sync()
    assert report.host_summaries == len(rig.raw_jobs()[number][0]["job_host_summaries"]) == 1000


def test_lists_are_read_when_they_are_due_and_when_a_job_refers_to_an_unknown_one(
    rig: Rig, server: SimulatorServer
) -> None:
    """Guards against lists in each sync, of which they are half the cost, and against a template without a name."""
    world = empty_world()
    server.use(world)
    world.add_job(template=0)

    def lists() -> int:
        server.log.clear()
        rig.sync()
        return server.log.by_kind["job_templates"]

    assert lists() == 1
    rig.parse()
    world.add_job(template=0)
    assert lists() == 0
    new = world.objects["job_templates"].rows[world.objects["job_templates"].ids[-1]].document() | {"id": 900}
    world.load_objects("job_templates", [row.document() for row in world.objects["job_templates"]] + [new])
    world.add_job(template=replace(world.generator.catalog.templates[0], id=900))
    assert lists() == 1
    age = "UPDATE clusters_cluster SET listed_at = NOW() - %s::interval"
    rig.execute(age, "16 minutes")
    assert lists() == 0
    world.add_job(template=0)
    assert lists() == 1
    world.add_job(template=0)
    assert lists() == 0
    rig.execute(age, "4 hours")
    assert lists() == 1
    assert lists() == 0
    server.faults.add(Fault("status", times=100))
    with pytest.raises(ControllerError):
        rig.sync()
    server.faults.clear()
    assert lists() == 1


def test_organizations_and_templates_are_listed_and_deletions_noticed(rig: Rig, server: SimulatorServer) -> None:
    """Guards against names that stay as they were when a job last ran."""
    rig.list_each_time()
    rig.sync()
    kinds = rig.query("SELECT kind, count(*) FROM clusters_clustersyncdata GROUP BY 1 ORDER BY 1")
    world = server.world
    assert kinds == [("job_template", len(world.objects["job_templates"])), ("organization", 6)]
    rig.parse()
    organization, template = world.objects["organizations"].ids[0], world.objects["job_templates"].ids[-1]
    world.rename("organizations", organization, "Renamed")
    world.delete_object("job_templates", template)
    rig.sync()
    rows = rig.query("SELECT kind, data->>'name', data->'ids' FROM clusters_clustersyncdata ORDER BY id")
    assert ("organization", "Renamed", None) in rows
    assert ("job_template_gone", None, [template]) in rows
    rig.parse()
    rig.sync()
    assert rig.query("SELECT kind FROM clusters_clustersyncdata") == []


def test_the_row_of_the_sync_says_what_was_done(rig: Rig, server: SimulatorServer) -> None:
    """Guards against book-keeping that differs from what happened."""
    server.use(filled_world(jobs=50))
    report = rig.sync()
    row = rig.last_run()
    assert (row["outcome"], row["kind"], row["error"]) == ("succeeded", "sync", None)
    assert row["requests"] == report.requests == server.log.total
    for name in ("jobs_counted", "jobs_seen", "jobs_stored", "jobs_known", "host_summaries", "bytes", "slices"):
        assert row[name] == getattr(report, name)
    assert row["newest_finished"] == rig.watermark
    assert report.lag_seconds == (NOW - rig.watermark).total_seconds()  # type: ignore[operator]


def test_progress_reaches_the_count(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a bar that stops before its end or runs past it."""
    server.use(filled_world(jobs=450))
    seen: list[tuple[int, int]] = []
    rig.sync(progress=lambda tally: seen.append((tally.done, tally.jobs_counted)))
    total = len(server.world.truth().jobs)
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_another_page_cap_loses_nothing(rig: Rig, server: SimulatorServer) -> None:
    """Guards against taking a page that a controller caps below 200 for the last one."""
    world = filled_world(jobs=120)
    world.max_page_size = 25
    server.use(world)
    rig.settings = patient(workers=2)
    rig.sync()
    assert_raw_is_truth(rig)


def test_documents_that_jsonb_cannot_hold_are_in_quarantine_once_however_often_they_change(
    rig: Rig, server: SimulatorServer
) -> None:
    """Guards against a quarantine that grows with each change, and a replay that brings the oldest text back."""
    world = empty_world()
    server.use(world)
    rig.list_each_time()
    number = world.add_job()
    template = world.truth().jobs[number].job["job_template"]
    for name in ("a\x00b", "c\x00d"):
        world.rename("job_templates", template, name)
        rig.sync()
    kept = rig.query(
        "SELECT kind, external_id, attempts, position('c\\u0000d' in document) > 0 FROM pipeline.rejected_record"
    )
    assert sorted(kept) == [("job", number, 2, True), ("job_template", template, 2, True)]
