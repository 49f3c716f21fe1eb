"""What the code location offers: merged from the stages, nothing else."""

from dagster import Definitions, load_assets_from_modules

from aap_pipeline.clusters.sensor import clusters_sensor
from aap_pipeline.core import assets as core_assets
from aap_pipeline.jobs import update_cluster
from aap_pipeline.marts import assets as marts_assets
from aap_pipeline.raw import assets as raw_assets
from aap_pipeline.raw.sensors import new_jobs_sensor
from aap_pipeline.resources import SilentProgress, Warehouse

defs = Definitions(
    assets=load_assets_from_modules([raw_assets, core_assets, marts_assets]),
    jobs=[update_cluster],
    sensors=[clusters_sensor, new_jobs_sensor],
    resources={"warehouse": Warehouse(), "progress": SilentProgress()},
)
