"""`aap-pipeline sync` against controllers that work and controllers that do not, over real HTTP and PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aap_pipeline.clusters.registry import NewCluster, save_clusters
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint, read_ca_bundle
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import Cipher, new_key
from aap_pipeline_tests.aap_simulator.certificate import self_signed
from aap_pipeline_tests.cli.conftest import Cli
from aap_pipeline_tests.cli.processes import environment, finish, left_running, start
from aap_pipeline_tests.runtime.running import process_of, wait_for
from aap_pipeline_tests.site import NO_PORT, small_world
from aap_simulator.faults import Fault
from aap_simulator.server import SimulatorServer
from aap_simulator.tokens import AUDITOR, PLAIN


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """The key of the environment."""
    key = new_key()
    monkeypatch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", key)
    return key


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    """Simulators that end with the test."""
    with ExitStack() as stack:
        yield stack


def register(url: str, key: str, name: str, endpoint: Endpoint, token: str = "") -> None:
    """Put a cluster into the registry."""
    with connect(url) as connection:
        save_clusters(connection, Cipher([key]), [NewCluster(name, endpoint, Tokens(token or "a-token"))])


def at(server: SimulatorServer, **changes: Any) -> Endpoint:
    """The address of a simulator."""
    return Endpoint(server.url.split(":")[0], "127.0.0.1", server.port, **changes)


def query(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a statement."""
    with connect(url) as connection:
        return connection.execute(sql.encode()).fetchall()


def test_each_broken_controller_is_one_clear_error_and_the_others_are_done(
    cli: Cli, key: str, servers: ExitStack, database_url: str, tmp_path: Path
) -> None:
    """Guards against one broken controller that hides another, stops the good ones, or leaves half of its data."""
    good, wrong_token, redirecting, page = (
        servers.enter_context(SimulatorServer(small_world(jobs=12))) for _ in range(4)
    )
    redirecting.faults.add(Fault("maintenance"))
    page.faults.add(Fault("html"))
    certfile, keyfile = self_signed(tmp_path)
    secure = servers.enter_context(SimulatorServer(small_world(jobs=12), certfile=certfile, keyfile=keyfile))
    (tmp_path / "other").mkdir()
    another_ca, _ = self_signed(tmp_path / "other")
    register(database_url, key, "good", at(good), good.token.access_token)
    register(database_url, key, "secure", at(secure, ca_bundle=read_ca_bundle(another_ca)), secure.token.access_token)
    register(database_url, key, "dead", Endpoint("http", "127.0.0.1", NO_PORT))
    register(database_url, key, "wrong-token", at(wrong_token), "PLANTED-TOKEN")
    register(database_url, key, "redirecting", at(redirecting), redirecting.token.access_token)
    register(database_url, key, "page", at(page), page.token.access_token)

    outcome = cli("sync", "--json")
    assert outcome.status == 1
    errors = {each["cluster"]: each["error"] for each in json.loads(outcome.out)}
    expected = {
        "dead": ("Cannot connect to http://127.0.0.1:9/", "that the controller runs"),
        "page": ("web page", "Correct address"),
        "redirecting": ("redirects", "web page"),
        "secure": ("certificate", "ca_bundle"),
        "wrong-token": ("token", "import"),
    }
    assert errors.pop("good") is None
    assert errors.keys() == expected.keys()
    for name, error in errors.items():
        assert "\n" not in error
        assert "Traceback" not in error
        assert "PLANTED" not in error
        assert any(word in error for word in expected[name]), error
    assert query(database_url, _WITH_DATA) == [("good",)]

    told = cli("sync", "--cluster", "dead", "--cluster", "good")
    assert told.status == 1
    assert told.out.splitlines()[0].startswith("✗ dead Cannot connect to")
    assert told.out.splitlines()[1].startswith("✓ good 0 new jobs")
    status = cli("status", "--json")
    failing = {row["name"]: row["error"] for row in json.loads(status.out)}
    assert failing["dead"] == errors["dead"]


def test_a_sync_ends_with_what_is_in_quarantine_and_keeps_jobs_whose_clock_ran_backwards(
    cli: Cli, key: str, servers: ExitStack, database_url: str
) -> None:
    """Guards against jobs that are in no figure, and about which nobody hears."""
    world = small_world(jobs=12, odd_cases=False)
    server = servers.enter_context(SimulatorServer(world))
    register(database_url, key, "prod", at(server), server.token.access_token)
    now = world.clock.now()
    numbers = [world.add_job(finished=now - timedelta(minutes=n), hosts=2) for n in range(1, 4)]
    changes: list[dict[str, Any]] = [{"elapsed": -15.7}, {"status": "exploded"}, {"id": None}]
    for number, change in zip(numbers, changes, strict=True):
        world.jobs.rows[number].json = json.dumps({**world.jobs.rows[number].document(), **change}).encode()
    for _ in range(2):
        told = cli("sync")
        assert told.status == 0
        last = told.out.splitlines()[-1]
        assert last == "2 documents are in quarantine and not in these figures. Run `aap-pipeline rejected list`."
    found = query(
        database_url,
        "SELECT external_id, clock_ran_backwards, started = finished, elapsed, num_hosts FROM clusters_job "
        f"WHERE external_id IN ({', '.join(map(str, numbers))})",
    )
    assert found == [(numbers[0], True, True, 0, 2)]
    counted = "SELECT count(*) FROM clusters_job WHERE status IN ('successful', 'failed') AND num_hosts > 0"
    assert [(json.loads(cli("report", "--json").out)["totals"]["runs"],)] == query(database_url, counted)


