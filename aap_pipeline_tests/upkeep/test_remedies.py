"""What a failed check tells an operator to run, run as it stands: afterwards the check holds."""

from __future__ import annotations

import re
import shlex
from datetime import timedelta

import pytest
from dagster import AssetChecksDefinition

from aap_pipeline.cli import main
from aap_pipeline.core.asset_checks import core_checks
from aap_pipeline.definitions import defs
from aap_pipeline.marts.asset_checks import marts_audit, marts_checks
from aap_pipeline.raw.asset_checks import raw_checks
from aap_pipeline_tests.site import Site, small_world
from aap_pipeline_tests.upkeep.test_checks import evaluated
from aap_simulator.server import SimulatorServer

JOBS = "SELECT external_id, num_hosts, ok_hosts_count, provisional FROM clusters_job ORDER BY 1"
AN_HOUR_AGO = "NOW() - interval '1 hour'"


@pytest.fixture
def synced(site: Site, controller: SimulatorServer) -> Site:
    """Clusters "prod" and "lab" with the same ids at two controllers, synced."""
    site.register("prod", controller)
    assert site.run("prod").success
    with SimulatorServer(small_world()) as lab:
        site.register("lab", lab)
        assert site.run("lab").success
    site.query("UPDATE clusters_cluster SET enabled = FALSE WHERE name = 'lab' RETURNING 1")
    site.query("UPDATE pipeline.host_totals_check SET newest_id = 0, audited_id = 0 RETURNING 1")
    return site


def mend(site: Site, checks: AssetChecksDefinition, name: str) -> None:
    """Have check `name` fail, run the commands that it names, and have it hold."""
    found = evaluated(site, checks)[name]
    assert not found.passed
    commands = re.findall(r"`aap-pipeline ([^`]*)`", found.description or "")
    assert commands
    assert "NAME" not in (found.description or "")
    for command in commands:
        assert main(shlex.split(command)) == 0, command
    assert evaluated(site, checks)[name].passed


ONE = "(SELECT min(job.id) FROM clusters_job job JOIN clusters_cluster c ON c.id = cluster_id WHERE c.name = 'prod')"


@pytest.mark.parametrize("gone", [False, True])
def test_damaged_host_totals(synced: Site, controller: SimulatorServer, gone: bool) -> None:
    """Guards against a remedy that changes another cluster's jobs, or none, or loses those that the controller lost."""
    before = synced.query(JOBS)
    damage = f"UPDATE clusters_job SET num_hosts = 999, ok_hosts_count = 99 WHERE id = {ONE} RETURNING external_id"
    [(number,)] = synced.query(damage)
    if gone:
        controller.world.delete_job(number)
    mend(synced, core_checks, "host_totals_agree")
    assert synced.query(JOBS) == before


@pytest.mark.parametrize("gone", [False, True])
def test_jobs_that_stayed_provisional(synced: Site, controller: SimulatorServer, gone: bool) -> None:
    """Guards against jobs that no sync looks at any more, and that the controller may have deleted."""
    before = synced.query(JOBS)
    [(number,)] = synced.query(f"UPDATE clusters_job SET provisional = TRUE WHERE id = {ONE} RETURNING external_id")
    if gone:
        controller.world.delete_job(number)
    assert main(["reconcile", "--cluster", "prod"]) == 0
    assert synced.query(JOBS) == before


def test_a_job_missing_today(synced: Site) -> None:
    """Guards against a check that covers the last day and a remedy that ends with yesterday."""
    before = synced.query(JOBS)
    [(lost,)] = synced.query(
        "DELETE FROM clusters_job WHERE id = (SELECT j.id FROM clusters_job j JOIN clusters_cluster c "
        "ON c.id = cluster_id WHERE c.name = 'prod' AND finished < (SELECT max(finished) FROM clusters_job) "
        "- interval '15 minutes' ORDER BY finished DESC LIMIT 1) RETURNING finished"
    )
    synced.query(  # so that the last day that is looked at holds it
        "UPDATE clusters_clustersyncstatus SET last_job_finished_date = %s RETURNING 1", lost + timedelta(minutes=1)
    )
    mend(synced, raw_checks, "complete")
    assert synced.query(JOBS) == before


def test_a_stale_cluster_and_host_summaries_that_are_overdue(synced: Site) -> None:
    """Guards against advice that stops at a look into a log."""
    for column in ("started_at", "finished_at"):
        synced.query(f"UPDATE pipeline.sync_run SET {column} = {column} - interval '5 hours' RETURNING 1")
    synced.query(
        "INSERT INTO pipeline.pending_summaries (cluster_id, external_id, finished) "
        f"SELECT cluster_id, external_id, NOW() - interval '5 hours' FROM clusters_job WHERE id = {ONE} RETURNING 1"
    )
    mend(synced, raw_checks, "fresh")
    assert evaluated(synced, raw_checks)["summaries_in_time"].passed


def test_what_waits_to_be_parsed_or_refreshed(synced: Site) -> None:
    """Guards against notes and raw rows for which there is nothing to run."""
    cluster = "FROM clusters_cluster WHERE name = 'prod' RETURNING 1"
    synced.query(
        f"INSERT INTO clusters_clustersyncdata (cluster_id, data, internal_created) SELECT id, '{{}}', "
        f"NOW() - interval '2 hours' {cluster}"
    )
    mend(synced, core_checks, "nothing_unparsed")
    synced.query(
        f"INSERT INTO pipeline.changed_day (cluster_id, day, noted_at) SELECT id, NOW()::date, {AN_HOUR_AGO} {cluster}"
    )
    mend(synced, marts_checks, "refreshed")


def test_marts_that_differ_from_core(synced: Site) -> None:
    """Guards against a rebuild that needs what it is to mend."""
    synced.query("UPDATE marts.savings_daily SET runs = runs + 1 RETURNING 1")
    mend(synced, marts_audit, "marts_equal_core")


def test_no_check_names_a_command_that_needs_to_be_filled_in() -> None:
    """Guards against SQL with an ellipsis, and against a remedy for another cluster."""
    specs = [spec for each in defs.resolve_asset_graph().assets_defs for spec in each.check_specs]
    for spec in specs:
        for command in re.findall(r"`aap-pipeline ([^`]*)`", spec.description or ""):
            assert "…" not in command, spec.name
            assert set(re.findall(r"\b[A-Z]{2,}\b", command)) <= {"NAME"}, spec.name
