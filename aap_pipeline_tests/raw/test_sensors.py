"""The sensors against a real database and real controllers: what they ask Dagster for, and what they leave alone."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dagster import (
    DagsterRunStatus,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    build_sensor_context,
)

from aap_pipeline.clusters.partitions import clusters_sensor
from aap_pipeline.clusters.registry import clusters, purge, set_enabled
from aap_pipeline.database.connection import connect
from aap_pipeline.definitions import defs
from aap_pipeline.orchestration.jobs import PARTITION_TAG, REASON_TAG, nightly, update_cluster
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.run_liveness import hold_run, lock_tag
from aap_pipeline.raw import sensors
from aap_pipeline.raw.sensors import new_jobs_sensor, newest_finished
from aap_pipeline_tests.controller.conftest import aap_24
from aap_pipeline_tests.controller.server import Reply, always, serving
from aap_pipeline_tests.site import Site, small_world
from aap_simulator.faults import Fault
from aap_simulator.server import SimulatorServer

NAME = CLUSTERS.name or ""


def tick(site: Site, cursor: str | None = None) -> SensorEvaluationContext:
    """What the daemon hands a sensor."""
    return build_sensor_context(instance=site.instance, cursor=cursor, resources={"warehouse": Warehouse()})


def look(site: Site) -> SensorResult | SkipReason:
    """One tick of the clusters sensor."""
    found = clusters_sensor(tick(site))
    assert isinstance(found, SensorResult | SkipReason)
    return found


def apply(site: Site) -> None:
    """One tick, and what it asks for done, as the daemon does it."""
    found = look(site)
    for request in (found.dynamic_partitions_requests or []) if isinstance(found, SensorResult) else []:
        if type(request).__name__ == "AddDynamicPartitionsRequest":
            site.instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
        else:
            for key in request.partition_keys:
                site.instance.delete_dynamic_partition(request.partitions_def_name, key)


def ask(site: Site, cursor: str | None = None) -> SensorResult:
    """One tick of the new-jobs sensor, so long after the one before that it asks every cluster again."""
    sensors._asked_at.clear()
    found = new_jobs_sensor(tick(site, cursor))
    assert isinstance(found, SensorResult), found
    return found


def due(result: SensorResult) -> list[str]:
    """The clusters that a tick wants runs for."""
    return [str(request.partition_key) for request in result.run_requests or []]


def said(result: SensorResult | SkipReason) -> str:
    """What a tick says of itself in the UI."""
    reason = result if isinstance(result, SkipReason) else result.skip_reason
    return str(reason.skip_message) if reason else ""


def test_partitions_follow_the_registry(site: Site) -> None:
    """Guards against clusters that never sync, and against history that vanishes because somebody disabled one."""
    assert "0 clusters" in said(look(site))
    for name in ("alpha", "beta"):
        site.register(name, None, access=f"token of {name}")
        site.query("UPDATE clusters_cluster SET port = 100 + id RETURNING 1")
        site.instance.delete_dynamic_partition(NAME, name)
    apply(site)
    assert sorted(site.instance.get_dynamic_partitions(NAME)) == ["alpha", "beta"]
    assert isinstance(look(site), SkipReason)
    with connect(site.url) as connection:
        set_enabled(connection, "alpha", enabled=False)
        set_enabled(connection, "beta", enabled=False, removed=True)
    assert isinstance(look(site), SkipReason)
    with connect(site.url) as connection:
        purge(connection, "beta")
    apply(site)
    assert list(site.instance.get_dynamic_partitions(NAME)) == ["alpha"]


def test_a_dead_database_changes_no_partition_and_starts_no_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against taking no answer for an empty registry, which would delete every partition."""
    site.instance.add_dynamic_partitions(NAME, ["alpha"])
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", "postgresql://nobody:hunter2@127.0.0.1:9/nowhere")
    found = look(site)
    assert isinstance(found, SkipReason)
    assert "Connection refused" in said(found)
    assert "hunter2" not in said(found)
    assert isinstance(new_jobs_sensor(tick(site)), SkipReason)
    assert list(site.instance.get_dynamic_partitions(NAME)) == ["alpha"]


