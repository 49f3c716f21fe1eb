"""Delete old runs from Dagster's storage, which it never does itself: events, check results, captured output.

A run leaves 0.2 MB in the schema `dagster` and ten small files; thirty quiet controllers cause 4,000 runs per day.
"""

import time
from collections.abc import Callable
from typing import Final

from dagster import DagsterInstance

from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.orchestration.jobs import LOCATION, LOCATION_TAG, nightly

KEEP_LONG_DAYS: Final = 30
"""Minimum for failed runs, and for nightly ones, whose figures form a chart of a month."""
BATCH_RUNS: Final = 500
MOST_SECONDS: Final = 900.0
"""Limit per hourly run, because upkeep runs one at a time and must not delay the nightly archive."""


def forget_runs(
    connection: Connection,
    instance: DagsterInstance,
    *,
    batch: int = BATCH_RUNS,
    monotonic: Callable[[], float] = time.monotonic,
) -> int:
    """Delete runs that ended more than `run_history_days` ago (failed and nightly ones: at least 30 days).

    `connection` is to the warehouse. Nothing is deleted if the instance keeps its storage elsewhere. Stops after the
    batch in which MOST_SECONDS pass; the next call continues. Runs of other code locations stay. Returns the number of
    deleted runs.
    """
    enough = monotonic() + MOST_SECONDS
    if connection.execute("SELECT to_regclass('dagster.runs') IS NULL").fetchone() == (True,):
        return 0  # Dagster's storage is elsewhere
    days = application_settings.read(connection).run_history_days
    values: dict[str, int | str] = {
        "after": 0,
        "days": days,
        "long_days": max(days, KEEP_LONG_DAYS),
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
        if len(found) < batch or monotonic() >= enough:
            return forgotten
        values["after"] = found[-1][0]
