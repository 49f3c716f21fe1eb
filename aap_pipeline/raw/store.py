"""The store of the sweep in PostgreSQL: raw rows, watermark and awaited jobs. One transaction per call."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from psycopg.types.json import Jsonb

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.documents.raw_documents import RawDocument, RawJob, unstorable
from aap_pipeline.raw.window import Backfill, Plan, Stretch, Window


class RawStore:
    """Stores the data of one cluster's sync.

    It uses the connection that holds the cluster's lock. If the lock is lost, so is the connection, so that the sync
    cannot write while a second one runs.
    """

    def __init__(self, connection: Connection, cluster_id: int, plan: Plan | None = None) -> None:
        self._connection = connection
        self._cluster = cluster_id
        self.plan = plan

    def _rows(self, name: str, **values: object) -> list[Any]:
        """Run the statement raw/`name` for the cluster in its own transaction, or in one that is open."""
        with self._connection.transaction():
            cursor = self._connection.execute(statement(f"raw/{name}"), {"cluster": self._cluster, **values})
            return cursor.fetchall() if cursor.description else []

    def watermark(self) -> datetime | None:
        """Return when the newest job synced finished (UTC); None before the first sync."""
        return next((row[0] for row in self._rows("watermark")), None)

    def known(self, fingerprints: Mapping[int, bytes]) -> Mapping[int, bool]:
        """Return the unchanged ones of the jobs {id: fingerprint}; True: host summaries are still awaited."""
        return dict(self._rows("known_jobs", ids=list(fingerprints), fingerprints=list(fingerprints.values())))

    def without_id(self, kind: str, fingerprints: Collection[bytes]) -> set[bytes]:
        """Return those `fingerprints` of records of `kind` without a valid id whose documents are already stored."""
        return {row[0] for row in self._rows("without_id", kind=kind, fingerprints=list(fingerprints))}

    def stored_by_day(self, window: Window) -> dict[str, int]:
        """Count the jobs of `window` that are parsed, unparsed or in quarantine, by UTC day (ISO 8601)."""
        return dict(self._rows("stored_jobs_by_day", after=window.after, until=window.until))

    def newest_ids_by_day(self, window: Window) -> dict[str, int]:
        """Return the highest id of the parsed jobs of each UTC day (ISO 8601) in `window`."""
        return dict(self._rows("newest_ids_by_day", after=window.after, until=window.until))

    def stored_by_id(self, bounds: Collection[int]) -> dict[int, int]:
        """Count the jobs with ids between each two neighbours of `bounds`, by the upper one, which is included."""
        return dict(self._rows("stored_jobs_by_id", ids=sorted(set(bounds))))

    def write(self, jobs: Sequence[RawJob]) -> None:
        """Store `jobs`, and note whose host summaries are awaited.

        The commit is asynchronous: after a server crash the next sync reads the jobs again, because the watermark is
        before them.
        """
        with self._connection.transaction():
            self._connection.execute(statement("raw/commit_later"))
            self._write(jobs)

    def finish_slice(self, jobs: Sequence[RawJob], until: datetime, newest: datetime | None) -> None:
        """Store the last `jobs` of a slice and, in the same transaction, the watermark and a backfill's progress."""
        assert self.plan is not None  # noqa: S101
        with self._connection.transaction():
            if jobs:
                self._write(jobs)
            if newest is not None and self.plan.moves_watermark:
                self._rows("advance_watermark", newest=newest)
            if backfill := self.plan.backfill:
                asked = {"after": backfill.since, "until": backfill.until}
                if until >= self.plan.window.until:
                    self._rows("end_backfill", **asked)
                else:
                    self._rows("note_backfill_progress", **asked, done=min(until, backfill.settled))

    def resume_backfill(self, backfill: Backfill) -> datetime | None:
        """Return how far an unfinished earlier run of the same window has read."""
        return next((row[0] for row in self._rows("resume_backfill", after=backfill.since, until=backfill.until)), None)

    def pause_backfill(self, backfill: Backfill) -> None:
        """Mark the backfill as paused, so that the sensor resumes it."""
        self._rows("pause_backfill", after=backfill.since, until=backfill.until)

    def stretch(self) -> Stretch:
        """Return the stretch of jobs whose host summaries are read by host; an empty one if there is none."""
        for after_id, upto_id, host_id, hosts_upto, unreported, without, began in self._rows("host_stretch"):
            return Stretch(after_id, upto_id, host_id, hosts_upto, frozenset(unreported), frozenset(without), began)
        return Stretch()

    def begin_stretch(self, stretch: Stretch) -> None:
        """Delete the host summaries read by host, and begin another stretch."""
        self._rows("begin_host_stretch", **{**vars(stretch), "unreported": sorted(stretch.unreported)})

    def add_hosts(self, stretch: Stretch, rows: Sequence[tuple[int, bytes]]) -> None:
        """Store `rows`, (job, host summary), and the progress of `stretch`."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            with cursor.copy(statement("raw/copy_host_summaries_ahead")) as copy:
                copy.set_types(["int4", "int4", "bytea"])
                for job, document in rows:
                    copy.write_row((self._cluster, job, document))
            self._rows("note_host_stretch", host_id=stretch.host_id, without_host=sorted(stretch.without_host))

    def summaries_of(self, jobs: Collection[int]) -> Mapping[int, list[bytes]]:
        """Return the host summaries of `jobs` that were read by host."""
        found: dict[int, list[bytes]] = {}
        for job, document in self._rows("host_summaries_ahead", ids=list(jobs)):
            found.setdefault(job, []).append(document)
        return found

    def end_stretch(self) -> None:
        """Delete the stretch and its host summaries."""
        self._rows("end_host_stretch")

    def awaited(self) -> Mapping[int, datetime]:
        """Return jobs {external id: finished} whose host summaries are awaited."""
        return dict(self._rows("awaited_summaries"))

    def settle(self, ids: Collection[int], *, overdue: bool = False) -> None:
        """Stop waiting for jobs that were deleted or, if `overdue`, for host summaries past their deadline.

        Core marks the jobs as final. `given_up` returns the overdue ones.
        """
        if not ids:
            return
        settled = RawDocument("job_settled", None, None, orjson.dumps({"ids": sorted(ids)}))
        with self._connection.transaction():
            self._copy([settled])
            self._rows("give_up" if overdue else "stop_awaiting", ids=list(ids))

    def forget(self, ids: Collection[int]) -> None:
        """Delete the note that host summaries of these jobs were given up."""
        self._rows("stop_awaiting", ids=list(ids))

    def stored_ids(self, ids: Collection[int]) -> set[int]:
        """Return those `ids` whose jobs are parsed, unparsed or in quarantine."""
        return {row[0] for row in self._rows("stored_ids", ids=list(ids))}

    def given_up(self) -> Mapping[int, datetime]:
        """Return jobs {external id: finished} that are final although host summaries may be missing."""
        return dict(self._rows("given_up_summaries"))

    def write_listing(self, changed: Sequence[RawDocument]) -> None:
        """Store the changed rows of a whole listing of organizations or job templates."""
        if changed:
            with self._connection.transaction():
                self._copy(changed)

    def listed(self, kind: str) -> Mapping[int, bytes | None]:
        """Return stored organizations or job templates (`kind`) as {external id: fingerprint}."""
        return dict(self._rows("listed_fingerprints", kind=kind))

    def _write(self, jobs: Sequence[RawJob]) -> None:
        self._copy(jobs)
        noted = [job for job in jobs if job.unreported and job.external_id and job.finished]
        if noted:
            self._rows(
                "await_summaries",
                ids=[job.external_id for job in noted],
                finished=[job.finished for job in noted],
                given_up=[not job.provisional for job in noted],
            )
        self._rows("stop_awaiting", ids=[job.external_id for job in jobs if not job.unreported and job.external_id])

    def _copy(self, documents: Sequence[RawDocument]) -> None:
        refused = []
        with self._connection.cursor() as cursor, cursor.copy(statement("raw/copy_sync_data")) as copy:
            copy.set_types(["int4", "varchar", "int4", "bytea", "bool", "jsonb"])
            for row in documents:
                if reason := unstorable(row.document):
                    refused.append((row, reason))
                    continue
                document = Jsonb(row.document, dumps=bytes)
                copy.write_row((self._cluster, row.kind, row.external_id, row.fingerprint, row.provisional, document))
        for row, reason in refused:
            record = {
                "cluster_id": self._cluster,
                "kind": row.kind,
                "external_id": row.external_id,
                "reason": "unstorable_text",
                "message": reason,
                "document": row.document.decode(),
                "fingerprint": row.fingerprint,
                "provisional": row.provisional,
            }
            self._connection.execute(statement("raw/quarantine"), record)
