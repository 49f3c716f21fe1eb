"""External assets behind the marts, so that the asset graph shows the views and dashboards that read them."""

from typing import Final

from dagster import AssetSpec, MetadataValue

from aap_pipeline.database.columns import tables
from aap_pipeline.orchestration.table_metadata import of_stage, table_metadata
from aap_pipeline.settings import Settings

_READS: Final = {
    "template_monthly": ["marts/savings_daily"],
    "organization_monthly": ["marts/savings_daily"],
    "payback": ["marts/savings_daily"],
    "kpi_daily": ["marts/savings_daily", "marts/host_set_daily"],
    "host_monthly": ["marts/host_set_daily"],
    "fct_job_run": ["core/jobs", "marts/savings_daily"],  # its jobs, and which of them is a template's first
}
"""Views over the marts, and the assets that they read."""

VIEWS: Final = [
    AssetSpec(
        key=["bi", view],
        deps=[upstream.split("/") for upstream in upstreams],
        **of_stage("bi", "postgres", "view"),
        metadata=table_metadata(f"marts.{view}"),
        description=f"{tables()[f'marts.{view}'].meaning} A view, which is always as fresh as the tables it reads.",
    )
    for view, upstreams in _READS.items()
]


def dashboard(address: str | None) -> AssetSpec:
    """Return the asset of any BI tool, with a link to `address` if one is configured."""
    return AssetSpec(
        key=["bi", "dashboard"],
        deps=[["marts", name] for name in ("savings_daily", "host_set_daily", "launches_daily")],
        **of_stage("bi", "sql", "dashboard"),
        metadata={"dashboard": MetadataValue.url(address)} if address else {},
        description="Represents any BI tool that connects as `bi_reader`. `aap-pipeline bi` installs dashboards; set "
        "AAP_PIPELINE_BI_URL to link them here and in each report.",
    )


EXTERNAL: Final = (*VIEWS, dashboard(Settings().bi_url))
