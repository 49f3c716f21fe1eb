"""The main job for a partition, end to end over real HTTP and PostgreSQL, and what a failure looks like in Dagster."""

from __future__ import annotations

import pytest
from dagster import (
    AssetKey,
    DagsterEventType,
    DagsterRunStatus,
    ExecuteInProcessResult,
    Failure,
    FloatMetadataValue,
    TableMetadataValue,
)
from dagster import IntMetadataValue as Int

from aap_pipeline.controller.errors import AuthenticationError, Unreachable
from aap_pipeline.database.errors import DatabaseUnreachable
from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.run_liveness import lock_tag
from aap_pipeline.orchestration.steps import failing_clearly
from aap_pipeline_tests.site import Site, small_world
from aap_simulator.faults import Fault
from aap_simulator.server import SimulatorServer


def failure_of(result: ExecuteInProcessResult) -> str:
    """The sentence of the one failed step."""
    assert not result.success
    [failed] = [event for event in result.all_events if event.event_type is DagsterEventType.STEP_FAILURE]
    data = failed.step_failure_data.user_failure_data
    assert data is not None, failed.message
    return str(data.description)


def everything_said(site: Site, result: ExecuteInProcessResult) -> str:
    """All that Dagster keeps of a run: its events and log lines with tracebacks, its configuration and tags."""
    records = site.instance.all_logs(result.run_id)
    return "\n".join([*(str(record) for record in records), str(site.instance.get_run_by_id(result.run_id))])


def test_a_partition_runs_from_the_controller_to_the_savings(site: Site, controller: SimulatorServer) -> None:
    """Guards against a stage that is not wired to the one before it, and against row counts that nobody records."""
    site.register("prod", controller)
    result = site.run("prod")
    assert result.success
    jobs = controller.world.truth().jobs
    summaries = sum(len(job.host_summaries) for job in jobs.values())
    assert site.query("SELECT count(*) FROM clusters_job") == [(len(jobs),)]
    assert site.query("SELECT count(*) FROM clusters_jobhostsummary") == [(summaries,)]
    expected = "SELECT count(*) FROM clusters_job WHERE status IN ('successful', 'failed') AND num_hosts > 0"
    assert site.query("SELECT sum(runs) FROM marts.savings_daily") == site.query(expected)
    metadata = {
        event.asset_key.to_user_string(): event.step_materialization_data.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }
    assert {key.split("/")[0] for key in metadata} == {"raw", "core", "marts"}
    assert metadata["raw/sync_data"]["jobs_stored"] == Int(len(jobs))
    assert metadata["core/jobs"]["dagster/partition_row_count"] == Int(len(jobs))
    assert metadata["core/job_host_summaries"]["dagster/partition_row_count"] == Int(summaries)
    assert metadata["core/jobs"]["rows_written"] == Int(len(jobs))
    newest = str(max(jobs))
    assert f"/{newest}/" in str(metadata["core/jobs"]["newest_job"].value)
    assert isinstance(metadata["core/jobs"]["preview"], TableMetadataValue)
    assert str(metadata["core/jobs"]["preview"].records[0].data["job"]) == newest
    for key in metadata.keys() - {"raw/sync_data"}:
        assert {"dagster/row_count", "dagster/partition_row_count", "preview"} <= metadata[key].keys(), key
    assert isinstance(metadata["raw/sync_data"]["lag_seconds"], FloatMetadataValue)
    assert {event.partition for event in result.get_asset_materialization_events()} == {"prod"}
    run = site.instance.get_run_by_id(result.run_id)
    assert run is not None
    assert lock_tag(run.run_id).items() <= run.tags.items()


def test_a_second_run_reads_only_what_is_new(site: Site, controller: SimulatorServer) -> None:
    """Guards against a job that starts from the beginning each time."""
    site.register("prod", controller)
    first = site.run("prod")
    assert first.success
    controller.log.clear()
    idle = site.run("prod")
    assert idle.success
    assert controller.log.total <= 6, controller.log.by_kind
    assert [event.asset_key for event in idle.get_asset_materialization_events()] == [AssetKey(["raw", "sync_data"])]
    skipped = [event.step_key for event in idle.all_events if event.event_type is DagsterEventType.STEP_SKIPPED]
    assert sorted(str(step) for step in skipped) == ["core_checks", "marts", "marts_checks"]
    assert len(site.instance.all_logs(idle.run_id)) < 60 < len(site.instance.all_logs(first.run_id))


def test_a_run_refreshes_marts_that_a_killed_one_left_behind(site: Site, controller: SimulatorServer) -> None:
    """Guards against savings that stay behind because a run with nothing to parse skips the marts."""
    site.register("prod", controller)
    assert site.run("prod").success
    days = "INSERT INTO pipeline.changed_day (cluster_id, day) SELECT id, '2026-01-01' FROM clusters_cluster"
    assert site.query(f"{days} RETURNING 1") == [(1,)]
    assert ["marts", "savings_daily"] in [
        event.asset_key.path for event in site.run("prod").get_asset_materialization_events() if event.asset_key
    ]
    assert site.query("SELECT count(*) FROM pipeline.changed_day") == [(0,)]


