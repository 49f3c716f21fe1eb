"""The state of one simulated controller, thread-safe: what it holds, how it changes, and what a perfect copy of it
would hold.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

import orjson

from aap_simulator import render, render_objects
from aap_simulator.clock import EPOCH, Clock
from aap_simulator.entities import Catalog, JobSpec
from aap_simulator.products import PRODUCTS, Product
from aap_simulator.query import MAX_PAGE_SIZE
from aap_simulator.rows import Job
from aap_simulator.schema import HOST_SUMMARIES, JOBS, OBJECTS
from aap_simulator.table import Row, Table

Document = dict[str, Any]


@dataclass(frozen=True)
class JobTruth:
    """A job as a perfect copy holds it: the list row, the host summaries delivered so far, and all labels."""

    job: Document
    host_summaries: list[Document]
    labels: list[Document]


@dataclass(frozen=True)
class Truth:
    """What a perfect copy holds.

    `jobs`: the finished jobs that still exist; `deleted`: the finished jobs that the controller has deleted; both by
    id. The objects are those of today.
    """

    jobs: dict[int, JobTruth]
    deleted: dict[int, JobTruth]
    organizations: list[Document] = field(default_factory=list)
    job_templates: list[Document] = field(default_factory=list)


class World:
    """One controller's data. Every method locks. Hold `world.lock` to make several calls atomic."""

    def __init__(self, product: Product = PRODUCTS["awx"], clock: Clock | None = None) -> None:
        self.product = product
        self.clock = clock or Clock()
        self.lock = RLock()
        self.jobs: Table[Job] = Table(JOBS, finished=True)
        self.objects: dict[str, Table[Row]] = {name: Table(schema) for name, schema in OBJECTS.items()}
        self.deleted: dict[int, JobTruth] = {}
        self.max_page_size = MAX_PAGE_SIZE
        self.changed = False
        self._of_hosts: dict[int, Table[Row]] | None = None

    def advance(self) -> None:
        """Apply the changes that are due by the clock. Called before each request; there are none in this class."""

    def insert_behind(self) -> None:
        """Finish a job before the newest `finished`. Does nothing in this class."""

    def _change(self) -> None:
        self.changed, self._of_hosts = True, None

    # Loading

    def load_catalog(self, catalog: Catalog) -> None:
        """Load organizations, templates, labels and all other objects."""
        for name, documents in render_objects.catalog_documents(catalog, self.product.prefix).items():
            self.load_objects(name, documents)

    def load_objects(self, name: str, documents: Iterable[Document]) -> None:
        """Replace the list `name` (organizations, job_templates, labels, …)."""
        with self.lock:
            self.objects[name] = Table(OBJECTS[name], (Row(row["id"], orjson.dumps(row)) for row in documents))

    def load_specs(self, specs: Iterable[JobSpec]) -> None:
        """Load generated jobs in bulk."""
        with self.lock:
            self._of_hosts = None
            rows = [*self.jobs, *map(self._job, specs)]
            self.jobs = Table(JOBS, rows, finished=True)

    def load_job(
        self, document: Document, summaries: list[Document], labels: tuple[int, ...] = (), *, stats: bool = True
    ) -> Job:
        """Add one job as a document. `stats=False`: its stats event, which delivers `summaries`, is pending."""
        job = Job(document, labels)
        if stats:
            job.deliver(summaries)
        else:
            job.pending = summaries
        with self.lock:
            self._of_hosts = None
            self.jobs.add(job)
        return job

    def _job(self, spec: JobSpec) -> Job:
        document = render.job(spec, self.product.prefix, self.product.node)
        job = Job(document, tuple(label.id for label in spec.labels))
        self._attach(job, spec, document)
        return job

    def _attach(self, job: Job, spec: JobSpec, document: Document) -> None:
        summaries = render.host_summaries(spec, document, self.product.prefix)
        if spec.finished is None:
            job.pending = []
        elif spec.stats == "delivered":
            job.deliver(summaries)
        else:
            job.pending = summaries if spec.stats == "late" else []

    def summaries_of_host(self, host_id: int) -> Table[Row]:
        """The host summaries of all jobs whose `host` it is, as a list that can be queried."""
        with self.lock:
            if self._of_hosts is None:
                self._of_hosts = {}
                for job in self.jobs:
                    for id_, row in job.arrived:
                        if (host := orjson.loads(row)["host"]) is not None:
                            self._of_hosts.setdefault(host, Table(HOST_SUMMARIES)).add(Row(id_, row))
            return self._of_hosts.get(host_id) or Table(HOST_SUMMARIES)

    # Jobs

    def add_spec(self, spec: JobSpec) -> int:
        """Add one job and return its id."""
        with self.lock:
            self._change()
            self.jobs.add(self._job(spec))
        return spec.id

    def finish_spec(self, spec: JobSpec) -> None:
        """Replace a job that was not finished by its finished form."""
        with self.lock:
            self._change()
            job = self.jobs.rows[spec.id]
            document = render.job(spec, self.product.prefix, self.product.node)
            self.jobs.update(job, document)
            self._attach(job, spec, document)

    def delete_job(self, job_id: int) -> None:
        """Delete a job as `cleanup_jobs` does; a copy that has it keeps it (`truth().deleted`)."""
        with self.lock:
            self._change()
            job = self.jobs.rows[job_id]
            if job.values["finished"] is not None:
                self.deleted[job_id] = self._truth(job)
            self.jobs.remove(job_id)

    def deliver_summaries(self, job_id: int | None = None) -> list[int]:
        """Process the stats event of one job, or of all jobs with pending host summaries. Returns their ids."""
        with self.lock:
            self._change()
            waiting = [self.jobs.rows[job_id]] if job_id is not None else [job for job in self.jobs if job.pending]
            for job in waiting:
                job.deliver(job.pending or [])
                job.values.pop("host_status_counts", None)
            return [job.id for job in waiting]

    def newest_finished(self) -> datetime | None:
        """When the newest finished job finished."""
        with self.lock:
            stamps = self.jobs.finished
            return EPOCH + timedelta(microseconds=stamps[-1][0]) if stamps else None

    def set_labels(self, job_id: int, label_ids: Iterable[int]) -> None:
        """Give a job other labels (ids of existing labels)."""
        with self.lock:
            self._change()
            job = self.jobs.rows[job_id]
            job.labels = tuple(label_ids)
            rows = sorted(
                (self.objects["labels"].rows[id_].document() for id_ in job.labels), key=lambda row: str(row["name"])
            )
            shown = [{"id": row["id"], "name": row["name"]} for row in rows[: render.LABELS_SHOWN]]
            document = job.document()
            document["summary_fields"]["labels"] = {"count": len(rows), "results": shown}
            self.jobs.update(job, document)

    # What jobs refer to

    def rename(self, kind: str, id_: int, name: str) -> None:
        """Rename an object (`kind` "organizations" or "job_templates"); jobs and host summaries show the new name, a
        job's own name stays.
        """
        with self.lock:
            self._change()
            self._edit_object(kind, id_, name)
            for job in self._jobs_of(kind, id_):
                self._edit_job(job, kind, name)

    def delete_object(self, kind: str, id_: int) -> None:
        """Delete an organization or job template: null in its jobs, summary keys and links gone."""
        with self.lock:
            self._change()
            self.objects[kind].remove(id_)
            for job in self._jobs_of(kind, id_):
                self._edit_job(job, kind, None)

    def _edit_object(self, kind: str, id_: int, name: str) -> None:
        row = self.objects[kind].rows[id_]
        self.objects[kind].update(row, {**row.document(), "name": name})
        if kind == "organizations":
            for other in ("job_templates", "labels"):
                for owned in self.objects[other]:
                    document = owned.document()
                    if document["organization"] == id_:
                        document["summary_fields"]["organization"]["name"] = name
                        self.objects[other].update(owned, document)

    def _jobs_of(self, kind: str, id_: int) -> list[Job]:
        key = kind[:-1]
        return [job for job in self.jobs if job.read(key, JOBS) == id_]

    def _edit_job(self, job: Job, kind: str, name: str | None) -> None:
        document = job.document()
        keys = ("job_template", "unified_job_template") if kind == "job_templates" else ("organization",)
        for key in keys:
            if name is None:
                document[key] = None
                document["related"].pop(key, None)
                document["summary_fields"].pop(key, None)
            elif key in document["summary_fields"]:
                document["summary_fields"][key]["name"] = name
        self.jobs.update(job, document)
        if kind == "job_templates":
            reference = render.job_reference(document)
            self._edit_summaries(job, lambda row: row["summary_fields"].update(job=reference))

    def _edit_summaries(self, job: Job, edit: Callable[[Document], None]) -> None:
        summaries = job.summaries()
        for row in summaries:
            edit(row)
        job.arrived = [(row["id"], orjson.dumps(row)) for row in summaries]
        for row in job.pending or []:
            edit(row)

    def delete_host(self, host_id: int) -> None:
        """Delete a host from its inventory: `host` is null in its summaries, the name stays."""

        def edit(row: Document) -> None:
            if row["host"] == host_id:
                row["host"] = None
                row["related"].pop("host", None)
                row["summary_fields"].pop("host", None)

        with self.lock:
            self._change()
            if host_id in self.objects["hosts"].rows:
                self.objects["hosts"].remove(host_id)
            marker = f'"host":{host_id},'.encode()
            for job in self.jobs:
                if job.pending or any(marker in summary for _, summary in job.arrived):
                    self._edit_summaries(job, edit)

    # Truth

    def truth(self) -> Truth:
        """What a perfect copy of the finished jobs would hold now. Summaries still waiting for their stats event are
        not part of it.
        """
        with self.lock:
            return Truth(
                jobs={job.id: self._truth(job) for job in self.jobs if job.values["finished"] is not None},
                deleted=dict(self.deleted),
                organizations=[row.document() for row in self.objects["organizations"]],
                job_templates=[row.document() for row in self.objects["job_templates"]],
            )

    def _truth(self, job: Job) -> JobTruth:
        labels = self.objects["labels"].rows
        return JobTruth(
            job.document(), job.summaries(), [labels[id_].document() for id_ in job.labels if id_ in labels]
        )
