"""Imported once by the server process that runs are forked from: everything that each of them would else do first."""

import gc

import dagster._cli.api

import aap_pipeline.dagster_storage
from aap_pipeline.definitions import defs

__all__ = ["aap_pipeline", "dagster", "defs"]

for _job in defs.get_repository_def().get_all_jobs():
    _job.get_job_snapshot_id()

gc.collect()
gc.freeze()  # the collector leaves these objects alone, so that their memory stays shared
