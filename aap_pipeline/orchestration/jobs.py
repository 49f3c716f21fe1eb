"""The jobs of a cluster's partition. The main one runs raw, core and marts in one process."""

import dagster as dg

LOCATION = "aap_pipeline"
"""Name of the code location, as in pyproject.toml, under which Dagster stores runs and ticks."""

LOCATION_TAG = "dagster/code_location"
"""Tag in which Dagster's web server and daemon store the location of a run's job."""

PARTITION_TAG = "dagster/partition"
"""Tag with the partition key of a run. `dagster.yaml` limits each cluster to one run at a time."""

REASON_TAG = "why"
"""Tag with the reason of a run. Name and value have at most 30 characters, which is what the Runs page shows."""

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""Statuses of a queued or running run."""

NIGHTLY_CHECKS = dg.AssetSelection.checks(
    dg.AssetCheckKey(dg.AssetKey(["marts", "savings_daily"]), "marts_equal_core"),
)
"""Checks that read the whole history, which syncs leave out."""

update_cluster = dg.define_asset_job(
    name="update_cluster",
    selection=dg.AssetSelection.groups("raw", "core", "marts") - NIGHTLY_CHECKS,
    description="Copies the new jobs of a cluster's controller and updates its jobs, host summaries and savings. With "
    "since and until: backfills that window.",
)

catch_up = dg.define_asset_job(
    name="catch_up",
    selection=dg.AssetSelection.groups("core", "marts") - NIGHTLY_CHECKS,
    description="Processes raw rows that an interrupted run left behind, and updates a cluster's savings after changes "
    "of rates, minutes or settings. Sends no request to the controller.",
)

nightly = dg.define_asset_job(
    name="nightly",
    selection=dg.AssetSelection.groups("upkeep") | NIGHTLY_CHECKS,
    description="Compares each of the last initial_sync_days with the controller's count, fetches missing jobs and "
    "late host summaries, and compares the marts with core.",
)
