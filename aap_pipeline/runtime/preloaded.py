"""Imported once by the fork server of the daemon's runs, instead of by each run."""

import gc

import dagster._cli.api

from aap_pipeline.definitions import defs
from aap_pipeline.runtime.forks import import_for_runs

__all__ = ["dagster", "defs"]

for _job in defs.get_repository_def().get_all_jobs():
    _job.get_job_snapshot_id()

gc.collect()
import_for_runs()
