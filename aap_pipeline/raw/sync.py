"""Sync one cluster: lock, listings, sweep and log. The asset and the command line call it."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from aap_pipeline.clusters.registry import cluster_named, require_registered
from aap_pipeline.controller.answers import parse_moment
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.errors import PermissionDenied
from aap_pipeline.controller.own_token import sees_every_job
from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.encryption import Cipher
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import BadInput
from aap_pipeline.raw.estimate import DryRun, cheaper, lists_of_jobs, stretch
from aap_pipeline.raw.host_history import HostHistory
from aap_pipeline.raw.rare_things import RareThings
from aap_pipeline.raw.session import SyncRequest, cluster_connection, open_client, shows_no_job, sweeping, turn
from aap_pipeline.raw.store import RawStore
from aap_pipeline.raw.sweep import Sweep
from aap_pipeline.raw.sync_runs import SyncRun, logged_run
from aap_pipeline.raw.tally import SyncReport, Tally
from aap_pipeline.raw.window import Plan, Window, plan_sync, require_window

__all__ = ["DryRun", "SyncReport", "SyncRequest", "dry_run", "require_possible", "sync_cluster"]


LONG = 1000
"""From this many new jobs on, the costs by host and by job are compared."""
_SHORT = timedelta(hours=2)
_LIVE = timedelta(days=1)


def sync_cluster(database_url: str, cipher: Cipher, request: SyncRequest) -> SyncReport:
    """Copy the new jobs of a controller into raw rows, and advance the watermark.

    A first sync or backfill outside the cluster's sync window sends no request and is `paused`: `new_jobs_sensor`
    starts it again within the window.

    Raises ControllerError if the controller could not be read to the end (complete slices stay, and the next sync
    continues from there), DatabaseUnreachable, EncryptionKeyError before any request if the token cannot be decrypted,
    and PipelineError after waiting an hour for another program that syncs the cluster.
    """
    kind = "sync" if request.since is None and request.until is None else "backfill"
    client: ControllerClient | None = None
    with cluster_connection(database_url, request) as connection, turn(connection, request):
        require_possible(connection, request, keep_hours=False)  # an impossible window is an error, not a failed sync
        if closed := _closed(connection, request):  # it was open when the run was requested
            run = SyncRun(Tally(paused=True), _plan(connection, request, datetime.now(UTC)))
            _pause(RawStore(connection, request.cluster.id), request, run, closed)
        else:
            with logged_run(connection, database_url, cipher, request, kind) as (run, client):
                _sync(connection, client, request, run)
    for warning in run.warnings:
        request.notify(warning)
    return run.report(client)


def dry_run(database_url: str, cipher: Cipher, request: SyncRequest) -> DryRun:
    """Estimate a sync from the controller's counts, and store nothing. Raises as `sync_cluster` does."""
    with (
        cluster_connection(database_url, request) as connection,
        open_client(connection, database_url, cipher, request) as client,
    ):
        api, store = ControllerApi(client), RawStore(connection, request.cluster.id)
        window = _plan(connection, request, _now_there(client)).window
        if window.until - window.after <= _SHORT:
            jobs = api.jobs_count(window.after, window.until)
        else:  # a count by date would cost the controller too much
            jobs = api.extent(window.after, window.until).jobs
        new = max(jobs - sum(store.stored_by_day(window).values()), 0)
        hosts_a_job = api.hosts_a_job() if new else 0.0
        way, cost = cheaper(new, hosts_a_job, _hosts(api, window, new))
        cost += lists_of_jobs(jobs)
        minutes = cost.minutes(request.cluster.manners)
        return DryRun(window.after, window.until, jobs, new, cost.requests, round(cost.seconds, 1), minutes, way)


def _sync(connection: Connection, client: ControllerClient, request: SyncRequest, run: SyncRun) -> None:
    api, tally = ControllerApi(client), run.tally
    run.plan = plan = _plan(connection, request, _now_there(client))
    store = RawStore(connection, request.cluster.id, plan)
    rare = RareThings(connection, client, store, request.cluster)
    with sweeping(connection, client, request, store, tally) as sweep:
        sweep.few = _holds_few(api, plan, store.watermark())
        asked = request.since or request.until
        enough = run.started + request.pause_after if asked and request.pause_after is not None else None
        # Not shown beyond the committed part, which is where the next run begins.
        settled = plan.backfill.settled if plan.backfill else plan.window.until

        def has_to_pause() -> bool:
            """Return whether live syncs wait, or the sync must wait by `_closed`. Applies changed limits."""
            client.limiter.change(cluster_named(connection, request.cluster.name).manners)
            return (enough is not None and time.monotonic() >= enough) or bool(_closed(connection, request))

        sweep.pause = lambda reached: reached <= settled and has_to_pause()
        sweep.before_new = rare.read_if_due
        resume_after = store.resume_backfill(plan.backfill) if plan.backfill else None
        window = Window(max(plan.window.after, resume_after or plan.window.after), plan.window.until)
        sweep.history = _history(api, store, sweep, window, has_to_pause)
        sweep.run(plan, resume_after, meanwhile=rare.read_if_old)
        if tally.paused:
            _pause(store, request, run, _closed(connection, request))
        elif sweep.history is not None:
            store.end_stretch()
        if not tally.jobs_counted and not api.has_finished_jobs():
            run.warnings = (shows_no_job(request.cluster),)