def test_a_backfill_and_what_is_new_take_turns_until_both_are_done(site: Site, controller: SimulatorServer) -> None:
    """Guards against a launchpad's backfill that nobody goes on with, or that new jobs have to wait for."""
    world = small_world(days=300, jobs=60)
    controller.use(world)
    site.register("prod", controller)
    assert site.run("prod").success
    site.query("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '20') RETURNING 1")
    assert site.run("prod", since="2000-01-01", until="2100-01-01", pause_seconds=0.001).success
    world.add_job(finished=world.clock.now() - timedelta(minutes=1))
    reasons = []
    while requests := ask(site).run_requests:
        [request] = requests
        reasons.append(request.tags[REASON_TAG].partition(" at ")[0])
        config = request.run_config["ops"]["raw__sync_data"]["config"] if request.run_config else {}
        assert ("dagster/priority" in request.tags) == bool(config)
        assert site.run("prod", **config, pause_seconds=0.001).success
    assert reasons[:3] == ["new job", *["resume backfill"] * 2]
    assert site.query("SELECT count(*) FROM clusters_job") == [(len(world.truth().jobs),)]


def test_a_run_is_asked_for_only_when_something_is_new(site: Site, controller: SimulatorServer) -> None:
    """Guards against a run every five seconds, and against a job that nobody fetches."""
    site.register("prod", controller)
    first = ask(site)
    assert due(first) == ["prod"]
    [request] = first.run_requests or []
    assert request.tags[REASON_TAG] == "never synced"
    assert site.run("prod").success
    controller.log.clear()
    nothing = ask(site)
    assert due(nothing) == []
    assert said(nothing) == "1 cluster, 0 with runs in progress, 0 due"
    assert controller.log.total <= 2
    controller.world.add_job(finished=datetime.now(UTC))  # type: ignore[attr-defined]
    again = ask(site)
    assert due(again) == ["prod"]
    assert "new job at" in (again.run_requests or [])[0].tags[REASON_TAG]


def test_a_disabled_cluster_and_one_without_a_partition_are_left_alone(site: Site, controller: SimulatorServer) -> None:
    """Guards against runs that Dagster refuses, and against asking a controller that was taken out of service."""
    site.register("prod", controller)
    site.instance.delete_dynamic_partition(NAME, "prod")
    assert due(ask(site)) == []
    site.instance.add_dynamic_partitions(NAME, ["prod"])
    with connect(site.url) as connection:
        set_enabled(connection, "prod", enabled=False)
    controller.log.clear()
    assert due(ask(site)) == []
    assert controller.log.total == 0


@pytest.mark.parametrize("status", [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED])
def test_no_run_is_asked_for_while_one_is_under_way(
    site: Site, controller: SimulatorServer, status: DagsterRunStatus
) -> None:
    """Guards against a queue that fills with runs of one cluster."""
    site.register("prod", controller)
    hold_run(begin_run(site, "prod", status), site.url)
    result = ask(site)
    assert due(result) == []
    assert "1 with runs in progress" in said(result)


@pytest.mark.parametrize("job", [update_cluster.name, nightly.name, "__ASSET_JOB"])
def test_a_run_whose_process_was_killed_is_ended_and_its_cluster_synced_again(
    site: Site, controller: SimulatorServer, job: str
) -> None:
    """Guards against a cluster that is never synced again because Dagster believes in a run that nobody executes.

    Runs of all jobs share the cluster's one place in the queue, also those that a person starts from an asset's page,
    which Dagster calls __ASSET_JOB.
    """
    site.register("prod", controller)
    run_id = begin_run(site, "prod", DagsterRunStatus.STARTED, job)
    assert due(ask(site)) == ["prod"]
    run = site.instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status is DagsterRunStatus.FAILURE
    assert any("process of this run was killed" in record.message for record in site.instance.all_logs(run_id))


def begin_run(site: Site, cluster: str, status: DagsterRunStatus, job: str = update_cluster.name) -> str:
    """A run of Dagster's whose process has taken its lock; its id."""
    instance = site.instance
    run = instance.create_run_for_job(
        job_def=defs.resolve_job_def(job),
        tags={PARTITION_TAG: cluster},
        status=status,
    )
    instance.add_run_tags(run.run_id, lock_tag(run.run_id))
    return run.run_id


