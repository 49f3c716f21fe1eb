"""Upkeep by the clock and what sensors find: each job runs as Dagster runs it, against a real database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    RunRequest,
    SensorDefinition,
    SensorResult,
    SkipReason,
    build_schedule_context,
    build_sensor_context,
)

from aap_pipeline.clusters.registry import set_enabled
from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import connect
from aap_pipeline.database.locks import LockKind, session_lock
from aap_pipeline.definitions import defs
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.upkeep.schedules import nightly_schedule
from aap_pipeline.upkeep.sensors import left_behind_sensor
from aap_pipeline_tests.site import Site
from aap_simulator.server import SimulatorServer

FIGURES = (
    "SELECT date, cluster_id, organization_id, job_template_id, runs, hosts, savings FROM marts.savings_daily "
    "ORDER BY 1, 2, 3, 4, 5, 6, 7"
)


def run_job(site: Site, name: str, partition: str | None = None) -> bool:
    return (
        defs.resolve_job_def(name)
        .execute_in_process(partition_key=partition, instance=site.instance, raise_on_error=False)
        .success
    )


def requests(site: Site, sensor: SensorDefinition) -> list[RunRequest] | str:
    """What a tick asks for; why it asks for nothing."""
    with build_sensor_context(
        instance=site.instance, definitions=defs, resources={"warehouse": Warehouse()}
    ) as context:
        answer = sensor(context)
    if isinstance(answer, SkipReason):
        return str(answer.skip_message)
    assert isinstance(answer, SensorResult)
    return list(answer.run_requests or [])


def test_archiving_changes_no_figure_and_the_marts_can_still_be_rebuilt(
    site: Site, controller: SimulatorServer
) -> None:
    """Guards against an archive that takes savings away, at once or with the next refresh of those days."""
    site.register("prod", controller)
    assert site.run("prod").success
    before, jobs = site.query(FIGURES), site.query("SELECT count(*) FROM clusters_job")[0][0]
    summaries = site.query("SELECT count(*) FROM clusters_jobhostsummary")[0][0]
    site.query("INSERT INTO common_settings (type, value) VALUES ('archive_after_days', '10') RETURNING 1")
    assert run_job(site, "tidy")
    left = site.query("SELECT count(*), min(finished) > NOW() - interval '10 days' FROM clusters_job")[0]
    assert 0 < left[0] < jobs
    assert left[1]
    assert site.query("SELECT count(*) FROM archive.all_jobs") == [(jobs,)]
    assert site.query("SELECT count(*) FROM archive.all_host_summaries") == [(summaries,)]
    site.query("INSERT INTO pipeline.changed_day (cluster_id) SELECT id FROM clusters_cluster RETURNING 1")
    assert run_job(site, "catch_up", "prod")
    assert site.query(FIGURES) == before
    controller.log.clear()
    assert site.run("prod", since="2000-01-01").success
    assert controller.log.by_kind["host_summaries"] == 0
    assert site.query("SELECT count(*) FROM clusters_job") == [(left[0],)]
    assert run_job(site, "nightly", "prod")
    site.query("UPDATE common_settings SET value = '0' WHERE type = 'archive_after_days' RETURNING 1")
    assert run_job(site, "tidy")
    assert site.query("SELECT count(*) FROM clusters_job") == [(jobs,)]
    assert site.query("SELECT count(*) FROM archive.clusters_job") == [(0,)]
    assert site.query("SELECT count(*) FROM clusters_jobhostsummary") == [(summaries,)]
    assert site.query(FIGURES) == before


def test_tidying_settles_killed_syncs_and_keeps_what_is_not_parsed(site: Site, controller: SimulatorServer) -> None:
    """Guards against a clean-up that loses a job, and against syncs that run for ever."""
    site.register("prod", controller)
    site.query(
        "INSERT INTO clusters_clustersyncdata (cluster_id, data, internal_created) "
        "SELECT id, '{}', NOW() - interval '2 days' FROM clusters_cluster RETURNING 1"
    )
    site.query("INSERT INTO pipeline.sync_run (cluster_id) SELECT id FROM clusters_cluster RETURNING 1")
    [(cluster,)] = site.query("SELECT id FROM clusters_cluster")
    with connect(site.url) as connection, session_lock(connection, LockKind.SYNC, cluster):
        assert run_job(site, "tidy")
        assert site.query("SELECT outcome FROM pipeline.sync_run") == [("running",)]
    assert run_job(site, "tidy")
    assert site.query("SELECT outcome FROM pipeline.sync_run") == [("interrupted",)]
    assert site.query("SELECT count(*) FROM clusters_clustersyncdata") == [(1,)]


def test_raw_rows_left_behind_are_parsed_by_a_run_of_their_own(site: Site, controller: SimulatorServer) -> None:
    """Guards against a killed run whose rows wait for the next job, and against a run a tick."""
    site.register("prod", controller)
    assert site.run("prod").success
    assert requests(site, left_behind_sensor) == "Nothing is left behind."
    site.query(
        "INSERT INTO clusters_clustersyncdata (cluster_id, data, kind, external_id, internal_created) SELECT id, "
        "'{\"id\": 7, \"name\": \"Platform\"}', 'organization', 7, NOW() - interval '3 minutes' "
        "FROM clusters_cluster RETURNING 1"
    )
    first, again = requests(site, left_behind_sensor), requests(site, left_behind_sensor)
    assert isinstance(first, list)
    assert isinstance(again, list)
    assert [request.partition_key for request in first] == ["prod"]
    assert first[0].run_key == again[0].run_key
    assert run_job(site, "catch_up", "prod")
    assert requests(site, left_behind_sensor) == "Nothing is left behind."


def test_changed_rates_and_minutes_refresh_the_marts(site: Site, controller: SimulatorServer) -> None:
    """Guards against savings that show yesterday's rates until somebody syncs."""
    site.register("prod", controller)
    assert site.run("prod").success
    assert isinstance(requests(site, left_behind_sensor), str)
    site.query("UPDATE clusters_costs SET value = 77 WHERE type = 'manual' RETURNING 1")
    first = requests(site, left_behind_sensor)
    assert isinstance(first, list)
    assert [request.partition_key for request in first] == ["prod"]
    site.query("UPDATE clusters_jobtemplate SET time_taken_manually_execute_minutes = 5 RETURNING 1")
    second = requests(site, left_behind_sensor)
    assert isinstance(second, list)
    assert second[0].run_key != first[0].run_key
    assert run_job(site, "catch_up", "prod")
    assert isinstance(requests(site, left_behind_sensor), str)