_WITH_DATA = """
SELECT c.name FROM clusters_cluster c JOIN clusters_clustersyncstatus s ON s.cluster_id = c.id
UNION SELECT c.name FROM clusters_cluster c JOIN clusters_clustersyncdata d ON d.cluster_id = c.id
UNION SELECT c.name FROM clusters_cluster c JOIN clusters_job j ON j.cluster_id = c.id
UNION SELECT c.name FROM clusters_cluster c JOIN clusters_organization o ON o.cluster_id = c.id
UNION SELECT c.name FROM clusters_cluster c JOIN marts.savings_daily m ON m.cluster_id = c.id
"""


def test_a_dry_run_counts_and_stores_nothing_and_a_backfill_reads_its_window(
    cli: Cli, key: str, servers: ExitStack, database_url: str
) -> None:
    """Guards against a "dry" run that writes, and against windows that mean something else than they say."""
    world = small_world(jobs=12)
    server = servers.enter_context(SimulatorServer(world))
    assert "There is no enabled cluster to sync" in cli("sync").err
    register(database_url, key, "prod", at(server), server.token.access_token)
    register(database_url, key, "dead", Endpoint("http", "127.0.0.1", NO_PORT))
    total = len(world.truth().jobs)
    dry = cli("sync", "--dry-run")
    assert dry.status == 1
    assert f"prod: {total} jobs finished between" in dry.out
    assert f"{total} of them new" in dry.out
    assert dry.err.startswith("dead: Cannot connect to")
    assert cli("sync", "--dry-run", "--cluster", "prod", "--cluster", "prod").out.count("prod: ") == 1
    figures = json.loads(cli("sync", "--dry-run", "--json").out)
    assert (figures["prod"]["jobs"], figures["prod"]["new_jobs"], list(figures["dead"])) == (total, total, ["error"])
    assert query(database_url, _WITH_DATA) == []
    assert query(database_url, "SELECT 1 FROM pipeline.sync_run") == []

    until = (datetime.now(UTC) - timedelta(days=10)).isoformat()
    synced = cli("sync", "--cluster", "prod", "--since", "2000-01-01", "--until", until, "--json")
    assert synced.status == 0, synced
    older = sum(1 for job in world.truth().jobs.values() if job.job["finished"] <= until)
    assert json.loads(synced.out)[0]["metadata"]["raw/sync_data"]["jobs_stored"] == older
    full = cli("sync", "--cluster", "prod")
    assert f"✓ prod {total - older:,} new jobs" in full.out
    report = json.loads(cli("report", "--json").out)
    assert report["totals"]["runs"] == sum(row["job_count"] for row in report["job_counts"] if row["host_count"])
    refused = cli("sync", "--cluster", "nobody")
    assert refused == (1, "", refused.err)
    assert "There is no cluster 'nobody'. Clusters: dead, prod." in refused.err
    noted = query(database_url, "SELECT count(*) FROM pipeline.sync_run")
    for window in (["--until", "2000-01-01"], ["--dry-run", "--until", "2000-01-01"], ["--since", "9999-01-01"]):
        assert cli("sync", "--cluster", "prod", *window).status == 2
    assert query(database_url, "SELECT count(*) FROM pipeline.sync_run") == noted
    beyond_the_last_day = cli("reconcile", "--cluster", "prod", "--since", "0001-01-01")
    assert (beyond_the_last_day.status, beyond_the_last_day.err) == (0, "")


def test_a_cluster_whose_first_sync_waits_is_estimated_and_delays_no_other(
    cli: Cli, key: str, servers: ExitStack, database_url: str
) -> None:
    """Guards against 30 clusters that are not synced because a new one may be read at night only."""
    for name in ("first", "waits"):
        server = servers.enter_context(SimulatorServer(small_world(jobs=12)))
        register(database_url, key, name, at(server), server.token.access_token)
    begin = datetime.now(UTC) + timedelta(hours=2)
    hours = f"{begin:%H:%M}-{begin + timedelta(hours=1):%H:%M}"
    assert cli("clusters", "update", "waits", "--sync-window", hours).status == 0
    dry = cli("sync", "--dry-run", "--cluster", "waits")
    assert (dry.status, "12 of them new" in dry.out) == (0, True)
    synced = cli("sync")
    assert (synced.status, "✓ first 12 new jobs" in synced.out) == (1, True)
    assert "! waits Paused; new_jobs_sensor resumes it as soon as it may run. Cluster waits allows" in synced.out
    assert f"only within {hours}" in synced.out
    assert cli("sync", "--cluster", "waits").status == 2


