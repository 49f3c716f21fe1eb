"""Clean up raw rows, archived documents, the log of syncs and incidents, and Dagster's runs; update planner statistics.

Dagster never deletes a run itself. One leaves 0.2 MB in the schema `dagster` and ten small files, and thirty quiet
controllers cause 4,000 runs per day.
"""

from typing import LiteralString

from dagster import DagsterInstance
from psycopg import sql

from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.locks import LockKind
from aap_pipeline.database.statements import statement
from aap_pipeline.orchestration.jobs import LOCATION, LOCATION_TAG, nightly


def clean_up(connection: Connection) -> dict[str, int]:
    """Delete old rows, mark syncs whose process is gone as interrupted, and return {kind: rows}.

    Each step is one transaction.
    """
    retention = application_settings.read(connection).raw_retention_days
    connection.commit()
    steps: dict[str, tuple[LiteralString, dict[str, int]]] = {
        "raw_rows": ("core/clean_up_raw", {}),
        "interrupted_syncs": ("upkeep/interrupt_syncs", {"kind": LockKind.SYNC.value}),
        "archived_documents": ("core/clean_up_archive", {"days": retention}),
        "old_syncs": ("upkeep/clean_up_runs", {"days": 90}),
        "old_alerts": ("upkeep/clean_up_alerts", {"days": 365}),
    }
    done = {}
    for what, (name, values) in steps.items():
        with connection.transaction():
            done[what] = connection.execute(statement(name), values).rowcount
    return done


def forget_runs(connection: Connection, instance: DagsterInstance, *, batch: int = 500) -> int:
    """Delete runs that ended more than `run_history_days` ago (failed and nightly ones: at least 30 days).

    Runs of other code locations stay, and so does the newest successful run per job and cluster. `connection` is to the
    warehouse. Nothing is deleted if the instance keeps its storage elsewhere. Returns the number of deleted runs.
    """
    if connection.execute("SELECT to_regclass('dagster.runs') IS NULL").fetchone() == (True,):
        return 0  # Dagster's storage is elsewhere
    days = application_settings.read(connection).run_history_days
    values: dict[str, int | str] = {
        "after": 0,
        "days": days,
        "long_days": max(days, 30),  # the UI plots the figures of nightly runs for a month
        "nightly": nightly.name,
        "location_tag": LOCATION_TAG,
        "location": LOCATION,
        "most": batch,
    }
    forgotten = 0
    while True:
        found = connection.execute(statement("upkeep/runs_to_forget"), values).fetchall()
        runs = [run for _, run in found if instance.has_run(run)]  # `sync` may have left others for another Dagster
        connection.execute(statement("upkeep/forget_check_results"), {"runs": runs})
        connection.commit()
        for run in runs:
            instance.compute_log_manager.delete_logs(prefix=[run])
            instance.delete_run(run)
        forgotten += len(runs)
        if len(found) < batch:
            return forgotten
        values["after"] = found[-1][0]


def analyze(connection: Connection) -> list[str]:
    """Analyze the tables with stale statistics, and return their names."""
    tables = connection.execute(statement("upkeep/tables_to_analyze")).fetchall()
    connection.commit()
    for schema, table in tables:
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(schema, table)))
        connection.commit()  # per table, to release its lock at once
    return [f"{schema}.{table}" for schema, table in tables]
