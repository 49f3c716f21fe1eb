"""What happens in Dagster reaches a person, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from dagster import (
    AssetCheckKey,
    AssetKey,
    RunRequest,
    SensorResult,
    SkipReason,
    build_sensor_context,
)
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from aap_pipeline.alerts import sensors
from aap_pipeline.alerts.incidents import raise_incident
from aap_pipeline.alerts.sensors import alerts_sensor
from aap_pipeline.alerts.token_sensor import tokens_sensor
from aap_pipeline.clusters.registry import purge, set_enabled
from aap_pipeline.database.connection import connect
from aap_pipeline.definitions import defs
from aap_pipeline.orchestration.jobs import update_cluster
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.raw.asset_checks import ASSET, FRESH
from aap_pipeline_tests.alerts.local import WebReceiver, web_receiver
from aap_pipeline_tests.site import Site
from aap_simulator.server import SimulatorServer


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebReceiver]:
    """The receiver that the environment names."""
    with web_receiver() as web:
        monkeypatch.setenv("AAP_PIPELINE_ALERT_WEBHOOK_URL", web.url)
        yield web


AT_ONCE = {"settled": timedelta(), "patience": timedelta()}
"""Runs count, and are told, at once."""


def tick(
    site: Site,
    cursor: str | None = None,
    limits: dict[str, timedelta] = AT_ONCE,
    awake: timedelta = timedelta(days=1),
    most_runs: int = 200,
) -> SensorResult | SkipReason:
    """One tick of the alerts sensor in a daemon that has run for `awake`."""
    with build_sensor_context(instance=site.instance, definitions=defs, cursor=cursor) as context:
        now = datetime.now(UTC)
        return sensors.look(context, Warehouse(), now=now, awake_since=now - awake, most_runs=most_runs, **limits)


def test_failed_runs_and_checks_are_told_once_and_so_is_their_end(
    site: Site, controller: SimulatorServer, told: WebReceiver
) -> None:
    """Guards against red runs and checks that nobody hears of, and against a message for each of them."""
    cursor = datetime.now(UTC).isoformat()

    def look() -> list[tuple[str, str, str]]:
        nonlocal cursor
        told.documents.clear()
        answer = tick(site, cursor)
        assert isinstance(answer, SensorResult)
        assert answer.cursor is not None
        cursor = answer.cursor
        return [(document["kind"], document["subject"], document["state"]) for document in told.documents]

    site.register("prod", controller)
    port = site.query("UPDATE clusters_cluster SET port = 9 RETURNING %s", controller.port)[0][0]
    for _ in range(2):
        assert not site.run("prod").success
    assert look() == [("run_failed", "update_cluster prod", "open")]
    assert look() == []
    site.query("UPDATE clusters_cluster SET port = %s RETURNING 1", port)
    site.query(
        "INSERT INTO pipeline.rejected_record (cluster_id, reason, message, document) "
        "SELECT id, 'unknown_status', 'm', '{}' FROM clusters_cluster RETURNING 1"
    )
    assert site.run("prod").success
    assert sorted(look()) == [
        ("check_failed", "core/jobs nothing_rejected prod", "open"),
        ("run_failed", "update_cluster prod", "resolved"),
    ]
    site.query("DELETE FROM pipeline.rejected_record RETURNING 1")
    assert site.run("prod").success
    assert look() == [("check_failed", "core/jobs nothing_rejected prod", "resolved")]


def test_a_sync_that_fails_and_mends_itself_wakes_nobody(
    site: Site, controller: SimulatorServer, told: WebReceiver
) -> None:
    """Guards against a message and its revocation at night, for a controller that was away for a minute."""
    limits = {"settled": timedelta()}
    cursor = datetime.now(UTC).isoformat()
    site.register("prod", controller)
    for _ in range(2):
        site.query("UPDATE clusters_cluster SET access_token = %s RETURNING 1", site.cipher.encrypt("revoked"))
        site.query("UPDATE clusters_cluster SET refresh_token = NULL RETURNING 1")
        assert not site.run("prod").success
        tick(site, cursor, limits)
        site.register("prod", controller)
        assert site.run("prod").success
        tick(site, cursor, limits)
    assert told.documents == []
    assert not site.run("prod", since="nonsense").success  # a backfill is not tried again
    tick(site, cursor, limits)
    assert [document["subject"] for document in told.documents] == ["backfill prod"]


def test_many_cancelled_runs_do_not_hide_a_failed_one(site: Site, told: WebReceiver) -> None:
    """Guards against a cancelled backfill that fills each look at the runs, so that alerts end for good."""
    cursor = datetime.now(UTC).isoformat()
    for report in (site.instance.report_run_canceled,) * 3 + (site.instance.report_run_failed,):
        report(site.instance.create_run_for_job(defs.resolve_job_def(update_cluster.name)))
    tick(site, cursor, most_runs=2)
    assert [document["subject"] for document in told.documents] == ["update_cluster"]


def test_the_sensor_itself_leaves_a_run_that_has_just_ended_for_the_next_tick(site: Site, told: WebReceiver) -> None:
    """Guards against limits of tests in the daemon, which would pass over a run whose end is committed late."""
    begin = datetime.now(UTC)
    instance = site.instance
    instance.report_run_failed(instance.create_run_for_job(defs.resolve_job_def(update_cluster.name)))
    context = build_sensor_context(
        instance=instance, definitions=defs, cursor=begin.isoformat(), resources={"warehouse": Warehouse()}
    )
    answer = alerts_sensor(context)
    assert isinstance(answer, SensorResult)
    assert answer.cursor == begin.isoformat()
    assert told.documents == []


def test_a_stale_cluster_is_told_and_its_check_turns_red(
    site: Site, controller: SimulatorServer, told: WebReceiver
) -> None:
    """Guards against a controller that is down for days because no run ever starts, so that none fails."""
    site.register("prod", controller)
    assert site.run("prod").success
    cursor = datetime.now(UTC).isoformat()
    check = AssetCheckKey(AssetKey(ASSET), FRESH.name)
    for _ in range(3):  # Dagster stores one evaluation of a check and partition without a run, and no second one
        long_ago(site)
        cursor, requests = look(site, cursor)
        [request] = requests
        run = defs.resolve_job_def("check_freshness").execute_in_process(
            instance=site.instance, run_config=request.run_config
        )
        [found] = run.get_asset_check_evaluations()
        assert (found.check_name, found.partition, found.passed) == ("fresh", "prod", False)
        assert "`aap-pipeline clusters check prod`" in (found.description or "")
        cursor, requests = look(site, cursor)
        assert requests == []
        [latest] = site.instance.event_log_storage.get_asset_check_execution_history(
            check, 1, partition_filter=PartitionKeyFilter(key="prod")
        )
        assert latest.status is AssetCheckExecutionRecordStatus.FAILED
        assert site.run("prod").success
        cursor, requests = look(site, cursor)
        assert requests == []
    told_of = [(document["kind"], document["state"]) for document in told.documents]
    assert told_of == [("cluster_stale", "open"), ("cluster_stale", "resolved")] * 3


def test_a_cluster_that_is_fresh_again_when_its_run_comes_is_called_fresh(
    site: Site, controller: SimulatorServer, told: WebReceiver
) -> None:
    """Guards against a check that stays red because its run waited in the queue behind the sync that mended it."""
    site.register("prod", controller)
    assert site.run("prod").success
    long_ago(site)
    _, [request] = look(site, datetime.now(UTC).isoformat())
    assert site.run("prod").success
    run = defs.resolve_job_def("check_freshness").execute_in_process(
        instance=site.instance, run_config=request.run_config
    )
    assert [found.passed for found in run.get_asset_check_evaluations()] == [True]


def look(site: Site, cursor: str) -> tuple[str, list[RunRequest]]:
    """A tick of the alerts sensor as the daemon handles it: its next cursor and the runs that it asks for."""
    answer = tick(site, cursor)
    assert isinstance(answer, SensorResult)
    assert answer.cursor is not None
    assert answer.cursor >= cursor
    return answer.cursor, list(answer.run_requests or [])


def long_ago(site: Site) -> None:
    """All that was done for the clusters was done two hours ago."""
    for table, column in (
        ("pipeline.sync_run", "finished_at"),
        ("clusters_clustersyncstatus", "internal_modified"),
        ("clusters_cluster", "internal_created"),
        ("clusters_cluster", "internal_modified"),
    ):
        site.query(f"UPDATE {table} SET {column} = NOW() - interval '2 hours' RETURNING 1")


def test_a_start_after_a_long_stop_alarms_nobody_and_calls_nothing_over(
    site: Site, controller: SimulatorServer, told: WebReceiver
) -> None:
    """Guards against thirty alarms each Monday, and against a restart that calls what still lasts over."""
    site.register("prod", controller)
    assert site.run("prod").success
    long_ago(site)
    tick(site, awake=timedelta())
    assert told.documents == []
    tick(site, awake=timedelta(minutes=6))
    tick(site, awake=timedelta())
    assert [(document["kind"], document["state"]) for document in told.documents] == [("cluster_stale", "open")]


def test_a_cluster_that_was_just_enabled_or_whose_first_sync_is_long_is_not_stale(
    site: Site, controller: SimulatorServer, told: WebReceiver
) -> None:
    """Guards against waking somebody for a cluster that is doing what it should."""
    site.register("prod", controller)
    assert site.run("prod").success
    long_ago(site)
    with connect(site.url) as connection:
        set_enabled(connection, "prod", enabled=False)
        set_enabled(connection, "prod", enabled=True)
    tick(site)
    long_ago(site)
    site.query("DELETE FROM pipeline.sync_run RETURNING 1")
    site.query("UPDATE clusters_clustersyncstatus SET internal_modified = NOW() RETURNING 1")
    tick(site)
    assert told.documents == []
    long_ago_now = "UPDATE clusters_clustersyncstatus SET internal_modified = NOW() - interval '2 hours' RETURNING 1"
    site.query(long_ago_now)
    tick(site)
    assert [document["message"].split(".")[0] for document in told.documents] == [
        "No sync has succeeded in 120 minutes"
    ]


def test_a_token_that_renews_itself_makes_no_stale_cluster_fresh(
    site: Site, controller: SimulatorServer, told: WebReceiver
) -> None:
    """Guards against a cluster whose syncs fail for days unheard, because its token lives for half an hour only."""
    site.register("prod", controller)
    assert site.run("prod").success
    long_ago(site)
    controller.tokens.expire_access()
    tokens_sensor(warehouse=Warehouse())
    assert controller.log.by_kind["token"] == 1
    tick(site)
    assert [document["kind"] for document in told.documents] == ["cluster_stale"]


@pytest.mark.usefixtures("told")
def test_what_was_wrong_with_a_cluster_is_over_once_nobody_syncs_it(site: Site) -> None:
    """Guards against incidents that never end, and that hide the same fault when the cluster is enabled again."""
    with connect(site.url) as connection:
        for name in ("off", "purged", "on"):
            connection.execute(
                "INSERT INTO clusters_cluster (protocol, address, port, access_token, name) "
                "VALUES ('https', %s, 443, '\\x00', %s)",
                [name, name],
            )
            raise_incident(connection, "run_failed", f"update_cluster {name}", "No.")
            raise_incident(connection, "check_failed", f"core/jobs nothing_rejected {name}", "No.")
            raise_incident(connection, "token_refused", name, "No.")
        raise_incident(connection, "run_failed", "tidy", "No.")
        connection.commit()
        set_enabled(connection, "off", enabled=False)
        purge(connection, "purged")
    tick(site)
    still_open = site.query("SELECT subject FROM pipeline.alert WHERE resolved_at IS NULL ORDER BY subject")
    assert [row[0] for row in still_open] == ["core/jobs nothing_rejected on", "on", "tidy", "update_cluster on"]


def test_a_live_sync_does_not_make_a_failed_backfill_good(
    site: Site, controller: SimulatorServer, told: WebReceiver
) -> None:
    """Guards against "resolved" seconds after a backfill failed, which nothing starts again by itself."""
    cursor = datetime.now(UTC).isoformat()
    site.register("prod", controller)
    assert not site.run("prod", since="nonsense").success
    assert site.run("prod").success
    tick(site, cursor)
    assert [(document["subject"], document["state"]) for document in told.documents] == [("backfill prod", "open")]
    assert site.run("prod", since="2026-01-01").success
    tick(site, cursor)
    assert told.documents[-1]["state"] == "resolved"
