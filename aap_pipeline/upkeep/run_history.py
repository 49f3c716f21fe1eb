"""Dagster's own memory of past runs, which it never clears by itself: events, check results, captured output.

A run leaves 0.2 MB in the schema `dagster` and ten small files, and thirty quiet controllers make 4,000 runs a day.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from aap_pipeline.database import options
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.orchestration.jobs import LOCATION, LOCATION_TAG, nightly

if TYPE_CHECKING:
    from dagster import DagsterInstance

KEEP_LONG_DAYS: Final = 30
"""For what is rare and looked back at: failed runs, and the nightly ones, whose figures make a chart of a month."""
BATCH_RUNS: Final = 500
MOST_SECONDS: Final = 900.0
"""An hour's share: upkeep is one at a time, and the archive of the night must not find it busy."""


def forget_runs(
    connection: Connection,
    instance: DagsterInstance,
    *,
    batch: int = BATCH_RUNS,
    monotonic: Callable[[], float] = time.monotonic,
) -> int:
    """Delete runs that ended more than `run_history_days` ago (failed and nightly ones: 30 days, if that is
    longer); how many.

    `connection` is to the warehouse. Where the instance keeps its storage elsewhere, nothing is deleted. Stops after
    the batch with which
    MOST_SECONDS have passed; the next call goes on from there, as it does when this one is killed at any instant. Other
    people's code locations are left alone.
    """
    enough = monotonic() + MOST_SECONDS
    if connection.execute("SELECT to_regclass('dagster.runs') IS NULL").fetchone() == (True,):
        return 0  # Dagster was told to keep its memory elsewhere
    days = options.get(connection, options.RUN_HISTORY_DAYS)
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
