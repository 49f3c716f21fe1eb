"""`aap-pipeline up` in every way of ending: nothing is left running, nothing stored is lost."""

from __future__ import annotations

import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlsplit, urlunsplit

import psutil
import pytest
from cryptography.fernet import Fernet

from aap_pipeline.database.connection import connect
from aap_pipeline_tests.cli.processes import environment, finish
from aap_pipeline_tests.database.tls import tls_proxy
from aap_pipeline_tests.runtime.running import Up, free_port, small_location, wait_for
from aap_pipeline_tests.servers import PostgresServer
from aap_pipeline_tests.site import small_world
from aap_pipeline_tests.ui.site import import_controllers
from aap_simulator.server import SimulatorServer

pytestmark = pytest.mark.usefixtures("starts_server")


@pytest.fixture
def start_up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Starts `up` on one home, again and again; whatever a failing test leaves running there is ended."""
    started: list[Up] = []

    def start(*options: str) -> Up:
        started.append(Up(tmp_path, *options))
        return started[-1]

    yield start
    for up in started:
        for process in up.processes():
            process.kill()
        up.process.communicate()


@pytest.mark.long
def test_nothing_outlives_up_and_the_data_does(start_up: Callable[..., Up], tmp_path: Path) -> None:
    """Guards against orphans after kill -9, SIGTERM and Ctrl-C, also of code servers and of a run under way."""
    first = start_up(*small_location(tmp_path))
    first.wait_until_ready()
    assert first.find("grpc").environ()["AAP_PIPELINE_ALERT_UI_URL"] == first.address  # whose links lead here
    run = first.launch("quick_job")
    wait_for(lambda: first.run_status(run) == "SUCCESS")

    first.find("dagster._daemon").send_signal(signal.SIGKILL)
    first.read_until("The Dagster daemon was killed by SIGKILL")
    first.read_until("The Dagster daemon was restarted.")
    first.find(f"{first.home}/dagster/code-server.socket").send_signal(signal.SIGKILL)
    first.read_until("The code server was killed by SIGKILL")
    first.read_until("The code server was restarted.")
    wait_for(lambda: first.reload("aap_pipeline") == "RepositoryLocation", 60)
    endless = first.launch("endless_job")
    wait_for(lambda: first.run_status(endless) == "STARTED")
    first.find("-D").send_signal(signal.SIGKILL)
    first.read_until("The embedded PostgreSQL was restarted.")
    wait_for(lambda: first.run_status(run) == "SUCCESS")

    refused = subprocess.run(first.process.args, capture_output=True, text=True, env=_environment(first), check=False)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "cannot listen on 127.0.0.1" in refused.stderr
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(timeout=30) == 0
    assert first.processes() == []

    second = start_up()
    second.wait_until_ready()
    assert second.run_status(run) == "SUCCESS"
    second.process.send_signal(signal.SIGKILL)
    second.process.wait()
    wait_for(lambda: not second.processes(), 30)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"AAP_PIPELINE_ALERT_SMTP_PORT": "x"}, "AAP_PIPELINE_ALERT_SMTP_PORT: Input should be a valid integer"),
        ({"AAP_PIPELINE_ENCRYPTION_KEYS": "x"}, "AAP_PIPELINE_ENCRYPTION_KEYS"),
        ({"AAP_PIPELINE_DATABASE_URL": "postgresql://u@127.0.0.1:1/w"}, "AAP_PIPELINE_ENCRYPTION_KEYS"),
    ],
)
def test_up_refuses_settings_with_which_every_sync_would_fail(
    tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    """Guards against a service that starts well and fails at each sync, in a log that nobody reads."""
    refused = finish(["up", "--port", str(free_port())], environment(tmp_path / "home", **variables))
    assert refused.returncode == 1
    assert said in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "home" / "postgres").exists()


@pytest.mark.usefixtures("template")
def test_nothing_that_uses_dagsters_tables_starts_before_they_exist(postgres: PostgresServer, tmp_path: Path) -> None:
    """The code server and the supervisor created them at the same time, and a first `up` failed with "(Background on
    this error at: …)", the last line of SQLAlchemy."""
    with owned_database(postgres, "without_schema") as url:
        variables = {"AAP_PIPELINE_DATABASE_URL": url, "AAP_PIPELINE_ENCRYPTION_KEYS": Fernet.generate_key().decode()}
        assert finish(["migrate"], environment(tmp_path / "home", **variables)).returncode == 0
        with connect(postgres.url("without_schema")) as connection:
            connection.execute("CREATE SCHEMA dagster; GRANT USAGE ON SCHEMA dagster TO without_schema")
        refused = finish(["up", "--port", str(free_port())], environment(tmp_path / "home", **variables))
    assert refused.returncode == 1
    assert "Dagster cannot prepare its tables: (psycopg2.errors.InsufficientPrivilege) permission" in refused.stderr
    assert not (tmp_path / "home" / "logs").exists()


