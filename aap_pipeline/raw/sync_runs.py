"""The log of syncs: one row of `pipeline.sync_run` per sync."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import psycopg
from psycopg.types.json import Jsonb

from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.redaction import redact
from aap_pipeline.controller.statistics import Statistics
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.encryption import Cipher
from aap_pipeline.database.statements import statement
from aap_pipeline.raw.session import SyncRequest, open_client
from aap_pipeline.raw.tally import SyncReport, Tally
from aap_pipeline.raw.window import Plan


@dataclass
class SyncRun:
    """A sync under way, and its figures so far."""

    tally: Tally = field(default_factory=Tally)
    plan: Plan | None = None
    warnings: tuple[str, ...] = ()
    started: float = field(default_factory=time.monotonic)

    def report(self, client: ControllerClient | None) -> SyncReport:
        """Return the figures so far; `client` is None if it could not be opened."""
        figures = client.statistics if client else Statistics()
        now = client.controller_now() if client else datetime.now(UTC)
        live = self.plan is not None and self.plan.backfill is None  # a backfill has no lag
        newest = self.tally.newest_finished
        return SyncReport(
            **vars(self.tally),
            window_from=self.plan.window.after if self.plan else now,
            window_to=self.plan.window.until if self.plan else now,
            requests=figures.requests,
            retries=dict(figures.retries_by_cause),
            bytes=figures.bytes,
            seconds=round(time.monotonic() - self.started, 3),
            controller_seconds=round(figures.seconds_answering, 3),
            share_held_back=round(figures.share_held_back, 4),
            lag_seconds=(now - newest).total_seconds() if live and newest else None,
            warnings=self.warnings,
        )


@contextmanager
def logged_run(
    connection: Connection, database_url: str, cipher: Cipher, request: SyncRequest, kind: str
) -> Iterator[tuple[SyncRun, ControllerClient]]:
    """Open a client for a sync of this `kind` (sync, backfill or reconcile), and log its figures or its error."""
    values = {"cluster": request.cluster.id, "kind": kind, "dagster_run_id": request.dagster_run_id}
    [(number,)] = connection.execute(statement("raw/begin_run"), values).fetchall()
    run, client = SyncRun(), None

    def end(outcome: str, error: str | None = None) -> None:
        report = run.report(client)
        values = {**asdict(report), "retries": Jsonb(report.retries), "outcome": outcome, "error": error}
        connection.execute(statement("raw/end_run"), {**values, "run": number})

    try:
        with open_client(connection, database_url, cipher, request) as client:
            yield run, client
    except Exception as error:
        with suppress(psycopg.Error):  # if the database failed, the next sync marks this run as interrupted
            connection.execute(statement("clusters/forget_listed"), {"cluster": request.cluster.id})
            end("failed", redact(str(error), client.secrets() if client else ()))
        raise
    end("succeeded")
