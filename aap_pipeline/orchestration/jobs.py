"""The jobs over a cluster's partition. The main one takes it through raw, core and marts, in one process."""

from dagster import (
    AssetCheckKey,
    AssetKey,
    AssetSelection,
    DagsterRunStatus,
    define_asset_job,
)

LOCATION = "aap_pipeline"
"""Name of the code location, as in pyproject.toml; Dagster stores runs and sensor ticks under it."""

LOCATION_TAG = "dagster/code_location"
"""Dagster tags every run that its web server or daemon makes with the location of its job."""

PARTITION_TAG = "dagster/partition"
"""Dagster tags every run of a partition with its key; `dagster.yaml` lets only one run of a cluster go at a time."""

REASON_TAG = "why"
"""Why a sensor or schedule started a run. Name and value have 30 characters at most: Runs cuts off what is longer."""

UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
"""Statuses of a run that waits or is under way."""

NIGHTLY_CHECKS = AssetSelection.checks(
    AssetCheckKey(AssetKey(["core", "jobs"]), "none_provisional"),
    AssetCheckKey(AssetKey(["core", "jobs"]), "host_totals_audited"),
    AssetCheckKey(AssetKey(["marts", "savings_daily"]), "marts_equal_core"),
)
"""Checks that read the whole history: no part of a sync."""

update_cluster = define_asset_job(
    name="update_cluster",
    selection=AssetSelection.groups("raw", "core", "marts") - NIGHTLY_CHECKS,
    description="Copies what is new at a cluster's controller and brings its jobs, host summaries and savings up to "
    "date. Without configuration: what is new. With since and until: a backfill of that window.",
)

parse_raw = define_asset_job(
    name="parse_raw",
    selection=AssetSelection.groups("core", "marts") - NIGHTLY_CHECKS,
    description="Takes raw rows that an interrupted run left behind through core and marts. Asks no controller.",
)

refresh_marts = define_asset_job(
    name="refresh_marts",
    selection=AssetSelection.groups("marts") - NIGHTLY_CHECKS,
    description="Brings a cluster's savings up to date after rates, minutes or settings changed. Asks no controller.",
)

nightly = define_asset_job(
    name="nightly",
    selection=AssetSelection.groups("upkeep") | NIGHTLY_CHECKS,
    description="Holds a cluster's whole history against its controller and the marts against core. Jobs that are "
    "missing here are fetched.",
)

CLUSTER_JOBS = (update_cluster, parse_raw, refresh_marts, nightly)
"""Every job whose runs are of one cluster."""
