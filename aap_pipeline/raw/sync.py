"""One sync of one cluster: lock, listings, sweep, book-keeping. What the asset and the command line call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

import psycopg
from psycopg.types.json import Jsonb

from aap_pipeline.clusters.registry import Cluster
from aap_pipeline.clusters.tokens import DatabaseTokenStore
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.config import ClientSettings
from aap_pipeline.controller.redaction import redact
from aap_pipeline.core.fingerprint import fingerprint
from aap_pipeline.errors import PipelineError
from aap_pipeline.raw.listings import store_listing
from aap_pipeline.raw.store import RawStore
from aap_pipeline.raw.sweep import Sweep, SweepOptions, Tally
from aap_pipeline.raw.window import Plan, plan_sync
from aap_pipeline.warehouse import options
from aap_pipeline.warehouse.connection import Connection, connect
from aap_pipeline.warehouse.encryption import Cipher
from aap_pipeline.warehouse.locks import LockKind, session_lock
from aap_pipeline.warehouse.statements import statement

_PATIENCE_SECONDS = 3600


class SyncInProgress(PipelineError):
    """Another program syncs the same cluster, and did not finish in time."""


@dataclass(frozen=True)
class SyncRequest:
    """What to sync. Without `since` and `until`: what is new."""

    cluster: Cluster
    since: datetime | None = None
    until: datetime | None = None
    dagster_run_id: str | None = None
    progress: Callable[[Tally], None] = lambda _: None
    tell: Callable[[str], None] = lambda _: None
    client_settings: ClientSettings = field(default_factory=ClientSettings)


@dataclass(frozen=True)
class SyncReport:
    """What a sync did; the row of `pipeline.sync_run`, in figures. Times in UTC, `seconds` and `lag` in seconds."""

    window_from: datetime
    window_to: datetime
    slices: int
    jobs_counted: int
    jobs_seen: int
    jobs_stored: int
    jobs_known: int
    jobs_provisional: int
    host_summaries: int
    requests: int
    retries: dict[str, int]
    bytes: int
    seconds: float
    newest_finished: datetime | None
    lag_seconds: float | None


@dataclass(frozen=True)
class DryRun:
    """What a sync would read, at the most: jobs, and requests to the controller (known jobs cost none)."""

    window_from: datetime
    window_to: datetime
    jobs: int
    requests: int


def sync_cluster(database_url: str, cipher: Cipher, request: SyncRequest) -> SyncReport:
    """Copy what is new at a controller into raw rows, and advance the watermark.

    Raises ControllerError when the controller could not be read to the end: what was complete stays, and the next sync
    goes on from there. Waits while another program syncs the cluster; after an hour it raises SyncInProgress.
    """
    started = time.monotonic()
    with connect(database_url, autocommit=True, application_name="aap_pipeline sync") as connection:
        workers = options.get(connection, options.SYNC_WORKERS)
        with _turn(connection, request), _client(database_url, cipher, request, workers) as client:
            return _sync(connection, client, request, started)


def dry_run(database_url: str, cipher: Cipher, request: SyncRequest) -> DryRun:
    """Ask a controller how much there is to read; store nothing. Raises ControllerError."""
    with connect(database_url, autocommit=True) as connection:
        with _client(database_url, cipher, request, 1) as client:
            api = ControllerApi(client)
            api.newest_finished()  # whatever is asked first, its answer tells the controller's time
            plan = _plan(connection, client, request)
            jobs = api.jobs_count(plan.window.after, plan.window.until)
        slices = max(1, 2 * (jobs // options.get(connection, options.SLICE_JOBS)))
    return DryRun(plan.window.after, plan.window.until, jobs, 3 + slices + -(-jobs // 200) + jobs)


def _sync(
    connection: Connection,
    client: ControllerClient,
    request: SyncRequest,
    started: float,
) -> SyncReport:
    run = _begin_run(connection, request)
    tally, plan = Tally(), None
    try:
        api = ControllerApi(client)
        _note_product(connection, client, request)
        store = RawStore(connection, request.cluster.id)
        store_listing(store, "organization", api.organizations(), fingerprint)
        store_listing(store, "job_template", api.job_templates(), fingerprint)
        plan = _plan(connection, client, request)
        with ThreadPoolExecutor(client.settings.workers, thread_name_prefix="sweep") as executor:
            sweep = Sweep(
                controller=api,
                store=RawStore(connection, request.cluster.id, plan),
                executor=executor,
                fingerprint=fingerprint,
                now=client.controller_now(),
                options=_sweep_options(connection, client.settings.workers),
                progress=request.progress,
                tally=tally,
            )
            sweep.run(plan, _resume_after(connection, request, plan))
    except Exception as error:
        report = _report(client, plan, tally, started)
        # The database may be what failed: then the next sync marks this run as interrupted.
        with suppress(psycopg.Error):
            _end_run(connection, run, report, "failed", redact(str(error), client.secrets()))
        raise
    report = _report(client, plan, tally, started)
    _end_run(connection, run, report, "succeeded", None)
    return report


def _client(database_url: str, cipher: Cipher, request: SyncRequest, workers: int) -> ControllerClient:
    cluster = request.cluster
    return ControllerClient(
        cluster.endpoint,
        DatabaseTokenStore(database_url, cipher, cluster.id),
        replace(request.client_settings, workers=workers),
        hint=cluster.product if cluster.product_version else None,
    )


@contextmanager
def _turn(connection: Connection, request: SyncRequest) -> Iterator[None]:
    """Hold the cluster's sync lock for the block, after waiting for whoever has it."""
    for waited in range(_PATIENCE_SECONDS):
        with session_lock(connection, LockKind.SYNC, request.cluster.id) as ours:
            if ours:
                yield
                return
        if waited == 0:
            request.tell(f"Another sync of cluster {request.cluster.name} is under way: waiting for it.")
        time.sleep(1)
    raise SyncInProgress(
        f"Another sync of cluster {request.cluster.name} has been under way for {_PATIENCE_SECONDS // 60} minutes. See "
        "what it does with `aap-pipeline status`."
    )