def test_a_dead_controller_is_named_left_alone_for_a_while_and_holds_up_nobody(
    site: Site, controller: SimulatorServer
) -> None:
    """Guards against one broken controller that stops all syncs, fills the log, or is asked every five seconds."""
    site.register("dead", None)
    site.register("prod", controller)
    first = ask(site)
    assert due(first) == ["prod"]
    times = json.loads(first.cursor or "")["dead"]["times"]
    assert times == 1
    second = ask(site, first.cursor)
    assert due(second) == ["prod"]
    assert json.loads(second.cursor or "")["dead"]["times"] == 1
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    cursor = json.dumps({"dead": {"times": 5, "last": an_hour_ago}})
    while json.loads(cursor)["dead"]["times"] == 5:  # no tick waits for its answer, which may count at a later one
        cursor = ask(site, cursor).cursor or ""
    assert json.loads(cursor)["dead"]["times"] == 6
    with connect(site.url) as connection:
        set_enabled(connection, "prod", enabled=False)
    assert "dead: Cannot connect to http://127.0.0.1:9/" in said(ask(site))
    assert "dead: failed 1 time in a row, next attempt in" in said(ask(site, first.cursor))
    assert json.loads(
        ask(site, json.dumps({"unknown": {"times": 3, "last": datetime.now(UTC).isoformat()}})).cursor or ""
    ).keys() == {"dead"}


def test_a_controller_that_asked_for_a_pause_is_asked_at_its_end(site: Site, controller: SimulatorServer) -> None:
    """Guards against a request every 15 s, or minutes, to a controller whose proxy said when to come back."""
    site.register("prod", controller)
    controller.log.clear()
    controller.faults.add(Fault("status", statuses=(503,), retry_after=1800))
    refused = ask(site)
    assert "prod: http" in said(refused)
    controller.faults.clear()
    assert controller.log.total == 1
    assert "prod: the controller requested a pause until" in said(ask(site))
    assert controller.log.total == 1
    site.query("UPDATE clusters_cluster SET no_requests_before = NOW() - INTERVAL '1 s' RETURNING 1")
    assert due(ask(site)) == ["prod"]


def test_a_run_that_begins_outside_the_hours_of_its_cluster_waits_for_them(
    site: Site, controller: SimulatorServer
) -> None:
    """Guards against a failed run, and an alert, for a run that was launched just before its hours ended."""
    site.register("prod", controller)
    controller.log.clear()
    begin = datetime.now(UTC) + timedelta(hours=2)
    hours = f"{begin:%H:%M}-{begin + timedelta(hours=1):%H:%M}"
    site.query("UPDATE clusters_cluster SET sync_window = %s RETURNING 1", hours)
    assert site.run("prod").success
    assert "prod: the first sync waits for the cluster's sync_window" in said(ask(site))
    site.query("UPDATE clusters_cluster SET sync_window = NULL RETURNING 1")
    assert site.run("prod").success
    asked = controller.log.total
    site.query("UPDATE clusters_cluster SET sync_window = %s RETURNING 1", hours)
    assert site.run("prod", since="2026-01-01").success
    assert controller.log.total == asked + 1  # of the check `clock_skew`
    assert due(ask(site)) == []
    site.query("UPDATE clusters_cluster SET sync_window = NULL RETURNING 1")
    [request] = ask(site).run_requests or []
    assert request.tags[REASON_TAG] == "resume backfill"


UNSENDABLE = ["\ufefftok_abcdefgh", "tok_abc\ndefgh", "tok_…", "tok_\x00"]


@pytest.mark.parametrize("token", UNSENDABLE)
def test_a_token_that_cannot_be_sent_is_its_own_clusters_error(
    site: Site, controller: SimulatorServer, token: str
) -> None:
    """Guards against one cluster's token that makes every tick fail for all clusters."""
    site.register("prod", controller)
    with serving(aap_24(always(Reply({"results": []})))) as other:
        site.register("bad", other, access=token)
        result = ask(site)
        assert due(result) == ["prod"]
        with connect(site.url) as connection:
            set_enabled(connection, "prod", enabled=False)
        remark = said(ask(site))
    assert "bad: The access token contains a" in remark
    assert "update bad --token-file FILE" in remark
    assert "tok_" not in remark


@pytest.mark.parametrize(
    "job",
    [
        {"id": 1, "finished": "2026-06-30T23:59:60Z"},
        {"id": 1, "finished": "2026-11-29T10:00:00"},
        {"id": 1, "finished": "0000-01-01T00:00:00Z"},
        {"id": 1, "finished": 5},
        {"id": 1},
        {},
        None,
        "a job",
    ],
)
def test_an_odd_newest_job_is_its_own_clusters_error_and_does_not_hold_up_its_syncs(
    site: Site, controller: SimulatorServer, job: object
) -> None:
    """Guards against one document that makes every tick fail, or that keeps its cluster from being synced again."""
    site.register("prod", controller)
    with serving(aap_24(always(Reply({"results": [job]})))) as odd:
        site.register("odd", odd)
        first = ask(site)
        assert sorted(due(first)) == ["odd", "prod"]  # never synced: due whatever the answer
        assert json.loads(first.cursor or "")["odd"]["times"] == 1


