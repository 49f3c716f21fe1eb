"""Sync one cluster: lock, listings, sweep and log. The asset and the command line call it."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psycopg

from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.paging import Row
from aap_pipeline.controller.redaction import redact
from aap_pipeline.database import options
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.encryption import Cipher
from aap_pipeline.database.statements import statement
from aap_pipeline.documents.fingerprint import fingerprint
from aap_pipeline.raw.estimate import DryRun, estimate
from aap_pipeline.raw.listings import store_listing
from aap_pipeline.raw.session import Access, SyncRequest, cluster_connection, open_client, shows_no_job, sweeping, turn
from aap_pipeline.raw.store import RawStore
from aap_pipeline.raw.sweep import slices
from aap_pipeline.raw.sync_runs import SyncReport, begin_run, end_run, report_of
from aap_pipeline.raw.tally import Tally
from aap_pipeline.raw.window import Plan, plan_sync, require_window

__all__ = ["DryRun", "SyncReport", "SyncRequest", "dry_run", "require_possible", "sync_cluster"]


def sync_cluster(database_url: str, cipher: Cipher, request: SyncRequest) -> SyncReport:
    """Copy the new jobs of a controller into raw rows, and advance the watermark.

    Raises ControllerError if the controller could not be read to the end (complete slices stay, and the next sync
    continues from there), DatabaseUnreachable, EncryptionKeyError before any request if the token cannot be decrypted,
    and SyncInProgress after waiting an hour for another program that syncs the cluster.
    """
    started = time.monotonic()
    with cluster_connection(database_url, request) as connection, turn(connection, request):
        return _sync(connection, Access(database_url, cipher), request, started)


def dry_run(database_url: str, cipher: Cipher, request: SyncRequest) -> DryRun:
    """Estimate a sync from the controller's counts, and store nothing. Raises as `sync_cluster` does."""
    access, limit = Access(database_url, cipher), options.SLICE_JOBS
    with cluster_connection(database_url, request) as connection, open_client(connection, access, request) as client:
        api, store = ControllerApi(client), RawStore(connection, request.cluster.id)
        listed = [client.count("organizations/"), client.count("job_templates/")]
        plan = _plan(connection, request, client.controller_now())
        counted = api.jobs_count(plan.window.after, plan.window.until)
        pieces = [found for _, found in slices(api, plan.window, options.get(connection, limit), counted=counted)]
        stored = sum(store.stored_by_day(plan.window).values())
        return estimate(plan.window, pieces, stored, listed=listed, awaited=len(store.awaited()))


def _sync(connection: Connection, access: Access, request: SyncRequest, started: float) -> SyncReport:
    kind = "sync" if request.since is None and request.until is None else "backfill"
    require_possible(connection, request)  # an impossible window is an error, not a failed sync
    run = begin_run(connection, request.cluster.id, kind, request.dagster_run_id)
    tally, plan, client = Tally(), None, None
    try:
        with open_client(connection, access, request) as client:
            api = ControllerApi(client)
            note_product(connection, client, request.cluster.id)
            store = RawStore(connection, request.cluster.id)
            plan = _plan(connection, request, client.controller_now())
            with sweeping(connection, client, request, RawStore(connection, request.cluster.id, plan), tally) as sweep:
                if plan.backfill is not None and request.pause_after is not None:
                    enough, settled = started + request.pause_after, plan.backfill.settled
                    # Pause only within the noted progress, or the next run would read the slice again.
                    sweep.pause = lambda reached: reached <= settled and time.monotonic() >= enough
                listed = sweep.executor.submit(_listings, api)

                def store_listings() -> None:
                    for kind, listing in listed.result().items():
                        store_listing(store, kind, listing, fingerprint)

                resume_after = store.resume_backfill(plan.backfill) if plan.backfill else None
                sweep.run(plan, resume_after, meanwhile=store_listings)
                if tally.paused and plan.backfill is not None:
                    store.pause_backfill(plan.backfill)
            warnings = _warnings(connection, api, request, tally)
            report = report_of(client, plan, tally, started, warnings)
    except Exception as error:
        # If the database failed, the next sync marks this run as interrupted.
        with suppress(psycopg.Error):
            known = client.secrets() if client else frozenset()
            end_run(connection, run, report_of(client, plan, tally, started), redact(str(error), known))
        raise
    end_run(connection, run, report, None)
    for warning in report.warnings:
        request.notify(warning)
    return report


def _listings(api: ControllerApi) -> dict[str, list[Row]]:
    """Return all organizations and job templates. Templates are read first, so that none lacks its organization."""
    templates = api.job_templates()
    return {"organization": api.organizations(), "job_template": templates}


def require_possible(connection: Connection, request: SyncRequest) -> None:
    """Raise WindowError for a window that is empty by this machine's clock and the watermark."""
    now = datetime.now(UTC)
    require_window(now, request.since, request.until)
    if _watermark(connection, request) is not None:
        _plan(connection, request, now)


def _plan(connection: Connection, request: SyncRequest, now: datetime) -> Plan:
    return plan_sync(
        now,
        _watermark(connection, request),
        overlap=timedelta(minutes=options.get(connection, options.SYNC_OVERLAP_MINUTES)),
        initial=timedelta(days=options.get(connection, options.INITIAL_SYNC_DAYS)),
        since=request.since,
        until=request.until,
    )


def _warnings(connection: Connection, api: ControllerApi, request: SyncRequest, tally: Tally) -> tuple[str, ...]:
    """Return sentences for the operator about a sync that succeeded."""
    if tally.counted or api.has_finished_jobs():
        return ()
    return (shows_no_job(request.cluster, _watermark(connection, request)),)


def _watermark(connection: Connection, request: SyncRequest) -> datetime | None:
    row = connection.execute(statement("raw/watermark"), {"cluster": request.cluster.id}).fetchone()
    return row[0] if row else None


def note_product(connection: Connection, client: ControllerClient, cluster_id: int) -> None:
    """Store the controller's product and version."""
    product = client.product()
    connection.execute(
        statement("clusters/note_product"),
        {
            "cluster": cluster_id,
            "label": product.label,
            "version": product.version[:50],
            "api_prefix": client.endpoint.path + product.api_prefix,
        },
    )
