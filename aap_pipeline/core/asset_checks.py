"""Asset checks of stage core: in each sync what is new, at night what takes long."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from dagster import AssetCheckExecutionContext, AssetCheckResult, multi_asset_check

from aap_pipeline.clusters.registry import cluster_named
from aap_pipeline.core import checks, verdicts
from aap_pipeline.database import options
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.orchestration.checks import Check, result, specs
from aap_pipeline.orchestration.failures import failing_clearly
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.run_liveness import note_process

ASSET: Final = ("core", "jobs")
_DAY: Final = timedelta(days=1)
_AUDIT_A_SYNC: Final = 500
_AUDIT_A_NIGHT: Final = 200_000

_TOTALS_REMEDY = (
    "Savings of this cluster stay as they were until it is mended. Somebody changed clusters_job or "
    'clusters_jobhostsummary by hand. Have the named jobs read again: `aap-pipeline sql --write "UPDATE clusters_job '
    'SET fingerprint = NULL WHERE external_id IN (…)"`, then `aap-pipeline sync --cluster NAME --since DAY`, the '
    "oldest one's. Delete one only if its controller has it no longer: then nothing brings it back."
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
    "Look at this cluster's last failed run: its message says why parsing stopped. Nothing is lost meanwhile.",
)
REJECTED = Check(
    "nothing_rejected",
    "No record went to quarantine in the last day.",
    "`aap-pipeline rejected list` shows them with their reasons, `aap-pipeline rejected replay` tries them again, for "
    "example after an upgrade. All other records went through.",
)
WITHOUT_HOSTS = Check(
    "jobs_without_hosts",
    "Counts the jobs that ended before their first host: kept, and left out of savings as the specification says.",
    "It never fails.",
)
PROVISIONAL = Check(
    "none_provisional",
    "No job of any age is still provisional past its deadline.",
    "Sync the time around these jobs again with `aap-pipeline sync --since … --until …`; report it if they stay.",
)
TOTALS_AUDITED = Check(
    "host_totals_audited",
    "The host statistics of 200,000 jobs a night equal their host summaries, going round all of them.",
    _TOTALS_REMEDY,
)


@multi_asset_check(name="core_checks", specs=specs(ASSET, [HOST_TOTALS, UNPARSED, REJECTED, WITHOUT_HOSTS], CLUSTERS))
def core_checks(context: AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[AssetCheckResult]:
    """What is cheap enough for every sync."""
    note_process(context)
    yesterday = datetime.now(UTC) - _DAY
    with failing_clearly(), warehouse.connection() as connection:
        cluster = cluster_named(connection, context.partition_key)
        unparsed = verdicts.nothing_unparsed(checks.unparsed(connection, cluster.id))
        rejected = verdicts.nothing_rejected(
            checks.rejected_since(connection, yesterday, cluster.id),
            checks.rejected_since(connection, None, cluster.id),
        )
        without = verdicts.jobs_without_hosts(checks.without_hosts(connection, cluster.id, yesterday))
        totals = verified_totals(connection, cluster.id, _AUDIT_A_SYNC)
    yield result(ASSET, UNPARSED, unparsed)
    yield result(ASSET, REJECTED, rejected)
    yield result(ASSET, WITHOUT_HOSTS, without)
    yield result(ASSET, HOST_TOTALS, verdicts.host_totals_agree(totals))


@multi_asset_check(name="core_audit", specs=specs(ASSET, [PROVISIONAL, TOTALS_AUDITED], CLUSTERS))
def core_audit(context: AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[AssetCheckResult]:
    """What reads much of core."""
    note_process(context)
    with failing_clearly(), warehouse.connection() as connection:
        cluster = cluster_named(connection, context.partition_key)
        deadline = options.get(connection, options.SUMMARIES_DEADLINE_MINUTES) + 60
        values = {"cluster_id": cluster.id, "minutes": deadline}
        stuck = [row[0] for row in connection.execute(statement("core/provisional_jobs"), values)]
        totals = verified_totals(connection, cluster.id, _AUDIT_A_NIGHT)
    yield result(ASSET, PROVISIONAL, verdicts.none_provisional(stuck))
    yield result(ASSET, TOTALS_AUDITED, verdicts.host_totals_agree(totals))


def verified_totals(connection: Connection, cluster_id: int, audit: int) -> checks.HostTotals:
    """The check of host totals; its progress counts only if all agree, so that a fault is found until it is mended."""
    connection.commit()
    found = checks.host_totals(connection, cluster_id, audit)
    if found.disagreeing:
        connection.rollback()
    else:
        connection.commit()
    return found
