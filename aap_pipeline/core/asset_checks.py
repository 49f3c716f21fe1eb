"""Asset checks of stage core, in each sync that brings something."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from dagster import AssetCheckExecutionContext, AssetCheckResult, multi_asset_check

from aap_pipeline.clusters.partitions import cluster_step
from aap_pipeline.core import checks
from aap_pipeline.orchestration.checks import Check, result, specs
from aap_pipeline.orchestration.resources import Warehouse

ASSET: Final = ("core", "jobs")

HOST_TOTALS = Check(
    "host_totals_agree",
    "The host totals of new jobs, and of a rotating sample of all others, equal their host summaries.",
    "Rows of clusters_job or clusters_jobhostsummary were changed by hand. The cluster's savings are not refreshed "
    "until this is repaired. Run `aap-pipeline reconcile --cluster NAME`, which reads these jobs again or, if the "
    "controller has deleted them, recounts their stored host summaries. Then run `aap-pipeline sync --cluster NAME`.",
    blocking=True,
)
UNPARSED = Check(
    "nothing_unparsed",
    "No raw row has been unparsed for more than an hour.",
    "Run `aap-pipeline sync --cluster NAME`, which parses them or prints the error. No data is lost meanwhile.",
)
REJECTED = Check(
    "nothing_rejected",
    "No record was quarantined in the last day.",
    "To list the records with their reasons, run `aap-pipeline rejected list --cluster NAME`; to process them again, "
    "for example after an upgrade, `aap-pipeline rejected replay`. All other records were stored.",
)
CLOCKS = Check(
    "clock_ran_backwards",
    "Counts the jobs of the last day that, by the controller's clocks, finished before they started. They are stored "
    "with a run time of 0. If there are many, synchronize the clocks of the controller's nodes by NTP.",
    "This check never fails.",
)


@multi_asset_check(name="core_checks", specs=specs(ASSET, [HOST_TOTALS, UNPARSED, REJECTED, CLOCKS]))
def core_checks(context: AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[AssetCheckResult]:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with cluster_step(context, warehouse) as (connection, cluster):
        found = {
            UNPARSED: checks.nothing_unparsed(connection, cluster.id),
            REJECTED: checks.nothing_rejected(connection, cluster.id, yesterday),
            CLOCKS: checks.clock_ran_backwards(connection, cluster.id, yesterday),
            HOST_TOTALS: checks.host_totals_agree(*checks.host_totals(connection, cluster.id, audit=2_000)),
        }
    for check, verdict in found.items():
        yield result(ASSET, check, verdict, cluster.name)
