"""Asset checks of stage core: in each sync what is new, at night what takes long."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from dagster import AssetCheckExecutionContext, AssetCheckResult, multi_asset_check

from aap_pipeline.clusters.steps import cluster_step
from aap_pipeline.core import checks, verdicts
from aap_pipeline.orchestration.checks import Check, result, specs
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse

ASSET: Final = ("core", "jobs")
_DAY: Final = timedelta(days=1)
_AUDIT_A_SYNC: Final = 500

_TOTALS_REMEDY = (
    "The cluster's savings stay as they were until this is mended: something changed clusters_job or "
    "clusters_jobhostsummary by hand. Run `aap-pipeline reconcile --cluster NAME`, which reads such jobs again, and "
    "counts the hosts of those that the controller no longer has from their host summaries here; then "
    "`aap-pipeline sync --cluster NAME`."
)
HOST_TOTALS = Check(
    "host_totals_agree",
    "The host statistics of new jobs, and of a sample that goes round all others, equal their host summaries.",
    _TOTALS_REMEDY,
    blocking=True,
)
UNPARSED = Check(
    "nothing_unparsed",
    "No raw row waits for more than an hour.",
    "Run `aap-pipeline sync --cluster NAME`, which parses them or prints what stops it. Nothing is lost meanwhile.",
)
REJECTED = Check(
    "nothing_rejected",
    "No record went to quarantine in the last day.",
    "`aap-pipeline rejected list --cluster NAME` shows them with their reasons, `aap-pipeline rejected replay` tries "
    "them again, for example after an upgrade. All other records went through.",
)
WITHOUT_HOSTS = Check(
    "jobs_without_hosts",
    "Counts the jobs that ended before their first host: kept, and left out of savings as the specification says.",
    "It never fails.",
)
CLOCKS = Check(
    "clock_ran_backwards",
    "Counts the jobs of the last day of which the controller reported a finish before the start: kept, with a run time "
    "of 0. If they are many, let NTP set the clocks of the controller's nodes.",
    "It never fails.",
)
PROVISIONAL = Check(
    "none_provisional",
    "No job of any age is still provisional past its deadline.",
    "Run `aap-pipeline reconcile --cluster NAME`, which reads these jobs again; report it if they stay provisional.",
)
TOTALS_AUDITED = Check(
    "host_totals_audited",
    "The host statistics of 200,000 jobs a night equal their host summaries, going round all of them.",
    _TOTALS_REMEDY,
)


@multi_asset_check(
    name="core_checks", specs=specs(ASSET, [HOST_TOTALS, UNPARSED, REJECTED, WITHOUT_HOSTS, CLOCKS], CLUSTERS)
)
def core_checks(context: AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[AssetCheckResult]:
    """What is cheap enough for every sync."""
    yesterday = datetime.now(UTC) - _DAY
    with cluster_step(context, warehouse) as (connection, cluster):
        unparsed = verdicts.nothing_unparsed(checks.unparsed(connection, cluster.id))
        rejected = verdicts.nothing_rejected(
            checks.rejected_since(connection, yesterday, cluster.id),
            checks.rejected_since(connection, None, cluster.id),
        )
        without = verdicts.jobs_without_hosts(checks.without_hosts(connection, cluster.id, yesterday))
        backwards = verdicts.clock_ran_backwards(checks.clocks(connection, cluster.id, yesterday))
        totals = checks.verified_totals(connection, cluster.id, _AUDIT_A_SYNC)
    yield result(ASSET, UNPARSED, unparsed, cluster.name)
    yield result(ASSET, REJECTED, rejected, cluster.name)
    yield result(ASSET, WITHOUT_HOSTS, without, cluster.name)
    yield result(ASSET, CLOCKS, backwards, cluster.name)
    yield result(ASSET, HOST_TOTALS, verdicts.host_totals_agree(totals), cluster.name)


@multi_asset_check(name="core_audit", specs=specs(ASSET, [PROVISIONAL, TOTALS_AUDITED], CLUSTERS))
def core_audit(context: AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[AssetCheckResult]:
    """What reads much of core."""
    with cluster_step(context, warehouse) as (connection, cluster):
        stuck = checks.provisional(connection, cluster.id)
        totals = checks.verified_totals(connection, cluster.id, checks.AUDIT_A_NIGHT)
    yield result(ASSET, PROVISIONAL, verdicts.none_provisional(stuck), cluster.name)
    yield result(ASSET, TOTALS_AUDITED, verdicts.host_totals_agree(totals), cluster.name)
