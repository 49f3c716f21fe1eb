"""The asset checks as Dagster runs them: in each sync, at night, and what a blocking one holds up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetChecksDefinition,
    AssetsDefinition,
    AssetSelection,
    Definitions,
    ExecuteInProcessResult,
    MaterializeResult,
    asset,
    define_asset_job,
    in_process_executor,
)

from aap_pipeline.core.asset_checks import core_checks
from aap_pipeline.definitions import defs
from aap_pipeline.marts.asset_checks import marts_audit, marts_checks
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.raw.asset_checks import raw_checks
from aap_pipeline_tests.site import Site
from aap_simulator.server import SimulatorServer

IN_EACH_SYNC = {
    "complete", "summaries_in_time", "watermark_not_in_future", "clock_skew", "fresh", "host_totals_agree",
    "nothing_unparsed", "nothing_rejected", "clock_ran_backwards", "refreshed",
}  # fmt: skip
AT_NIGHT = {"reconciled", "marts_equal_core"}


def checked(result: ExecuteInProcessResult) -> dict[str, bool]:
    """Whether each check held."""
    return {found.check_name: found.passed for found in result.get_asset_check_evaluations()}


def started(result: ExecuteInProcessResult) -> set[str | None]:
    """The steps that a run came to."""
    return {event.step_key for event in result.all_events if event.is_step_start}


def nightly(site: Site, name: str = "prod") -> ExecuteInProcessResult:
    return defs.resolve_job_def("nightly").execute_in_process(
        partition_key=name, instance=site.instance, raise_on_error=False
    )


@pytest.fixture
def synced(site: Site, controller: SimulatorServer) -> Site:
    """A site with one cluster, synced."""
    site.register("prod", controller)
    assert site.run("prod").success
    return site


def test_a_sync_and_a_night_check_everything_and_all_is_well(site: Site, controller: SimulatorServer) -> None:
    """Guards against checks that no job runs, that are red for nothing, or whose result is nobody's."""
    site.register("prod", controller)
    result = site.run("prod")
    assert checked(result) == dict.fromkeys(IN_EACH_SYNC, True)
    assert {found.partition for found in result.get_asset_check_evaluations()} == {"prod"}
    assert checked(nightly(site)) == dict.fromkeys(AT_NIGHT, True)


def test_after_a_backfill_alone_no_check_is_red(site: Site, controller: SimulatorServer) -> None:
    """Guards against checks that look for an ordinary sync and overlook the backfill that has just run."""
    site.register("prod", controller)
    result = site.run("prod", since="2000-01-01", until=(datetime.now(UTC) - timedelta(days=1)).isoformat())
    said = {found.check_name: found.description or "" for found in result.get_asset_check_evaluations()}
    assert checked(result) == dict.fromkeys(IN_EACH_SYNC, True)
    assert said["clock_skew"] == said["fresh"] == "This check begins with the first successful sync of new jobs."


def test_every_check_says_what_to_do() -> None:
    """Guards against a red check that leaves the night shift alone."""
    specs = [spec for each in defs.resolve_asset_graph().assets_defs for spec in each.check_specs]
    assert {spec.name for spec in specs} == IN_EACH_SYNC | AT_NIGHT
    for spec in specs:
        assert "**If it fails:** " in (spec.description or ""), spec.name


def test_wrong_host_totals_hold_up_the_marts_until_they_are_mended(synced: Site, controller: SimulatorServer) -> None:
    """Guards against savings from numbers known to be wrong, and against a check that forgets what it found."""
    [(number,)] = synced.query("SELECT external_id FROM clusters_job WHERE num_hosts > 0 ORDER BY finished LIMIT 1")
    synced.query("UPDATE clusters_job SET num_hosts = 999 WHERE external_id = %s RETURNING 1", number)
    synced.query("UPDATE pipeline.host_totals_check SET newest_id = 0 RETURNING 1")
    day = "INSERT INTO pipeline.changed_day (cluster_id, day) SELECT id, '2026-01-01' FROM clusters_cluster RETURNING 1"
    assert synced.query(day) == [(1,)]  # as a sync that brings something leaves it for the marts
    for _ in range(2):
        result = synced.run("prod")
        assert not result.success
        assert checked(result)["host_totals_agree"] is False
        assert "core" in started(result)
        assert "marts" not in started(result)
    synced.query("DELETE FROM clusters_job WHERE external_id = %s RETURNING 1", number)
    found = nightly(synced)
    assert checked(found)["reconciled"] is False
    assert any(f"jobs {number})" in (each.description or "") for each in found.get_asset_check_evaluations())
    mended = synced.run("prod")
    assert mended.success
    assert "marts" in started(mended)
    assert checked(nightly(synced)) == dict.fromkeys(AT_NIGHT, True)