def test_the_history_of_a_removed_cluster_follows_rates_and_settings_too(
    site: Site, controller: SimulatorServer
) -> None:
    """Guards against a report of which one half is by the old time zone and rates, for good."""
    site.register("prod", controller)
    assert site.run("prod").success
    with connect(site.url) as connection:
        set_enabled(connection, "prod", enabled=False, removed=True)
        application_settings.write(
            connection, "reporting_timezone", "Pacific/Kiritimati"
        )  # where each evening's runs are tomorrow's
    asked = requests(site, left_behind_sensor)
    assert isinstance(asked, list)
    assert [request.partition_key for request in asked] == ["prod"]
    before = site.query(FIGURES)
    assert run_job(site, "catch_up", "prod")
    assert site.query(FIGURES) != before
    assert isinstance(requests(site, left_behind_sensor), str)


def test_a_cluster_with_a_run_under_way_is_left_to_it(site: Site, controller: SimulatorServer) -> None:
    """Guards against a queue of runs that find nothing left to do."""
    site.register("prod", controller)
    assert site.run("prod").success
    site.query("UPDATE clusters_costs SET value = 77 WHERE type = 'manual' RETURNING 1")
    site.instance.create_run_for_job(
        defs.resolve_job_def("update_cluster"), status=DagsterRunStatus.STARTED, tags={"dagster/partition": "prod"}
    )
    assert requests(site, left_behind_sensor) == "All pending work is of clusters with runs in progress."


def test_each_enabled_cluster_is_checked_once_a_night(site: Site, tmp_path: Path) -> None:
    """Guards against a night that forgets a cluster, asks a disabled one, or runs twice after a restart."""
    for name, port in (("one", 1001), ("two", 1002), ("off", 1003)):
        site.register(name, None)
        site.query("UPDATE clusters_cluster SET port = %s WHERE name = %s RETURNING 1", port, name)
    site.query("UPDATE clusters_cluster SET enabled = FALSE WHERE name = 'off' RETURNING 1")
    night = datetime(2026, 5, 1, 2, 17, tzinfo=UTC)
    with DagsterInstance.local_temp(str(tmp_path)) as instance:  # the context takes no instance in memory
        instance.add_dynamic_partitions(CLUSTERS.name or "", ["one", "two", "off"])
        with build_schedule_context(instance=instance, scheduled_execution_time=night) as context:
            asked: Any = nightly_schedule(context, warehouse=Warehouse())
    assert [(each.partition_key, each.run_key) for each in asked] == [
        ("one", "one/2026-05-01"),
        ("two", "two/2026-05-01"),
    ]
