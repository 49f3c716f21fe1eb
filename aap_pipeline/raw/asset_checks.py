"""Asset checks of raw/sync_data, in each sync. The thorough one, each night, is the asset upkeep/reconciliation."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from dagster import AssetCheckExecutionContext, AssetCheckResult, multi_asset_check

from aap_pipeline.clusters.errors import UnexpectedFailure, cluster_errors
from aap_pipeline.clusters.registry import Cluster
from aap_pipeline.clusters.staleness import freshness, stale_after
from aap_pipeline.clusters.steps import cluster_step
from aap_pipeline.clusters.tokens import DatabaseTokenStore
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.config import ClientSettings
from aap_pipeline.controller.errors import ControllerError
from aap_pipeline.database import options
from aap_pipeline.orchestration.checks import Check, result, specs
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.verdict import Verdict
from aap_pipeline.raw import checks
from aap_pipeline.raw.store import RawStore
from aap_pipeline.raw.window import Window

ASSET: Final = ("raw", "sync_data")
_ONE_QUESTION = ClientSettings(connect_timeout=5.0, read_timeout=30.0, workers=1, retries=1)

COMPLETE = Check(
    "complete",
    "Of the last day there are at least as many jobs here as the controller counts.",
    "Run `aap-pipeline reconcile --cluster NAME`, or launch `nightly` for this cluster: it fetches what is missing and "
    "names it. The next sync that stores jobs checks again.",
)
SUMMARIES_IN_TIME = Check(
    "summaries_in_time",
    "No job waits for its host summaries past the deadline (setting summaries_deadline_minutes).",
    "Run `aap-pipeline sync --cluster NAME`: each sync settles what is overdue. If it fails, it prints why. If it "
    "succeeds and the check still fails, report a bug.",
)
WATERMARK = Check(
    "watermark_not_in_future",
    "The watermark, up to which everything was read, is not ahead of the clock.",
    "Set the controller's clock with NTP. Until the clock has caught up, jobs that finish before the watermark are "
    "fetched by the nightly reconciliation; to have them now, run `aap-pipeline reconcile --cluster NAME`.",
)
CLOCK_SKEW = Check(
    "clock_skew",
    "The clocks of the controller and of the database differ by less than a minute.",
    "Let NTP set both. Nothing is lost: windows are cut by the controller's clock; only lags are shown wrong.",
)
FRESH = Check(
    "fresh",
    "The cluster was synced within AAP_PIPELINE_ALERT_STALE_MINUTES (60). Watched by the alerts sensor between syncs.",
    "Run `aap-pipeline clusters check NAME`, which reports what is wrong with the controller; if nothing is, run "
    "`aap-pipeline sync --cluster NAME`. Nothing is lost: the next sync reads what has finished since.",
)


@multi_asset_check(
    name="raw_checks", specs=specs(ASSET, [COMPLETE, SUMMARIES_IN_TIME, WATERMARK, CLOCK_SKEW, FRESH], CLUSTERS)
)
def raw_checks(context: AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[AssetCheckResult]:
    """One question to the controller, the rest from the book-keeping."""
    with cluster_step(context, warehouse) as (connection, cluster):
        state = checks.sync_health(connection, cluster.id)
        overlap = timedelta(minutes=options.get(connection, options.SYNC_OVERLAP_MINUTES))
        window = checks.recent_window(state, overlap)
        if window is None:
            complete = checks.not_synced(state)
        elif state.stored == 0:  # asking again would make a sync of nothing cost more than the six requests promised
            complete = Verdict(True, "The last sync found nothing new, by the controller's own count.")
        else:
            try:
                theirs = _count(warehouse, cluster, window)
                ours = sum(RawStore(connection, cluster.id).stored_by_day(window).values())
                complete = checks.completeness(theirs, ours, window)
            except (ControllerError, UnexpectedFailure) as error:
                complete = Verdict(False, f"The controller could not be asked: {error}")
    yield result(ASSET, COMPLETE, complete, cluster.name)
    yield result(ASSET, SUMMARIES_IN_TIME, checks.summaries_in_time(state), cluster.name)
    yield result(ASSET, WATERMARK, checks.watermark_not_in_future(state), cluster.name)
    yield result(ASSET, CLOCK_SKEW, checks.clock_skew(state), cluster.name)
    finished = state.finished
    fresh = freshness(finished, state.now, stale_after()) if finished else checks.not_synced(state)
    yield result(ASSET, FRESH, fresh, cluster.name)


def _count(warehouse: Warehouse, cluster: Cluster, window: Window) -> int:
    tokens = DatabaseTokenStore(warehouse.url(), warehouse.cipher(), cluster.id)
    with (
        cluster_errors(cluster),
        ControllerClient(cluster.endpoint, tokens, _ONE_QUESTION, hint=cluster.product) as client,
    ):
        return ControllerApi(client).jobs_count(window.after, window.until)