@asset(partitions_def=CLUSTERS)
def nothing() -> MaterializeResult[None]:
    """Something with partitions."""
    return MaterializeResult()


def run_alone(site: Site, checks: AssetChecksDefinition) -> dict[str, bool]:
    """Whether some checks hold, without a sync before them."""
    return {name: found.passed for name, found in evaluated(site, checks).items()}


def evaluated(site: Site, checks: AssetChecksDefinition) -> dict[str, AssetCheckEvaluation]:
    """The results of some checks for the cluster "prod", by name, without a sync before them."""
    # Dagster takes no partition for a job of checks alone.
    selection = AssetSelection.checks(checks) | AssetSelection.assets(nothing)
    alone = define_asset_job("alone", selection, executor_def=in_process_executor)
    assets = [each for each in defs.assets or [] if isinstance(each, AssetsDefinition)]
    job = Definitions(assets=[nothing, *assets], asset_checks=[checks], jobs=[alone], resources=defs.resources)
    result = job.resolve_job_def("alone").execute_in_process(
        partition_key="prod", instance=site.instance, raise_on_error=False
    )
    return {found.check_name: found for found in result.get_asset_check_evaluations()}


def test_each_fault_turns_its_check_red(synced: Site, controller: SimulatorServer) -> None:
    """Guards against a check that cannot fail."""
    now = datetime.now(UTC)
    cluster = "SELECT id, {} FROM clusters_cluster RETURNING 1"
    watermark = "UPDATE clusters_clustersyncstatus SET last_job_finished_date = %s RETURNING 1"
    [(lost,)] = synced.query(
        "DELETE FROM clusters_job WHERE id = (SELECT id FROM clusters_job WHERE finished < "
        "(SELECT max(finished) FROM clusters_job) - interval '15 minutes' ORDER BY finished DESC LIMIT 1) "
        "RETURNING finished"
    )
    synced.query(watermark, lost + timedelta(minutes=1))  # the day before it is looked at
    assert run_alone(synced, raw_checks)["complete"] is False
    synced.query(watermark, now + timedelta(hours=1))
    synced.query("UPDATE pipeline.sync_run SET window_to = window_to - interval '2 minutes' RETURNING 1")
    synced.query(
        "INSERT INTO pipeline.pending_summaries (cluster_id, external_id, finished) "
        + cluster.format("987654, NOW() - interval '5 hours'")
    )
    found = run_alone(synced, raw_checks)
    del found["complete"]  # it looks at the last day now, whose jobs may all be here
    assert found == {
        "summaries_in_time": False, "watermark_not_in_future": False, "clock_skew": False, "fresh": True
    }  # fmt: skip
    synced.query(
        "INSERT INTO pipeline.rejected_record (cluster_id, reason, message, document) "
        + cluster.format("'unknown_status', 'm', '{}'")
    )
    synced.query(
        "INSERT INTO clusters_clustersyncdata (cluster_id, data, internal_created) "
        + cluster.format("'{}', NOW() - interval '2 hours'")
    )
    found = run_alone(synced, core_checks)
    assert (found["nothing_unparsed"], found["nothing_rejected"]) == (False, False)
    synced.query(
        "INSERT INTO pipeline.changed_day (cluster_id, day, noted_at) "
        + cluster.format("NOW()::date, NOW() - interval '1 hour'")
    )
    assert run_alone(synced, marts_checks) == {"refreshed": False}
    synced.query("UPDATE marts.savings_daily SET runs = runs + 1 RETURNING 1")
    assert run_alone(synced, marts_audit) == {"marts_equal_core": False}


def test_a_controller_that_is_down_turns_completeness_red_and_fails_no_run(synced: Site) -> None:
    """Guards against "no answer" that counts as "nothing missing"."""
    synced.query("UPDATE clusters_cluster SET port = 9 RETURNING 1")
    found = run_alone(synced, raw_checks)
    assert found.pop("complete") is False
    assert all(found.values())
