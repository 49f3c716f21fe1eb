"""The assets of stage core: one step parses raw rows into all of them, in the same transactions."""

from collections.abc import Iterator

import dagster as dg

from aap_pipeline.clusters.partitions import cluster_step
from aap_pipeline.controller.probe import job_url
from aap_pipeline.core.batch import ParseResult
from aap_pipeline.core.parse import parse
from aap_pipeline.database.statements import statement
from aap_pipeline.orchestration.resources import Progress, Warehouse
from aap_pipeline.orchestration.table_metadata import specs_of_tables, table_figures
from aap_pipeline.reports.output import counted

_TABLES = {
    "jobs": "public.clusters_job",
    "job_host_summaries": "public.clusters_jobhostsummary",
    "organizations": "public.clusters_organization",
    "job_templates": "public.clusters_jobtemplate",
    "projects": "public.clusters_project",
    "inventories": "public.clusters_inventory",
    "execution_environments": "public.clusters_executionenvironment",
    "instance_groups": "public.clusters_instancegroup",
    "launchers": "public.clusters_aapuser",
    "hosts": "public.clusters_host",
    "labels": "public.clusters_label",
}
"""The table of each asset."""


@dg.multi_asset(
    name="core",
    specs=[
        spec.replace_attributes(skippable=True) for spec in specs_of_tables("core", _TABLES, [["raw", "sync_data"]])
    ],
)
def core(
    context: dg.AssetExecutionContext, warehouse: Warehouse, progress: dg.ResourceParam[Progress]
) -> Iterator[dg.MaterializeResult[None]]:
    """Parse every raw row of the partition's cluster. Records that are not valid go to quarantine.

    Materializes nothing, so that Dagster skips the marts and their checks, if there was nothing to parse, no run was
    killed before it refreshed the marts, and no failed check waits to be evaluated again.
    """

    def log_progress(so_far: ParseResult) -> None:
        progress(context.partition_key, "core", so_far.jobs, so_far.jobs)
        context.log.info(f"{context.partition_key}: {counted(so_far.jobs, 'job')} parsed")

    with cluster_step(context, warehouse) as (connection, cluster):
        result = parse(warehouse.url(), cluster.id, progress=log_progress)
        left = {"cluster_id": cluster.id, "name": cluster.name}
        if not result.documents and connection.execute(statement("core/is_work_left"), left).fetchone() == (False,):
            progress(cluster.name, "done", 1, 1)
            return
        figures = table_figures(connection, "reports/core_tables", cluster.id)
        newest = connection.execute(statement("reports/newest_job"), {"cluster": cluster.id}).fetchone()
    if result.rejected:
        context.log.warning(f"Quarantined documents: {result.rejected:,}. Run `aap-pipeline rejected list`.")
    if newest is not None:
        page = job_url(cluster.endpoint.base_url, cluster.product, newest[0])
        figures["jobs"]["newest_job"] = dg.MetadataValue.url(page)
    figures["jobs"] |= {
        "rows_written": result.jobs,
        "rejected": result.rejected,
        "changed_days": len(result.changed_days),
        "batches": result.batches,
        "seconds": round(result.seconds, 3),
    }
    figures["job_host_summaries"]["rows_written"] = result.host_summaries
    for name in _TABLES:
        yield dg.MaterializeResult(asset_key=["core", name], metadata=figures[name])
