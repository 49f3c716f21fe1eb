"""Imported once by the server process that runs are forked from: everything that each of them would else do first."""

import gc
from contextlib import suppress
from importlib import import_module

import dagster._cli.api

import aap_pipeline.runtime.storage
from aap_pipeline.definitions import defs

__all__ = ["aap_pipeline", "dagster", "defs"]

IMPORTED_LATE = (
    "dagster._core.execution.plan.active",
    "dagster._core.executor.in_process",
    "dagster._core.instance.factory",
    "dagster._core.instance.runs.run_domain",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.root",
    "dagster._core.system_config.composite_descent",
    "psycopg2.extras",
    "upath.implementations.local",
)
"""What Dagster imports only once it has an instance or a run: a tenth of a second of a core for each run."""

for _name in IMPORTED_LATE:
    with suppress(ModuleNotFoundError):  # of another release of Dagster: then each run imports what it has instead
        import_module(_name)

for _job in defs.get_repository_def().get_all_jobs():
    _job.get_job_snapshot_id()

gc.collect()
gc.freeze()  # the collector leaves these objects alone, so that their memory stays shared