@pytest.mark.parametrize("cursor", ["", "nonsense", "[]", "null", '{"prod": 3}', '{"prod": ["x", "y"]}', "{"])
def test_a_broken_cursor_is_harmless(site: Site, controller: SimulatorServer, cursor: str) -> None:
    """Guards against a sensor that fails for ever after an upgrade or a hand-edited cursor."""
    site.register("prod", controller)
    assert due(ask(site, cursor)) == ["prod"]


def test_failed_syncs_back_off(site: Site, controller: SimulatorServer) -> None:
    """Guards against a run every five seconds for a controller that answers pings and fails at its jobs."""
    site.register("prod", controller)
    controller.faults.add(Fault("html", paths=frozenset({"job_templates"})))
    site.query(
        "INSERT INTO pipeline.sync_run (cluster_id, outcome, started_at, finished_at) "
        "SELECT id, 'failed', now() - interval '1 hour', now() - n * interval '1 second' "
        "FROM clusters_cluster, generate_series(1, 3) n RETURNING 1"
    )
    assert "prod: failed 3 times in a row, next attempt in" in said(ask(site))
    site.query("UPDATE pipeline.sync_run SET finished_at = finished_at - interval '2 minutes' RETURNING 1")
    assert due(ask(site)) == ["prod"]


def test_many_clusters_are_asked_side_by_side_and_nobody_waits_for_late_ones(
    site: Site, controller: SimulatorServer
) -> None:
    """Guards against a controller that hangs and delays every other, and against asking it again at each tick."""
    names = [f"cluster-{number:02}" for number in range(40)]
    for number, name in enumerate(names):
        site.query(
            "INSERT INTO clusters_cluster (protocol, address, port, access_token, name) "
            "VALUES ('http', '127.0.0.1', %s, %s, %s) RETURNING 1",
            controller.port if name == "cluster-39" else number + 1,
            site.cipher.encrypt(controller.token.access_token),
            name,
        )
    site.instance.add_dynamic_partitions(NAME, names)
    assert due(ask(site)) == ["cluster-39"]
    controller.faults.add(Fault("hang", seconds=0.5))
    with connect(site.url) as connection:
        asked = [(cluster, None) for cluster in clusters(connection) if cluster.name == "cluster-39"]
    patience: list[tuple[float, list[str]]] = [(0.0, []), (60.0, names)]
    for seconds, silent in patience:
        assert newest_finished(site.url, site.cipher, asked, seconds, silent) == {}
        answers: dict[str, Any] = {}
        while not answers:  # the question is still open: no tick waits for it again
            answers = newest_finished(site.url, site.cipher, asked, seconds=60.0)
        assert list(answers) == ["cluster-39"]


def test_a_tick_without_news_says_so_for_debugging_only(
    site: Site, controller: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a log of 17,000 lines a day that say nothing."""
    site.register("prod", controller)
    levels: list[int] = []
    monkeypatch.setattr(type(tick(site).log), "log", lambda _, level, *_rest: levels.append(level))
    ask(site)
    site.run("prod")
    ask(site)
    assert levels == [logging.INFO, logging.DEBUG]


@pytest.mark.parametrize("job", [update_cluster.name, nightly.name, "__ASSET_JOB"])
def test_the_partitions_that_the_sensor_adds_are_those_of_each_job(site: Site, job: str) -> None:
    """Guards against a sensor that fills partitions which no job reads.

    __ASSET_JOB has the partitions of the assets that a person selects: here all but the reports, which have their own.
    """
    site.register("alpha", None)
    site.instance.delete_dynamic_partition(NAME, "alpha")
    definition = defs.resolve_job_def(job)
    if job == "__ASSET_JOB":
        of_clusters = {key for key in definition.asset_layer.selected_asset_keys if key.path[0] != "reports"}
        definition = definition.get_subset(asset_selection=of_clusters)
    partitions = definition.partitions_def
    assert partitions is not None
    assert partitions.get_partition_keys(dynamic_partitions_store=site.instance) == []
    apply(site)
    assert partitions.get_partition_keys(dynamic_partitions_store=site.instance) == ["alpha"]