def _pause(store: RawStore, request: SyncRequest, run: SyncRun, closed: str | None) -> None:
    """Leave the rest of the window to another run. `closed` as `_closed` returns it."""
    if run.plan is not None and run.plan.backfill is not None:
        store.pause_backfill(run.plan.backfill)
    if closed:
        run.warnings = (f"Paused; new_jobs_sensor resumes it as soon as it may run. {closed}",)
    else:
        request.notify("Paused for the live syncs. new_jobs_sensor resumes this backfill.")


def _history(
    api: ControllerApi, store: RawStore, sweep: Sweep, window: Window, pause: Callable[[], bool]
) -> HostHistory | None:
    """Return a reader of host summaries by host, if that costs the controller less; None: read by job."""
    if sweep.few or window.until - window.after <= _LIVE:
        return None
    extent = api.extent(window.after, window.until)
    sweep.tally.expected = extent.jobs
    new = extent.jobs - sum(store.stored_by_day(window).values())
    hosts = _hosts(api, window, new)
    hosts_a_job = api.hosts_a_job() if hosts else 0.0
    if not hosts or cheaper(new, hosts_a_job, hosts)[0] == "by job":
        return None
    return HostHistory(api, store, sweep.executor, extent, stretch(hosts_a_job, hosts), pause)


def _hosts(api: ControllerApi, window: Window, new: int) -> int:
    """Return the number of hosts by which `new` jobs could be read; 0: read by job."""
    # Users who are not auditors may see jobs whose hosts are hidden.
    if new >= LONG and window.until - window.after > _LIVE and sees_every_job(api.client):
        with suppress(PermissionDenied):
            return api.hosts_count()
    return 0


def require_possible(connection: Connection, request: SyncRequest, *, keep_hours: bool = True) -> None:
    """Raise BadInput if the window is empty (by this machine's clock), or (`keep_hours`) long and outside the hours."""
    now = datetime.now(UTC)
    require_window(now, request.since, request.until)
    if keep_hours and (closed := _closed(connection, request)):
        raise BadInput(closed)
    if RawStore(connection, request.cluster.id).watermark() is not None:
        _plan(connection, request, now)


def _closed(connection: Connection, request: SyncRequest) -> str | None:
    """Return why a sync must wait, or None. Raises PipelineError if the cluster was removed.

    A backfill or first sync waits for the sync window; any sync, if the cluster was disabled since the request.
    """
    cluster = cluster_named(connection, request.cluster.name)  # it may have changed
    require_registered(cluster)
    if request.cluster.enabled and not cluster.enabled:
        return f"Cluster {cluster.name} was disabled. To enable it, run `aap-pipeline clusters enable {cluster.name}`."
    if cluster.manners.may_read_long(datetime.now(UTC)):
        return None
    [(first,)] = connection.execute(statement("raw/first_unfinished"), {"cluster": cluster.id}).fetchall()
    if not (first or request.since or request.until):
        return None
    return (
        f"Cluster {cluster.name} allows first syncs and backfills only within {cluster.manners.sync_window} "
        f"(sync_window). To allow them at any time, run {cluster.endpoint.update('--sync-window always')}."
    )


def _plan(connection: Connection, request: SyncRequest, now: datetime) -> Plan:
    settings = application_settings.read(connection)
    return plan_sync(
        now,
        RawStore(connection, request.cluster.id).watermark(),
        overlap=timedelta(minutes=settings.sync_overlap_minutes),
        initial=timedelta(days=settings.initial_sync_days),
        since=request.since,
        until=request.until,
    )


def _now_there(client: ControllerClient) -> datetime:
    """Return the controller's time; sends a request only if there was no response yet."""
    if client.clock_skew() is None:
        client.product(anew=True)
    return client.controller_now()


def _holds_few(api: ControllerApi, plan: Plan, watermark: datetime | None) -> bool:
    """Return whether the window of a live sync holds few jobs: it is short, or no job is newer than the watermark."""
    if plan.first or plan.backfill is not None or watermark is None:
        return False
    if plan.window.until - plan.window.after <= _LIVE:
        return True
    newest = api.first_job("-finished")
    finished = parse_moment(newest.get("finished")) if newest else None
    return finished is not None and finished <= watermark
