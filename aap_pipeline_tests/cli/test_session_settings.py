"""A role, or a database, that sets what a session would otherwise have."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import new_key
from aap_pipeline_tests.cli.conftest import Cli
from aap_pipeline_tests.cli.test_sync import at, register
from aap_pipeline_tests.servers import PostgresServer
from aap_pipeline_tests.site import small_world
from aap_simulator.server import SimulatorServer

_FORMATS = {
    "timezone": "Pacific/Kiritimati",
    "datestyle": "SQL, DMY",
    "intervalstyle": "iso_8601",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "plan_cache_mode": "force_custom_plan",
    "enable_hashjoin": "off",
}
_HOSTILE = {
    **_FORMATS,
    "client_encoding": "LATIN1",
    "search_path": "elsewhere",
    "standard_conforming_strings": "off",
    "row_security": "off",
    "statement_timeout": "500",
    "lock_timeout": "500",
    "idle_in_transaction_session_timeout": "500",
    "idle_session_timeout": "1",
    "exit_on_error": "on",
    "jit_above_cost": "0",
}
_TIMES = "SELECT array_agg(finished ORDER BY id), avg(elapsed) FROM clusters_job"
_RELIED_ON = _HOSTILE.keys() - {"plan_cache_mode", "enable_hashjoin", "jit_above_cost"}


def _set(postgres: PostgresServer, role: str, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        value = value if name == "search_path" else f"'{value}'"
        postgres.execute(f"ALTER ROLE {role} SET {name} = {value}")


def test_a_sync_and_its_report_do_not_depend_on_the_settings_of_the_role(
    run: Cli, postgres: PostgresServer, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against times in another zone, days and months exchanged, a table of another schema, a statement that is
    ended after a millisecond, and Dagster's own tables that may not be written."""
    assert template  # whose migration made the role bi_reader, as an administrator does
    key = new_key()
    monkeypatch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", key)
    found: list[Any] = []
    with SimulatorServer(small_world()) as server:
        for name, settings in (("plain_owner", {}), ("hostile_owner", _HOSTILE)):
            with postgres.database() as administrator, postgres.role(name, administrator) as url:
                postgres.execute(f"ALTER DATABASE {administrator.rpartition('/')[2]} OWNER TO {name}")
                with psycopg.connect(administrator, autocommit=True) as connection:
                    if settings and connection.info.server_version >= 170000:
                        settings = {**settings, "transaction_timeout": "500"}
                    connection.execute(f"CREATE SCHEMA {name} AUTHORIZATION {name}".encode())
                    connection.execute(f"CREATE TABLE {name}.clusters_job (id integer)".encode())
                _set(postgres, name, settings)
                monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", url)
                migrated = run("migrate")
                assert migrated.status == 0, migrated.err
                register(url, key, "prod", at(server), server.token.access_token)
                synced = run("sync")
                assert synced.status == 0, synced
                reports = json.loads(run("report", "--json").out)
                del reports["made_at"], reports["freshness"][0]["last_sync"]
                assert run("status").status == 0
                assert run("doctor").status == 0
                with connect(url) as connection:
                    shown = [connection.execute(f"SHOW {each}".encode()).fetchone() for each in sorted(_RELIED_ON)]
                    found.append((reports, shown, connection.execute(_TIMES).fetchone()))
                    [created] = connection.execute("SELECT max(create_timestamp) FROM dagster.runs").fetchone() or ()
                assert abs((created.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()) < 600
    assert found[0] == found[1]


def test_what_a_reader_reads_does_not_depend_on_its_session(
    run: Cli, postgres: PostgresServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a day, a sum or a name in the marts that is another one in a BI tool's own time zone or format."""
    key = new_key()
    monkeypatch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", key)
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", database_url)
    with SimulatorServer(small_world()) as server:
        register(database_url, key, "prod", at(server), server.token.access_token)
        assert run("sync").status == 0
    found = []
    for name, settings in (("plain_reader", {}), ("hostile_reader", {**_FORMATS, "datestyle": "ISO, DMY"})):
        with postgres.role(name, database_url) as url:
            postgres.execute(f"GRANT bi_reader TO {name}")
            _set(postgres, name, settings)
            with psycopg.connect(url) as reader:
                found.append({query: sorted(reader.execute(query.encode()), key=str) for query in _QUERIES})
    assert found[0] == found[1]
    assert all(found[0].values())


_QUERIES = (
    *(
        f"SELECT * FROM marts.{name}"
        for name in ("savings_daily", "savings_monthly", "launches", "fct_job_run", "kpi_daily", "dim_date")
    ),
    "SELECT * FROM marts.totals('2020-01-01', '2040-01-01')",
    "SELECT * FROM marts.savings_by_template('2020-01-01', '2040-01-01')",
    "SELECT cluster_id, last_sync, newest_job FROM marts.freshness",
)


def test_options_of_the_url_do_not_get_in_the_way(run: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a URL made for another program."""
    hostile = "%20".join(f"-c%20{name}%3D{value.replace(', ', ',')}" for name, value in _HOSTILE.items())
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", f"{database_url}?options={hostile}")
    assert run("settings", "set", "token_warning_days", "21").status == 0
    assert run("sql", "SELECT * FROM clusters_cluster").status == 0
