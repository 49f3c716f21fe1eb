"""What docs/operations.md tells an administrator to run works as written: roles, backup, restore, Dagster beside."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from aap_pipeline.alerts.incidents import IncidentKind
from aap_pipeline.database.connection import connect
from aap_pipeline.database.migrate import migrate, schema_state
from aap_pipeline.definitions import defs
from aap_pipeline.embedded.server import EmbeddedServer, binaries
from aap_pipeline.marts.refresh import refresh
from aap_pipeline.runtime.instance import dagster_instance
from aap_pipeline.settings import Settings

_DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"


def test_every_check_and_every_alert_has_its_line_in_the_document() -> None:
    """Guards against a night shift that looks up what woke it, and finds nothing."""
    lines = [line for line in _DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    first = [line.split("|")[1] for line in lines]
    checks = {spec.name for each in defs.resolve_asset_graph().assets_defs for spec in each.check_specs}
    assert {name for name in checks if not any(name in cell for cell in first)} == set()
    kinds = {kind.replace("_", " ") for kind in get_args(IncidentKind)}
    assert {kind for kind in kinds if not any(kind == cell.strip() for cell in first)} == set()


def _block(name: str) -> str:
    found = re.search(rf"<!-- tested: {name} -->\n```\w+\n(.*?)```", _DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, name
    return found.group(1)


def _url(base: str, user: str, password: str, database: str) -> str:
    server = urlsplit(base).netloc.rpartition("@")[2]
    return urlunsplit(urlsplit(base)._replace(netloc=f"{user}:{password}@{server}", path=f"/{database}"))


@pytest.fixture
def server_of_its_own(starts_server: None, tmp_path: Path) -> Iterator[str]:
    """URL of a server for the test alone: roles belong to a server, not to a database."""
    server = EmbeddedServer(tmp_path / "server", {"fsync": "off"})
    yield server.start()
    server.stop()


def test_the_pipeline_needs_no_superuser_and_a_reader_sees_only_the_marts(
    server_of_its_own: str, tmp_path: Path
) -> None:
    """Guards against migrations that only a superuser can run, and against BI tools that can read tokens."""
    with psycopg.connect(_maintenance(server_of_its_own), autocommit=True) as administrator:
        for block in ("roles", "reader"):
            # The embedded server's superuser has the name that the document gives to the owner.
            text = re.sub(r"\baap_pipeline\b", "aap_pipeline_owner", _block(block))
            for command in re.sub("choose-one|choose-another", "secret", text).split(";"):
                if command.strip():
                    administrator.execute(command.encode())
    pipeline = _url(server_of_its_own, "aap_pipeline_owner", "secret", "aap_warehouse")
    migrate(pipeline)
    with dagster_instance(Settings(home=tmp_path / "home"), pipeline) as instance:
        assert instance.get_runs_count() == 0
    with connect(pipeline) as connection:
        assert connection.execute("SELECT to_regclass('dagster.runs')::text").fetchone() == ("dagster.runs",)
    with connect(_url(server_of_its_own, "powerbi", "secret", "aap_warehouse"), autocommit=True) as reader:
        reader.execute("SELECT * FROM marts.totals('2026-01-01', '2026-12-31')")
        for table in ("clusters_cluster", "clusters_clustersyncdata", "pipeline.sync_run", "dagster.runs"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(sql.SQL("SELECT * FROM {}").format(sql.SQL(table)))


def test_a_backup_restored_is_the_same_and_still_works(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    """Guards against a dump that cannot be restored, and a restored database that no longer cascades or migrates,
    or whose readers see nothing, or too much."""
    with connect(database_url) as connection:
        connection.execute(
            """
            INSERT INTO clusters_cluster (protocol, address, port, access_token) VALUES ('https', 'a', 443, '\\x01');
            INSERT INTO clusters_host (cluster_id, external_id, name) VALUES (1, 1, 'h');
            INSERT INTO clusters_job (cluster_id, external_id, name, status, started, finished, num_hosts)
                VALUES (1, 1, 'j', 'successful', '2026-01-01', '2026-01-01', 1);
            INSERT INTO clusters_jobhostsummary (job_id, host_id, created, modified) VALUES (1, 1, now(), now());
            INSERT INTO pipeline.changed_day (cluster_id) VALUES (1);
            """
        )
        refresh(connection)
        major = connection.info.server_version // 10000
    debian = Path(f"/usr/lib/postgresql/{major}/bin")
    environment = {
        "PATH": f"{debian if debian.exists() else binaries()}{os.pathsep}{os.environ['PATH']}",
        "AAP_PIPELINE_DATABASE_URL": database_url,
        "NEW_DATABASE_URL": empty_database_url,
    }
    for block in ("backup", "restore"):
        done = subprocess.run(
            ["sh", "-ec", _block(block)], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert schema_state(empty_database_url).up_to_date
    with connect(empty_database_url) as connection:
        connection.execute("SET ROLE bi_reader")
        assert connection.execute("SELECT runs FROM marts.totals('2026-01-01', '2026-12-31')").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM clusters_cluster")
        connection.rollback()
        row = connection.execute(
            "SELECT j.name, c.name, c.access_token FROM clusters_job j JOIN clusters_cluster c ON c.id = j.cluster_id"
        ).fetchone()
        assert row == ("j", "a:443", b"\x01")
        connection.execute(
            "INSERT INTO clusters_cluster (protocol, address, port, access_token) VALUES ('https', 'b', 443, '\\x01')"
        )
        connection.execute("DELETE FROM clusters_cluster")
        connection.commit()
        assert connection.execute("SELECT count(*) FROM clusters_jobhostsummary").fetchone() == (0,)


def _maintenance(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path="/postgres"))
