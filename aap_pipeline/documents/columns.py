"""The one place that says which field of a controller's document becomes which column.

A decoded record becomes plain values here, still with the controller's own ids; `batch.py` replaces those by ours.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from aap_pipeline.documents.records import FINISHED_STATUSES, LABELS_IN_LIST, HostSummary, Job, Launcher, Named, Refused

_NAME_LENGTH: Final = 255
_MILLISECOND: Final = Decimal("0.001")

JOB_COLUMNS: Final = (
    ("external_id", "int4"),
    ("type", "text"),
    ("job_type", "text"),
    ("launch_type", "text"),
    ("job_slice_number", "int4"),
    ("job_slice_count", "int4"),
    ("name", "text"),
    ("full_name", "text"),
    ("description", "text"),
    ("status", "text"),
    ("started", "timestamptz"),
    ("never_started", "bool"),
    ("clock_ran_backwards", "bool"),
    ("finished", "timestamptz"),
    ("elapsed", "numeric"),
    ("failed", "bool"),
    ("created", "timestamptz"),
    ("modified", "timestamptz"),
    ("provisional", "bool"),
    ("fingerprint", "bytea"),
    ("num_hosts", "int4"),
    ("changed_hosts_count", "int4"),
    ("dark_hosts_count", "int4"),
    ("failures_hosts_count", "int4"),
    ("ok_hosts_count", "int4"),
    ("processed_hosts_count", "int4"),
    ("skipped_hosts_count", "int4"),
    ("failed_hosts_count", "int4"),
    ("ignored_hosts_count", "int4"),
    ("rescued_hosts_count", "int4"),
    ("organization_id", "int4"),
    ("job_template_id", "int4"),
    ("project_id", "int4"),
    ("inventory_id", "int4"),
    ("execution_environment_id", "int4"),
    ("instance_group_id", "int4"),
    ("launched_by_id", "int4"),
    ("launcher_named", "bool"),
)
"""Columns of core_incoming_job with their types: those of clusters_job that a document fills, and launcher_named."""

DIMENSIONS: Final = (
    "organization",
    "job_template",
    "project",
    "inventory",
    "execution_environment",
    "instance_group",
)
"""What a job refers to by id, in the order of the columns; those of its launcher follow them."""

LauncherKey = tuple[str, int | str]
"""Type and external id of a launcher; type and name of one that has no id."""
HostKey = int | str
"""External id of a host; the name of one that is in no inventory."""


@dataclass(slots=True)
class JobRow:
    """A job on its way to clusters_job: `values` are its columns up to the references, which follow by their keys."""

    external_id: int
    values: tuple[object, ...]
    references: tuple[Named | None, ...]
    launcher: LauncherKey | None
    launcher_name: str | None
    launcher_named: bool
    """Whether the document names it; otherwise it is who created the job, or None, and one that is known goes first."""
    labels: dict[int, str]
    hosts: list[tuple[HostKey, str | None, str | None]]
    summaries: list[tuple[HostKey, bytes]]

    def keep_from(self, earlier: JobRow) -> None:
        """Take over what an earlier document of the job refers to and this one does not, for it was deleted since; not
        its name, which a document in between may have changed."""
        self.references = tuple(
            Named(id=before.id) if now is None and before is not None else now
            for now, before in zip(self.references, earlier.references, strict=True)
        )
        if not self.launcher_named and earlier.launcher is not None:
            self.launcher, self.launcher_name, self.launcher_named = earlier.launcher, None, earlier.launcher_named


def job_row(job: Job, *, provisional: bool, fingerprint: bytes) -> JobRow:
    """The columns of `job` and of its labels and host summaries. Raises Refused if its labels are not complete."""
    summaries = list({summary.id: summary for summary in job.job_host_summaries}.values())
    backwards = job.clock_ran_backwards
    started = job.finished if backwards else job.started or job.finished or job.created
    values = (
        job.id,
        job.type or "job",
        job.job_type or "run",
        job.launch_type or "manual",
        job.job_slice_number,
        job.job_slice_count,
        job.name[:_NAME_LENGTH],
        job.name if len(job.name) > _NAME_LENGTH else None,
        job.description,
        job.status,
        started,
        job.started is None,
        backwards,
        job.finished,
        (Decimal(0) if backwards else job.elapsed or Decimal(0)).quantize(_MILLISECOND, ROUND_HALF_UP),
        (job.status in FINISHED_STATUSES and job.status != "successful") if job.failed is None else job.failed,
        job.created,
        job.modified,
        provisional,
        fingerprint,
        *_host_counts(summaries),
    )
    launcher, launcher_name, launcher_named = _launcher(job)
    hosts = [_host(summary) for summary in summaries]
    return JobRow(
        job.id,
        values,
        tuple(reference_of(getattr(job, name), getattr(job.summary_fields, name)) for name in DIMENSIONS),
        launcher,
        launcher_name,
        launcher_named,
        _labels(job),
        hosts,
        [(host[0], _summary_tail(summary)) for host, summary in zip(hosts, summaries, strict=True)],
    )


def _host_counts(summaries: Sequence[HostSummary]) -> tuple[int, ...]:
    """num_hosts, then in how many host summaries each counter is above zero, in the order of the columns."""
    changed = dark = failures = ok = processed = skipped = failed = ignored = rescued = 0
    for summary in summaries:
        changed += summary.changed > 0
        dark += summary.dark > 0
        failures += summary.failures > 0
        ok += summary.ok > 0
        processed += summary.processed > 0
        skipped += summary.skipped > 0
        failed += summary.failed
        ignored += summary.ignored > 0
        rescued += summary.rescued > 0
    return (len(summaries), changed, dark, failures, ok, processed, skipped, failed, ignored, rescued)


def reference_of(identity: int | None, summary: Named | None) -> Named | None:
    """What a record refers to: by its foreign key, named by its summary if that is of the same thing."""
    if summary is None:
        return None if identity is None else Named(id=identity)
    if identity is None or summary.id is None or summary.id == identity:
        summary.id = identity if identity is not None else summary.id
        return None if summary.id is None else summary
    return Named(id=identity)


def _launcher(job: Job) -> tuple[LauncherKey | None, str | None, bool]:
    """Key and name of the launcher, and whether the document names it."""
    launcher = job.launched_by
    if launcher is None:  # its workflow job was deleted
        user = job.summary_fields.created_by
        launcher = Launcher(id=user.id, name=user.username, type="user") if user else Launcher()
    who = launcher.name if launcher.id is None else launcher.id
    key = None if who is None else (launcher.type or "user", who)
    return key, launcher.name, key is not None and job.launched_by is not None


def _labels(job: Job) -> dict[int, str]:
    labels = job.summary_fields.labels
    if labels is None:
        return {}
    if len(labels.results) <= LABELS_IN_LIST < (labels.count or 0):
        raise Refused("labels_cut", f"The job has {labels.count} labels, of which {len(labels.results)} are there.")
    return {label.id: label.name for label in labels.results}


def _host(summary: HostSummary) -> tuple[HostKey, str | None, str | None]:
    """Key, name and description of the summary's host; the name in the inventory goes before the name in the play."""
    known = summary.summary_fields.host if summary.summary_fields else None
    identity = summary.host if summary.host is not None else (known.id if known else None)
    if identity is None:
        name = summary.host_name or ""
        return name, name, None
    if known is None or known.id not in (None, identity):
        return identity, summary.host_name, None
    return identity, known.name or summary.host_name, known.description


