"""Web server, daemon and code location as processes of their own, on stock storage; and Celery."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import new_key
from aap_pipeline_tests.cli.processes import import_clusters
from aap_pipeline_tests.database.tls import tls_proxy
from aap_pipeline_tests.deploy.stack import AS_CONTAINER, DEPLOY, Stack, stopped_at_end
from aap_pipeline_tests.runtime.running import free_port, wait_for
from aap_pipeline_tests.site import small_world
from aap_simulator.faults import Fault
from aap_simulator.server import SimulatorServer

pytestmark = [pytest.mark.usefixtures("starts_server"), pytest.mark.long]

_NAMES = ("berlin", "paris", "rome", "oslo")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that an empty /tmp does not hide; on a read-only root it is read-only too, as in the image."""
    found = Path(tempfile.mkdtemp(prefix="aap-pipeline-deploy-", dir="/var/tmp"))
    yield found
    shutil.rmtree(found)


@pytest.fixture
def controllers(starts_server: None) -> Iterator[dict[str, SimulatorServer]]:
    """Four controllers by name; the last one answers nothing about host summaries until its faults are cleared."""
    with ExitStack() as stack:
        found = {name: stack.enter_context(SimulatorServer(small_world(jobs=15))) for name in _NAMES}
        found["oslo"].faults.add(Fault("hang", paths=frozenset({"host_summaries"})))
        yield found


def namespaces() -> bool:
    """Whether this machine lets tests make mount and user namespaces."""
    command = ["unshare", "--mount", "unshare", "--user", "true"]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0


def instance(folder: Path, file: str, storage: Mapping[str, Any] | None = None, **monitoring: int) -> None:
    """Write an instance of `deploy/` into `folder`, with the storage and run monitoring that a test needs."""
    found = yaml.safe_load((DEPLOY / file).read_text(encoding="utf-8"))
    found["storage"] = storage or found["storage"]
    found["run_monitoring"] |= monitoring
    (folder / "dagster.yaml").write_text(yaml.safe_dump(found), encoding="utf-8")


def register(stack: Stack, controllers: dict[str, SimulatorServer]) -> None:
    """Add the controllers to the registry."""
    entries = [
        {"name": name, "port": server.port, "access_token": server.token.access_token}
        for name, server in controllers.items()
    ]
    import_clusters(stack.environment, stack.folder, entries)


def missing(url: str, controllers: dict[str, SimulatorServer]) -> list[str]:
    """Clusters whose jobs or host summaries in core are not those of their controller."""
    question = """SELECT c.name, count(DISTINCT j.id), count(h.id) FROM clusters_cluster c
        LEFT JOIN clusters_job j ON j.cluster_id = c.id LEFT JOIN clusters_jobhostsummary h ON h.job_id = j.id
        GROUP BY c.name"""
    with connect(url) as connection:
        found = {name: (jobs, hosts) for name, jobs, hosts in connection.execute(question)}
    truth = {name: server.world.truth().jobs for name, server in controllers.items()}
    wanted = {name: (len(jobs), sum(len(job.host_summaries) for job in jobs.values())) for name, jobs in truth.items()}
    return [name for name in wanted if found.get(name) != wanted[name]]


def unfinished(url: str, cluster: str) -> str | None:
    """The id of the run of a cluster that is under way."""
    with connect(url) as connection:
        row = connection.execute(
            "SELECT run_id FROM dagster.runs WHERE status = 'STARTED' AND partition = %s", [cluster]
        ).fetchone()
    return str(row[0]) if row else None


def held(url: str, cluster: str) -> bool:
    """Whether the run of a cluster has come to its first step, where it took its lock."""
    with connect(url) as connection:
        question = "SELECT FROM pg_stat_activity WHERE application_name = %s"
        return connection.execute(question, [f"aap_pipeline run {unfinished(url, cluster)}"]).fetchone() is not None


def statuses(url: str, cluster: str) -> set[str]:
    """Statuses of all runs of a cluster."""
    with connect(url) as connection:
        return {row[0] for row in connection.execute("SELECT status FROM dagster.runs WHERE partition = %s", [cluster])}