@pytest.mark.long
@pytest.mark.usefixtures("template")  # whose migration made the role bi_reader, as an administrator does
def test_an_external_server_serves_a_role_that_owns_its_database_over_verified_tls(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """Guards against what only a superuser may do in the daemon, the web server or a run, against one of them that
    drops sslmode=verify-full on its way to the server, and against connections that outlive them."""
    with (
        owned_database(postgres, "warehouse_owner") as plain,
        tls_proxy(plain, tmp_path / "tls") as over_tls,  # which takes no connection without
        SimulatorServer(small_world()) as controller,
    ):
        url = f"{over_tls}?sslmode=verify-full&sslrootcert={tmp_path / 'tls' / 'server.pem'}"
        variables = {
            "AAP_PIPELINE_DATABASE_URL": url,
            "AAP_PIPELINE_ENCRYPTION_KEYS": Fernet.generate_key().decode("ascii"),
        }
        migrated = finish(["migrate"], environment(tmp_path / "home", **variables))
        assert migrated.returncode == 0, migrated.stderr
        import_controllers(environment(tmp_path / "home", **variables), tmp_path, {"berlin": controller})
        metrics = free_port()
        up = Up(tmp_path, "--metrics-port", str(metrics), **variables)
        try:
            up.wait_until_ready()
            jobs = len(controller.world.truth().jobs)
            wait_for(lambda: _count(url, "SELECT count(*) FROM clusters_job") == jobs, 60)
            wait_for(lambda: _count(url, "SELECT count(*) FROM dagster.runs WHERE status = 'SUCCESS'") > 0, 60)
            with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=30) as answer:
                assert 'aap_pipeline_last_sync_failed{cluster="berlin"} 0' in answer.read().decode()
            assert _count(url, "SELECT sum(runs)::bigint FROM marts.savings_daily") > 0
            up.process.send_signal(signal.SIGTERM)
            assert up.process.wait(timeout=30) == 0
            assert up.processes() == []
            assert "".join(up.output).count("postgres-password") == 0
            assert not (up.home / "postgres").exists()
            others = "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"
            wait_for(lambda: _count(url, others) == 0)
        finally:
            for left in up.processes():
                left.kill()
            up.process.communicate()


@contextmanager
def owned_database(postgres: PostgresServer, owner: str) -> Iterator[str]:
    """URL of an empty database for the block, and of the role that owns it and is nothing more."""
    password = "postgres-password"
    postgres.execute(f"CREATE ROLE {owner} LOGIN PASSWORD '{password}'")
    postgres.execute(f"CREATE DATABASE {owner} OWNER {owner} ENCODING 'UTF8' TEMPLATE template0")
    there = urlsplit(postgres.url(owner))
    yield urlunsplit(there._replace(netloc=f"{owner}:{password}@{there.netloc.rpartition('@')[2]}"))
    postgres.execute(f"DROP DATABASE {owner} WITH (FORCE)")
    postgres.execute(f"DROP ROLE {owner}")


def _count(url: str, query: LiteralString) -> int:
    with connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0] or 0)


def _environment(up: Up) -> dict[str, str]:
    return dict(psutil.Process(up.process.pid).environ())
