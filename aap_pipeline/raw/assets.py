"""The asset raw/sync_data: the controllers' documents."""

import time
from collections.abc import Callable
from typing import Any

import dagster as dg
from pydantic import Field

from aap_pipeline.clusters.partitions import cluster_step
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Progress, Warehouse
from aap_pipeline.orchestration.table_metadata import EACH_SYNC, of_stage, table_metadata
from aap_pipeline.raw.sync import SyncReport, SyncRequest, sync_cluster
from aap_pipeline.raw.tally import Tally
from aap_pipeline.raw.window import parse_time

CONTROLLER = dg.AssetSpec(
    key=["controller", "job_history"],
    **of_stage("controller", "ansible", "api"),
    description="""Jobs with their host summaries, organizations and job templates in the HTTP API of AAP and AWX
controllers, which delete jobs after 90 days by default. `aap-pipeline clusters list` shows the controllers.""",
)
"""External asset, so that the lineage begins at the source."""

_SECONDS_BETWEEN_LOG_LINES = 5.0


class SyncConfig(dg.Config):
    """What to sync. Default: the new jobs since the last sync."""

    since: str | None = Field(
        default="",  # not None: the launchpad shows defaults, and cannot show None
        description="Backfill: read jobs that finished after this time (ISO 8601), for example 2026-01-01 or "
        "2026-01-01T06:00:00+02:00. Default zone: UTC. Empty: since the last sync.",
    )
    until: str | None = Field(
        default="", description="Backfill: read jobs that finished up to this time (ISO 8601). Empty: until now."
    )
    pause_seconds: float = Field(
        default=60.0,
        description="Backfill: seconds of reading after which a run pauses, to let the cluster's live syncs run and to "
        "refresh the marts. new_jobs_sensor resumes the backfill. 0: read the whole window in this run.",
    )


@dg.asset(
    key=["raw", "sync_data"],
    **of_stage("raw", "python", "postgres"),
    deps=[CONTROLLER],
    partitions_def=CLUSTERS,
    freshness_policy=EACH_SYNC,
    metadata=table_metadata("public.clusters_clustersyncdata"),
    description="""Documents of jobs with their host summaries, organizations and job templates, as received except for
links, copies, extra_vars and artifacts (table `clusters_clustersyncdata`). Rows stay until the core stage has parsed
them.

A sync reads every job that finished since the watermark minus an overlap, compares the result with the controller's
counts, and advances the watermark over complete slices only. After a failed run, start it again: no data is lost.""",
)
def sync_data(
    context: dg.AssetExecutionContext,
    config: SyncConfig,
    warehouse: Warehouse,
    progress: dg.ResourceParam[Progress],
) -> dg.MaterializeResult[None]:
    with cluster_step(context, warehouse) as (_, cluster):
        logged = logged_progress(context.log.info)

        def log_progress(tally: Tally) -> None:
            progress(cluster.name, "raw", tally.done, tally.total)
            logged(tally.done, tally.total)

        report = sync_cluster(
            warehouse.url(),
            warehouse.cipher(),
            SyncRequest(
                cluster=cluster,
                since=parse_time(config.since),
                until=parse_time(config.until),
                pause_after=config.pause_seconds or None,
                dagster_run_id=context.run.run_id,
                progress=log_progress,
                notify=context.log.info,
            ),
        )
    progress(cluster.name, "raw", report.jobs_seen, report.jobs_seen)
    token_ends = {"token_ends": cluster.token_end.at.isoformat()} if cluster.token_end else {}
    return dg.MaterializeResult(metadata={**_metadata(report), **token_ends})


def logged_progress(
    write: Callable[[str], object], monotonic: Callable[[], float] = time.monotonic
) -> Callable[[int, int], None]:
    """Return a progress function that logs a line with rate and time left, every few seconds at most."""
    started = last = monotonic()

    def update(done: int, total: int) -> None:
        nonlocal last
        now = monotonic()
        if now - last < _SECONDS_BETWEEN_LOG_LINES or not done:
            return
        last = now
        rate = done / (now - started)
        left = max(total - done, 0) / rate
        write(f"{done:,} of {total:,} jobs, {rate:,.0f} jobs/s, about {left:,.0f} s left")

    return update


def _metadata(report: SyncReport) -> dict[str, Any]:
    figures = {name: value for name, value in vars(report).items() if value is not None}
    figures["window"] = f"{figures.pop('window_from').isoformat()} to {figures.pop('window_to').isoformat()}"
    if warnings := figures.pop("warnings"):
        figures["warnings"] = " ".join(warnings)
    if report.newest_finished is not None:
        figures["newest_finished"] = report.newest_finished.isoformat()
    return figures
