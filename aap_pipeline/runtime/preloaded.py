"""Imported once by the fork server of the daemon's runs, instead of by each run."""

import gc

import dagster._cli.api

from aap_pipeline.definitions import defs
from aap_pipeline.runtime.forks import import_for_runs

__all__ = ["dagster", "defs"]

# Dagster keeps each job's snapshot on the job, so forked runs need not compute it.
for _job in defs.get_repository_def().get_all_jobs():
    _job.get_job_snapshot_id()

gc.collect()  # before `import_for_runs` freezes what is left
import_for_runs()