def test_since_and_until_are_a_backfill(site: Site, controller: SimulatorServer) -> None:
    """Guards against a launchpad whose configuration does nothing, and against a traceback for a typing mistake."""
    controller.use(small_world(days=300, jobs=60))
    site.register("prod", controller)
    assert site.run("prod").success
    before = site.query("SELECT count(*) FROM clusters_job")[0][0]
    assert site.run("prod", since="2000-01-01").success
    assert before < site.query("SELECT count(*) FROM clusters_job")[0][0] == len(controller.world.truth().jobs)
    sentence = failure_of(site.run("prod", since="last week"))
    assert sentence.startswith("'last week' is not a valid time. Use 2026-01-31")
    runs = site.query("SELECT count(*) FROM pipeline.sync_run")
    for since, until in (("2000-01-02", "2000-01-01"), ("9999-01-01", None), (None, "2000-01-01")):
        assert "--since" in failure_of(site.run("prod", since=since, until=until))
    assert site.query("SELECT count(*) FROM pipeline.sync_run") == runs


def test_a_dead_controller_fails_in_one_sentence(site: Site) -> None:
    """Guards against a run that says nothing but ConnectionError."""
    site.register("dead", None)
    sentence = failure_of(site.run("dead"))
    assert sentence.startswith("Cannot connect to http://127.0.0.1:9/")
    assert "that the controller runs" in sentence
    assert "\n" not in sentence


def test_a_wrong_token_fails_and_no_secret_is_in_the_event_log(
    site: Site, controller: SimulatorServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """Guards against tokens in a log that many people read."""
    planted = {"access": "PLANTED-ACCESS", "refresh": "PLANTED-REFRESH", "client_secret": "PLANTED-CLIENT"}
    site.register("prod", controller, **planted)
    result = site.run("prod")
    sentence = failure_of(result)
    assert "token" in sentence
    said = everything_said(site, result) + "".join(capfd.readouterr())
    assert "RUN_FAILURE" in said
    password = site.url.split(":")[2].split("@")[0]
    for secret in (*planted.values(), password):
        assert secret not in said


@pytest.mark.parametrize("token", ["tok_abc\ndefgh", "\ufefftok_abc", "tok_abc\x00defgh", "tok_abc…defgh"])
def test_no_part_of_a_token_that_cannot_be_sent_is_in_the_event_log(
    site: Site, controller: SimulatorServer, capfd: pytest.CaptureFixture[str], token: str
) -> None:
    """Guards against libraries that quote the header, and its parts that no search for the token finds."""
    site.register("prod", controller, access=token)
    result = site.run("prod")
    assert "The access token contains a" in failure_of(result)
    said = everything_said(site, result) + "".join(capfd.readouterr())
    stored = site.query("SELECT error FROM pipeline.sync_run")
    for part in ("tok_abc", "defgh"):
        assert part not in said
        assert part not in str(stored)


def test_no_secret_of_a_successful_run_is_in_the_event_log(
    site: Site, controller: SimulatorServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """Guards against documents, which hold extra_vars, and tokens in log lines and metadata."""
    site.register("prod", controller)
    controller.faults.add(Fault("status", times=2), Fault("expire_token", skip=5, times=1))
    result = site.run("prod")
    assert result.success
    assert controller.token.access_token not in everything_said(site, result)
    said = everything_said(site, result) + "".join(capfd.readouterr())
    for secret in (controller.token.refresh_token, controller.client_secret, "extra_vars"):
        assert secret not in said


def test_an_unknown_partition_and_a_database_that_is_gone_are_said_in_a_sentence(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against tracebacks for what an operator can mend."""
    site.instance.add_dynamic_partitions("aap_clusters", ["gone"])
    assert failure_of(site.run("gone")).startswith("There is no cluster 'gone'.")
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", "postgresql://nobody:hunter2@127.0.0.1:9/nowhere")
    result = site.run("gone")
    sentence = failure_of(result)
    assert "Connection refused" in sentence
    assert "hunter2" not in everything_said(site, result)


def test_a_run_that_failed_is_failed_in_dagster(site: Site) -> None:
    """Guards against a step that swallows its error."""
    site.register("dead", None)
    result = site.run("dead")
    run = site.instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.status is DagsterRunStatus.FAILURE
    assert result.get_asset_materialization_events() == []


@pytest.mark.parametrize(
    ("error", "retried"),
    [
        (Unreachable("It is down."), True),
        (DatabaseUnreachable("It is down."), True),
        (AuthenticationError("No."), False),
        (PipelineError("There is no such cluster."), False),
    ],
)
def test_only_what_may_pass_by_itself_is_retried(error: Exception, retried: bool) -> None:
    """Guards against a retry policy that hammers a controller with a wrong token."""
    with pytest.raises(Failure) as caught, failing_clearly():
        raise error
    assert (caught.value.description, caught.value.allow_retries) == (str(error), retried)
