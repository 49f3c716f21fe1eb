"""The world's changes: what a controller shows afterwards, and what its truth says."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from aap_simulator.pages import page
from aap_simulator.synthetic import SyntheticWorld, synthetic

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def world() -> SyntheticWorld:
    """An empty world whose clock stands at `NOW`."""
    world = synthetic(seed=2, jobs=0, templates=4, organizations=2, hosts=20, until=NOW, history=False)
    world.clock.freeze(NOW)
    return world


def _ids(world: SyntheticWorld, query: str) -> list[int]:
    return [row["id"] for row in orjson.loads(page(world.jobs, "/", query).body)["results"]]


def test_late_host_summaries_are_listed_as_pending_until_they_are_delivered(world: SyntheticWorld) -> None:
    """Guards the one signal that a finished job is not complete yet."""
    now, late, never = (world.add_job(hosts=3, stats=stats) for stats in ("delivered", "late", "never"))
    assert _ids(world, "host_status_counts__isnull=true") == [late, never]
    truth = world.truth()
    assert [len(truth.jobs[job].host_summaries) for job in (now, late, never)] == [3, 0, 0]
    assert world.deliver_summaries() == [late]
    assert _ids(world, "host_status_counts__isnull=true") == [never]
    assert len(world.truth().jobs[late].host_summaries) == 3
    assert world.jobs.rows[late].detail_document()["host_status_counts"] == {"ok": 2, "changed": 1}


def test_a_job_that_finishes_keeps_its_modified(world: SyntheticWorld) -> None:
    """Guards the fact that `modified` is no watermark."""
    job = world.start_job(hosts=2)
    before = world.jobs.rows[job].document()
    assert (before["status"], before["finished"]) == ("running", None)
    assert job not in world.truth().jobs
    world.clock.advance(timedelta(seconds=30))
    world.finish_job(job, status="failed")
    after = world.jobs.rows[job].document()
    assert (after["modified"], after["status"], after["finished"]) == (
        before["modified"],
        "failed",
        "2026-03-02T12:00:30Z",
    )
    assert len(world.truth().jobs[job].host_summaries) == 2


def test_a_deleted_job_is_kept_in_the_truth_of_what_was(world: SyntheticWorld) -> None:
    """Guards the comparison with a copy that outlives the controller's clean-up."""
    job = world.add_job(hosts=1)
    world.delete_job(job)
    assert (world.truth().jobs, list(world.truth().deleted)) == ({}, [job])


def test_renaming_a_template_changes_what_refers_to_it_and_not_the_jobs_name(world: SyntheticWorld) -> None:
    """Guards identity by id: the name in the summary is the current one, a job's own name is that of its launch."""
    job = world.add_job(template=1, hosts=1)
    template = world.generator.catalog.templates[1]
    old = template.name
    world.rename("job_templates", template.id, "Renamed – 新")
    document, (summary,) = world.truth().jobs[job].job, world.truth().jobs[job].host_summaries
    assert document["name"] == old
    assert document["summary_fields"]["job_template"]["name"] == "Renamed – 新"
    assert document["summary_fields"]["unified_job_template"]["name"] == "Renamed – 新"
    assert summary["summary_fields"]["job"]["job_template_name"] == "Renamed – 新"
    assert "Renamed – 新" in [row["name"] for row in world.truth().job_templates]
    later = world.add_job(template=1)
    assert world.truth().jobs[later].job["name"] == "Renamed – 新"


def test_deleting_a_template_or_an_organization_nulls_it_in_its_jobs(world: SyntheticWorld) -> None:
    """Guards the absences: null key, no summary, no link."""
    job = world.add_job(template=0, hosts=1)
    template = world.generator.catalog.templates[0]
    assert template.organization
    world.delete_object("job_templates", template.id)
    world.delete_object("organizations", template.organization.id)
    truth = world.truth().jobs[job]
    for key in ("job_template", "unified_job_template", "organization"):
        assert truth.job[key] is None
        assert key not in truth.job["related"]
        assert key not in truth.job["summary_fields"]
    later = world.add_job(template=0, hosts=1)
    assert world.truth().jobs[later].job["organization"] is None
    assert "job_template_id" not in truth.host_summaries[0]["summary_fields"]["job"]


def test_deleting_a_host_leaves_its_name(world: SyntheticWorld) -> None:
    """Guards `host` null on summaries that were complete once, delivered or not."""
    done, late = world.add_job(hosts=2), world.add_job(hosts=2, stats="late")
    world.delete_host(1)
    world.deliver_summaries()
    for job in (done, late):
        first, second = world.truth().jobs[job].host_summaries
        assert (first["host"], second["host"]) == (None, 2)
        assert "host" not in first["summary_fields"]
        assert first["host_name"] == "srv0000.example.invalid"


def test_labels_are_cut_to_ten_in_lists_and_whole_in_the_truth(world: SyntheticWorld) -> None:
    """Guards the cut that loses labels silently."""
    job = world.add_job()
    world.set_labels(job, range(1, 15))
    truth = world.truth().jobs[job]
    assert truth.job["summary_fields"]["labels"]["count"] == 14
    assert len(truth.job["summary_fields"]["labels"]["results"]) == 10
    assert sorted(label["id"] for label in truth.labels) == list(range(1, 15))


def test_a_job_inserted_behind_is_behind_the_newest_finished(world: SyntheticWorld) -> None:
    """Guards the fault that a watermark without overlap misses."""
    world.add_job(finished=NOW)
    world.insert_behind(timedelta(seconds=90))
    first, second = (world.truth().jobs[job].job["finished"] for job in sorted(world.truth().jobs))
    assert (first, second) == ("2026-03-02T12:00:00Z", "2026-03-02T11:58:30Z")
    assert world.newest_finished() == NOW


def test_live_jobs_finish_as_the_clock_goes(world: SyntheticWorld) -> None:
    """Guards the demo's live mode: as many jobs as minutes times rate, none from the future."""
    world.live(12)
    world.clock.advance(timedelta(minutes=5))
    world.advance()
    finished = [truth.job["finished"] for truth in world.truth().jobs.values()]
    assert len(finished) == 60
    assert max(finished) == "2026-03-02T12:05:00Z"


def test_a_job_without_template_can_be_added(world: SyntheticWorld) -> None:
    """Guards the keyword that tests use for deleted templates."""
    job = world.add_job(template=None, hosts=1)
    document = world.truth().jobs[job].job
    assert document["job_template"] is None
    assert document["name"]