def test_three_processes_on_stock_storage_sync_and_survive_a_kill(
    database_url: str, folder: Path, controllers: dict[str, SimulatorServer]
) -> None:
    """Guards against a pipeline that only `aap-pipeline up` can run: a killed run and daemon lose and double nothing.

    Under a nameless uid, with a read-only root, and TLS that verifies the server.
    """
    instance(folder, "dagster.yaml")
    certificate = folder / "tls"
    certificate.mkdir()
    with ExitStack() as around:
        secured = around.enter_context(tls_proxy(database_url, certificate))
        url = f"{secured}?sslmode=verify-full&sslrootcert=system"
        changes = {"SSL_CERT_FILE": str(certificate / "server.pem")}  # in place of the image's
        prefix = AS_CONTAINER if namespaces() else []
        stack = around.enter_context(stopped_at_end(Stack(folder, url, new_key(), changes, prefix)))
        stack.start_all()
        register(stack, controllers)
        wait_for(lambda: missing(database_url, controllers) == ["oslo"], 400)
        wait_for(lambda: held(database_url, "oslo"), 400)
        run = unfinished(database_url, "oslo")
        assert run is not None
        for process in psutil.Process(stack.processes["code"].pid).children(recursive=True):
            process.kill()  # the runs
        stack.kill("daemon")
        controllers["oslo"].faults.clear()
        stack.start("daemon")
        wait_for(lambda: missing(database_url, controllers) == [], 400)
        wait_for(lambda: unfinished(database_url, "oslo") is None, 60)
        assert stack.web.run_status(run) == "FAILURE"
        assert stack.web.succeeded("update_cluster") >= 1


@contextmanager
def redis(folder: Path) -> Iterator[dict[str, str]]:
    """A Redis for the block; the variables by which Celery finds it."""
    if shutil.which("redis-server") is None:
        pytest.skip("needs redis-server (apt-get install redis-server)")
    for module in ("dagster_celery", "redis"):
        pytest.importorskip(module, reason="needs the extra celery")
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        yield {
            "CELERY_BROKER_URL": f"redis://127.0.0.1:{port}/0",
            "CELERY_RESULT_BACKEND": f"redis://127.0.0.1:{port}/1",
        }
        process.terminate()


def test_celery_workers_and_the_daemon_are_killed_and_nothing_is_lost(
    database_url: str, folder: Path, controllers: dict[str, SimulatorServer]
) -> None:
    """Guards against runs that a dead worker holds for ever, and against tasks of theirs that nobody takes."""
    instance(folder, "celery/dagster.yaml", start_timeout_seconds=15)
    with redis(folder) as broker, stopped_at_end(Stack(folder, database_url, new_key(), broker)) as stack:
        stack.start("worker-1")
        stack.start_all()
        register(stack, controllers)
        wait_for(lambda: held(database_url, "oslo"), 400)
        stack.start("worker-2")
        stack.kill("worker-1")
        stack.kill("daemon")
        stack.start("daemon")
        controllers["oslo"].faults.clear()
        wait_for(lambda: missing(database_url, controllers) == [], 400)
        wait_for(lambda: not {"STARTED", "STARTING", "QUEUED"} & statuses(database_url, "oslo"), 400)
        assert {"FAILURE", "SUCCESS"} <= statuses(database_url, "oslo")


@pytest.mark.parametrize("way", ["three processes", "celery"])
def test_a_run_that_takes_too_long_is_ended_and_its_cluster_goes_on(
    database_url: str, folder: Path, controllers: dict[str, SimulatorServer], way: str
) -> None:
    """Guards against `max_runtime_seconds` that marks a run as failed and leaves its process and locks behind.

    The three processes use the other form of Dagster's storage, `postgres_db`.
    """
    celery = way == "celery"
    parts = conninfo_to_dict(database_url)
    login = {"username": parts["user"], "password": parts["password"], "hostname": parts["host"]}
    login |= {"port": int(str(parts["port"])), "db_name": parts["dbname"]}
    storage = {"postgres": {"postgres_db": {**login, "params": {"options": "-c search_path=dagster"}}}}
    limits = {"max_runtime_seconds": 30, "poll_interval_seconds": 1}
    instance(folder, "celery/dagster.yaml" if celery else "dagster.yaml", None if celery else storage, **limits)
    with ExitStack() as around:
        broker = around.enter_context(redis(folder)) if celery else {}
        stack = around.enter_context(stopped_at_end(Stack(folder, database_url, new_key(), broker)))
        if celery:
            stack.start("worker-1")
        stack.start_all()
        register(stack, {"oslo": controllers["oslo"]})
        wait_for(lambda: "FAILURE" in statuses(database_url, "oslo"), 400)
        controllers["oslo"].faults.clear()
        wait_for(lambda: missing(database_url, {"oslo": controllers["oslo"]}) == [], 400)
        with connect(database_url) as connection:
            question = "SELECT count(*) FROM dagster.event_logs WHERE event LIKE '%Exceeded maximum runtime%'"
            assert connection.execute(question).fetchone() != (0,)