def _sweep_options(connection: Connection, workers: int) -> SweepOptions:
    return SweepOptions(
        slice_jobs=options.get(connection, options.SLICE_JOBS),
        summaries_deadline=timedelta(minutes=options.get(connection, options.SUMMARIES_DEADLINE_MINUTES)),
        in_flight=8 * workers,
    )


def _plan(connection: Connection, client: ControllerClient, request: SyncRequest) -> Plan:
    row = connection.execute(statement("raw/watermark"), {"cluster": request.cluster.id}).fetchone()
    return plan_sync(
        client.controller_now(),
        row[0] if row else None,
        overlap=timedelta(minutes=options.get(connection, options.SYNC_OVERLAP_MINUTES)),
        initial=timedelta(days=options.get(connection, options.INITIAL_SYNC_DAYS)),
        since=request.since,
        until=request.until,
    )


def _resume_after(connection: Connection, request: SyncRequest, plan: Plan) -> datetime | None:
    """Where a killed backfill of the same window stopped. An ordinary sync resumes by its watermark."""
    if plan.kind != "backfill":
        return None
    parameters = {"cluster": request.cluster.id, "after": plan.window.after, "until": plan.window.until}
    row = connection.execute(statement("raw/backfill_progress"), parameters).fetchone()
    return row[0] if row else None


def _note_product(connection: Connection, client: ControllerClient, request: SyncRequest) -> None:
    product = client.product()
    connection.execute(
        statement("clusters/note_product"),
        {
            "cluster": request.cluster.id,
            "label": product.label,
            "version": product.version[:50],
            "api_prefix": product.api_prefix,
        },
    )


def _begin_run(connection: Connection, request: SyncRequest) -> int:
    kind = "sync" if request.since is None and request.until is None else "backfill"
    row = connection.execute(
        statement("raw/begin_run"),
        {"cluster": request.cluster.id, "kind": kind, "dagster_run_id": request.dagster_run_id},
    ).fetchone()
    assert row is not None  # noqa: S101
    return int(row[0])


def _report(client: ControllerClient, plan: Plan | None, tally: Tally, started: float) -> SyncReport:
    figures = client.statistics.snapshot()
    now = client.controller_now()
    return SyncReport(
        window_from=plan.window.after if plan else now,
        window_to=plan.window.until if plan else now,
        slices=tally.slices,
        jobs_counted=tally.counted,
        jobs_seen=tally.seen,
        jobs_stored=tally.stored,
        jobs_known=tally.known,
        jobs_provisional=tally.provisional,
        host_summaries=tally.host_summaries,
        requests=figures.requests,
        retries=figures.retries_by_cause,
        bytes=figures.bytes,
        seconds=round(time.monotonic() - started, 3),
        newest_finished=tally.newest,
        lag_seconds=(now - tally.newest).total_seconds() if tally.newest else None,
    )


def _end_run(connection: Connection, run: int, report: SyncReport, outcome: str, error: str | None) -> None:
    parameters = {**asdict(report), "retries": Jsonb(report.retries), "run": run, "outcome": outcome, "error": error}
    connection.execute(statement("raw/end_run"), parameters)
