"""The Dagster definitions of the code location, merged from the stages."""

import warnings

import dagster as dg

from aap_pipeline.alerts import report_assets
from aap_pipeline.alerts.sensors import alerts_sensor, check_freshness
from aap_pipeline.alerts.token_sensor import tokens_sensor
from aap_pipeline.bi.lineage import EXTERNAL
from aap_pipeline.clusters.partitions import clusters_sensor
from aap_pipeline.core import asset_checks as core_checks
from aap_pipeline.core import assets as core_assets
from aap_pipeline.marts import asset_checks as marts_checks
from aap_pipeline.marts import assets as marts_assets
from aap_pipeline.orchestration.jobs import catch_up, nightly, update_cluster
from aap_pipeline.orchestration.resources import Warehouse, no_progress
from aap_pipeline.raw import asset_checks as raw_checks
from aap_pipeline.raw import assets as raw_assets
from aap_pipeline.raw.sensors import new_jobs_sensor
from aap_pipeline.upkeep import assets as upkeep_assets
from aap_pipeline.upkeep import schedules as upkeep
from aap_pipeline.upkeep.sensors import left_behind_sensor

with warnings.catch_warnings():
    warnings.simplefilter("ignore", dg.BetaWarning)
    _assets = dg.with_source_code_references(
        dg.load_assets_from_modules(
            [raw_assets, core_assets, marts_assets, upkeep_assets, report_assets], include_specs=True
        )
    )

defs = dg.Definitions(
    assets=[*_assets, *EXTERNAL],
    asset_checks=dg.load_asset_checks_from_modules([raw_checks, core_checks, marts_checks]),
    jobs=[update_cluster, catch_up, nightly, upkeep.tidy_job, check_freshness, report_assets.saved_report_job],
    schedules=[upkeep.tidy_schedule, upkeep.nightly_schedule, report_assets.overview_schedule],
    sensors=[
        clusters_sensor,
        new_jobs_sensor,
        left_behind_sensor,
        alerts_sensor,
        tokens_sensor,
        report_assets.saved_reports_sensor,
    ],
    # For every job, including runs started on an asset's page: one process per step would add 1.2 s to each step.
    executor=dg.in_process_executor,
    resources={"warehouse": Warehouse(), "progress": no_progress},
)
