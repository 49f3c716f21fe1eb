"""The assets of stage marts: one step refreshes the changed days of a cluster in all of them, in one transaction."""

from collections.abc import Iterator

import dagster as dg

from aap_pipeline.clusters.partitions import cluster_step
from aap_pipeline.database.statements import select
from aap_pipeline.marts.refresh import refresh
from aap_pipeline.orchestration.resources import Progress, Warehouse
from aap_pipeline.orchestration.table_metadata import specs_of_tables, table_figures
from aap_pipeline.reports.page import picture

_TABLES = {
    "savings_daily": "marts.savings_daily",
    "host_set_daily": "rollup.host_set_daily",
    "launches_daily": "marts.launches",
}
"""The table that each asset fills."""


@dg.multi_asset(
    name="marts",
    specs=specs_of_tables("marts", _TABLES, [["core", name] for name in ("jobs", "job_host_summaries", "labels")]),
)
def marts(
    context: dg.AssetExecutionContext, warehouse: Warehouse, progress: dg.ResourceParam[Progress]
) -> Iterator[dg.MaterializeResult[None]]:
    with cluster_step(context, warehouse) as (connection, cluster):
        result = refresh(connection, cluster.id)
        figures = table_figures(connection, "reports/marts_tables", cluster.id)
        days = select(connection, "reports/month")
    figures["savings_daily"]["month_of_all_clusters"] = dg.MetadataValue.md(
        picture(days, "Savings by day, all clusters")
    )
    progress(cluster.name, "done", 1, 1)
    for name in _TABLES:
        work = {"days_refreshed": len(result.days), "seconds": round(result.seconds, 3)}
        yield dg.MaterializeResult(asset_key=["marts", name], metadata=figures[name] | work)
