"""Asset checks of raw/sync_data in each sync. The nightly asset upkeep/reconciliation is more thorough."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from dagster import AssetCheckExecutionContext, AssetCheckResult, multi_asset_check

from aap_pipeline.clusters.controllers import ONE_QUESTION, UnexpectedFailure, open_controller
from aap_pipeline.clusters.partitions import cluster_step
from aap_pipeline.clusters.registry import Cluster
from aap_pipeline.clusters.staleness import freshness, stale_after
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.errors import ControllerError
from aap_pipeline.database import application_settings
from aap_pipeline.orchestration.checks import Check, result, specs
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.verdict import Verdict
from aap_pipeline.raw import checks
from aap_pipeline.raw.store import RawStore
from aap_pipeline.raw.window import Window

ASSET: Final = ("raw", "sync_data")
_PATIENT_QUESTION = replace(ONE_QUESTION, read_timeout=30.0, retries=1)

COMPLETE = Check(
    "complete",
    "The last few hundred jobs (of at most one day) are stored, as many as the controller counts.",
    "Run `aap-pipeline reconcile --cluster NAME`, or launch `nightly` for this cluster: it fetches and lists the "
    "missing jobs. The next sync that stores jobs checks again.",
)
SUMMARIES_IN_TIME = Check(
    "summaries_in_time",
    "No job waits for its host summaries past the deadline (setting summaries_deadline_minutes).",
    "Run `aap-pipeline sync --cluster NAME`, which settles overdue jobs or prints the error. If it succeeds and the "
    "check still fails, report a bug.",
)
WATERMARK = Check(
    "watermark_not_in_future",
    "The watermark is not ahead of the clock.",
    "Synchronize the controller's clock by NTP. Until the clock passes the watermark, only the nightly reconciliation "
    "fetches new jobs. To fetch them now, run `aap-pipeline reconcile --cluster NAME`.",
)
CLOCK_SKEW = Check(
    "clock_skew",
    "The clocks of the controller and of the database differ by less than a minute.",
    "Synchronize both by NTP. No job is lost, because windows follow the controller's clock, but lags are wrong.",
)
FRESH = Check(
    "fresh",
    "The cluster was synced within AAP_PIPELINE_ALERT_STALE_MINUTES (60), or twice quiet_sync_minutes. Watched by the "
    "alerts sensor between syncs.",
    "Run `aap-pipeline clusters check NAME`, which reports what is wrong with the controller; if nothing is, run "
    "`aap-pipeline sync --cluster NAME`. Nothing is lost: the next sync reads all jobs that finished meanwhile.",
)


@multi_asset_check(
    name="raw_checks", specs=specs(ASSET, [COMPLETE, SUMMARIES_IN_TIME, WATERMARK, CLOCK_SKEW, FRESH], CLUSTERS)
)
def raw_checks(context: AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[AssetCheckResult]:
    with cluster_step(context, warehouse) as (connection, cluster):
        state = checks.sync_health(connection, cluster.id)
        overlap = timedelta(minutes=application_settings.read(connection).sync_overlap_minutes)
        window = checks.recent_window(state, overlap, checks.few_jobs_ago(connection, cluster.id))
        limit = stale_after(connection)
        if window is None:
            complete = checks.not_synced(state)
        elif state.stored == 0:  # a no-op sync must not cost more than six requests
            complete = Verdict(True, "The last sync found no new job, by the controller's own count.")
        else:
            try:
                theirs = _count(warehouse, cluster, window)
                ours = sum(RawStore(connection, cluster.id).stored_by_day(window).values())
                complete = checks.completeness(theirs, ours, window)
            except (ControllerError, UnexpectedFailure) as error:
                complete = Verdict(False, f"Cannot read the controller's count: {error}")
    found = {
        COMPLETE: complete,
        SUMMARIES_IN_TIME: checks.summaries_in_time(state),
        WATERMARK: checks.watermark_not_in_future(state),
        CLOCK_SKEW: checks.clock_skew(state),
        FRESH: freshness(state.finished, state.now, limit) if state.finished else checks.not_synced(state),
    }
    for check, verdict in found.items():
        yield result(ASSET, check, verdict, cluster.name)


def _count(warehouse: Warehouse, cluster: Cluster, window: Window) -> int:
    with open_controller(warehouse.url(), warehouse.cipher(), cluster, _PATIENT_QUESTION) as client:
        return ControllerApi(client).jobs_count(window.after, window.until)
