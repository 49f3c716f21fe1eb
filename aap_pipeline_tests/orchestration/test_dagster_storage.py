"""Dagster's storage as `dagster.yaml` configures it."""

from __future__ import annotations

from pathlib import Path

from dagster import DagsterInstance, RunsFilter
from pydantic import SecretStr

from aap_pipeline.dagster_instance import dagster_instance
from aap_pipeline.settings import Settings
from aap_pipeline.warehouse.connection import connect

_OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def test_a_process_keeps_few_connections_and_survives_their_end(database_url: str, tmp_path: Path) -> None:
    """Guards against a login for each statement, and against a daemon that a restarted server leaves with dead ones."""
    settings = Settings(home=tmp_path, database_url=SecretStr(database_url))
    with dagster_instance(settings, database_url) as first, DagsterInstance.get() as second:
        pids = set()
        with connect(database_url, autocommit=True) as connection:
            for instance in (first, second) * 5:
                assert instance.get_runs_count(RunsFilter(job_name="none")) == 0
                assert instance.all_instigator_state() == []
                pids |= {row[0] for row in connection.execute(f"SELECT pid {_OTHERS}".encode())}
            assert len(pids) == 1
            connection.execute(f"SELECT pg_terminate_backend(pid) {_OTHERS}".encode())
        assert first.get_runs_count() == 0
        assert second.all_instigator_state() == []