# PostgreSQL's binary COPY: each field is its length and its bytes; a timestamptz is microseconds since 2000.
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_COUNTS: Final = struct.Struct("!" + "ii" * 6 + "i?" + "ii" * 2 + "iq" * 2)
_LENGTH: Final = struct.Struct("!i")
_pack_head: Final[Callable[..., bytes]] = struct.Struct("!h" + "ii" * 2).pack
_SUMMARY_FIELDS: Final = 14


def summary_head(job_id: int, host_id: int) -> bytes:
    """The beginning of a host summary's row in binary COPY, of which `JobRow.summaries` holds the rest."""
    return _pack_head(_SUMMARY_FIELDS, 4, job_id, 4, host_id)


def _summary_tail(summary: HostSummary) -> bytes:
    """host_name, the counters, created and modified, in the order of sql/core/copy_host_summaries.sql."""
    name = (summary.host_name or "")[:_NAME_LENGTH].encode()
    created = (summary.created - _EPOCH) // _MICROSECOND
    same = summary.modified == summary.created  # as a controller stores them; arithmetic on datetimes is slow
    modified = created if same else (summary.modified - _EPOCH) // _MICROSECOND
    return (
        _LENGTH.pack(len(name))
        + name
        + _COUNTS.pack(
            4,
            summary.changed,
            4,
            summary.dark,
            4,
            summary.failures,
            4,
            summary.ok,
            4,
            summary.processed,
            4,
            summary.skipped,
            1,
            summary.failed,
            4,
            summary.ignored,
            4,
            summary.rescued,
            8,
            created,
            8,
            modified,
        )
    )
