"""The main job: it takes the partition of one cluster through raw, core and marts, in one process."""

from dagster import AssetSelection, DagsterRunStatus, define_asset_job, in_process_executor

PARTITION_TAG = "dagster/partition"
"""Dagster tags every run of a partition with its key; `dagster.yaml` lets only one run of a cluster go at a time."""

REASON_TAG = "aap_pipeline/reason"
"""Why a sensor started a run, in a sentence."""

UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
"""Statuses of a run that waits or is under way."""

update_cluster = define_asset_job(
    name="update_cluster",
    selection=AssetSelection.groups("raw", "core", "marts"),
    # A process for each step would add 1.2 s to each of them.
    executor_def=in_process_executor,
    description="Copies what is new at a cluster's controller and brings its jobs, host summaries and savings up to "
    "date. Without configuration: what is new. With since and until: a backfill of that window.",
)