def test_a_user_who_sees_no_job_is_told_so(cli: Cli, key: str, servers: ExitStack, database_url: str) -> None:
    """Guards against a green tick while nothing arrives because a role is missing."""
    server = servers.enter_context(SimulatorServer(small_world(jobs=12), account=PLAIN))
    register(database_url, key, "prod", at(server), server.token.access_token)
    first = cli("sync")
    assert first.status == 0
    assert first.out.splitlines()[1].startswith(f"! prod {server.url} shows no finished job")
    server.tokens.belong_to(AUDITOR)
    assert "!" not in cli("sync").out
    server.tokens.belong_to(PLAIN)
    lost = json.loads(cli("sync", "--json").out)[0]["metadata"]["raw/sync_data"]
    assert "the token's user lacks a role. Give it the role System Auditor" in lost["warnings"]


@pytest.mark.long
def test_ctrl_c_and_kill_9_leave_nothing_running_and_the_next_sync_goes_on(
    key: str, servers: ExitStack, database_url: str, tmp_path: Path
) -> None:
    """Guards against a Ctrl-C that hangs or shows a traceback, workers that outlive their parent, and runs that
    Dagster takes to be under way for ever."""
    world = small_world(jobs=30)
    server = servers.enter_context(SimulatorServer(world))
    server.faults.add(Fault("hang", paths=frozenset({"host_summaries"})))
    register(database_url, key, "prod", at(server), server.token.access_token)
    register(database_url, key, "dead", Endpoint("http", "127.0.0.1", NO_PORT))
    variables = environment(tmp_path / "home", AAP_PIPELINE_DATABASE_URL=database_url, AAP_PIPELINE_ENCRYPTION_KEYS=key)

    process = hanging_sync(server, variables)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "Interrupted."
    assert "Traceback" not in out + err
    wait_for(lambda: not left_running(tmp_path / "home"))
    assert run_status(database_url) == ["CANCELED"]

    process = hanging_sync(server, variables)
    process.kill()
    process.communicate()
    wait_for(lambda: not left_running(tmp_path / "home"))
    assert run_status(database_url) == ["CANCELED", "STARTED"]

    server.faults.clear()
    done = finish(["sync", "--cluster", "prod", "--json"], variables)
    assert done.returncode == 0, done.stderr
    assert run_status(database_url) == ["CANCELED", "FAILURE", "SUCCESS"]
    assert query(database_url, "SELECT count(*) FROM clusters_job") == [(len(world.truth().jobs),)]
    assert query(database_url, "SELECT outcome FROM pipeline.sync_run ORDER BY id") == [
        ("interrupted",),
        ("interrupted",),
        ("succeeded",),
    ]


def hanging_sync(server: SimulatorServer, variables: dict[str, str]) -> subprocess.Popen[str]:
    """A sync that waits for an answer."""
    server.log.clear()
    process = start(["sync", "--cluster", "prod"], variables)
    wait_for(lambda: server.log.by_kind["host_summaries"] > 0 or process.poll() is not None, 60)
    assert process.poll() is None, process.communicate()
    return process


def run_status(url: str) -> list[str]:
    """Dagster's statuses of the runs for cluster prod, the oldest first."""
    return [row[0] for row in query(url, "SELECT status FROM dagster.runs ORDER BY id")]


@pytest.mark.long
def test_a_worker_that_is_killed_fails_its_cluster_alone(
    key: str, servers: ExitStack, database_url: str, tmp_path: Path
) -> None:
    """Guards against one run that takes the others with it when the machine lacks memory."""
    good, stuck = (servers.enter_context(SimulatorServer(small_world(jobs=10))) for _ in range(2))
    stuck.faults.add(Fault("hang", paths=frozenset({"host_summaries"})))
    register(database_url, key, "good", at(good), good.token.access_token)
    register(database_url, key, "stuck", at(stuck), stuck.token.access_token)
    home = tmp_path / "home"
    variables = environment(home, AAP_PIPELINE_DATABASE_URL=database_url, AAP_PIPELINE_ENCRYPTION_KEYS=key)
    process = start(["sync", "--json"], variables)
    wait_for(lambda: stuck.log.by_kind["host_summaries"] > 0, 60)
    wait_for(lambda: query(database_url, "SELECT 1 FROM marts.savings_daily LIMIT 1") == [(1,)], 60)
    [(run,)] = query(database_url, "SELECT run_id FROM dagster.runs WHERE status = 'STARTED' AND partition = 'stuck'")
    worker = process_of(database_url, run)
    assert worker is not None
    worker.kill()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    errors = {each["cluster"]: each["error"] for each in json.loads(out)}
    assert errors["good"] is None
    assert "killed by signal 9 (SIGKILL)" in errors["stuck"]
    assert sorted(run_status(database_url)) == ["CANCELED", "SUCCESS"]
