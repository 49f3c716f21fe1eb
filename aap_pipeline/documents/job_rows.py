"""Build the rows of a job from its document: the job, its dimensions, labels and host summaries.

A field with a `DatabaseColumn` in `records.py` is a column; this module defines those computed from several fields.
Values have the controller's ids, which `core/batch.py` replaces by database ids.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from operator import attrgetter
from typing import Final, Self, get_type_hints

from msgspec import Struct

from aap_pipeline.documents.records import (
    FINISHED_STATUSES,
    LABELS_IN_LIST,
    DatabaseColumn,
    HostSummary,
    Job,
    Launcher,
    ListedJob,
    Named,
    Refused,
)

_NAME_LENGTH: Final = 255
_MILLISECOND: Final = Decimal("0.001")
DIMENSIONS: Final = (
    "organization",
    "job_template",
    "project",
    "inventory",
    "execution_environment",
    "instance_group",
)
"""The dimensions that a job references by id, in column order; the launcher follows them."""

LauncherKey = tuple[str, int | str]
"""Type and external id of a launcher, or type and name if it has no id."""
HostKey = int | str
"""External id of a host, or its name if it is in no inventory."""


@dataclass(slots=True)
class JobRow:
    """A row of clusters_job: `values` of JOB_COLUMNS, `references` to DIMENSIONS."""

    external_id: int
    values: tuple[object, ...]
    references: tuple[Named | None, ...]
    launcher: LauncherKey | None
    launcher_name: str | None
    launcher_named: bool
    """Whether the document has a launcher. If not, it is the creator or None, and a stored launcher is kept."""
    labels: dict[int, str]
    hosts: list[tuple[HostKey, str | None, str | None]]
    summaries: list[tuple[HostKey, tuple[object, ...]]]
    """The values of SUMMARY_COLUMNS by host."""

    def keep_from(self, earlier: Self) -> None:
        """Keep references of an earlier document that this one lacks, because the objects were deleted since."""
        self.references = tuple(
            Named(id=before.id) if now is None and before is not None else now
            for now, before in zip(self.references, earlier.references, strict=True)
        )
        if not self.launcher_named and earlier.launcher is not None:
            self.launcher, self.launcher_name, self.launcher_named = earlier.launcher, None, earlier.launcher_named


def _declared(record: type[Struct]) -> dict[str, DatabaseColumn]:
    hints = get_type_hints(record, include_extras=True)
    return {
        field: column
        for field, hint in hints.items()
        for column in getattr(hint, "__metadata__", ())
        if isinstance(column, DatabaseColumn)
    }


def _value(field: str, default: object) -> Callable[[Job], object]:
    value = attrgetter(field)
    return value if default is None else lambda job: value(job) or default


def _started(job: Job) -> object:
    return job.finished if job.clock_ran_backwards else job.started or job.finished or job.created


def _elapsed(job: Job) -> Decimal:
    elapsed = Decimal(0) if job.clock_ran_backwards else job.elapsed or Decimal(0)
    return elapsed.quantize(_MILLISECOND, ROUND_HALF_UP)


def _failed(job: Job) -> bool:
    return job.status in FINISHED_STATUSES - {"successful"} if job.failed is None else job.failed


_OF_A_JOB: Final[tuple[tuple[str, str, Callable[[Job], object]], ...]] = (
    *(
        (column.name or field, column.type, _value(field, column.default))
        for field, column in _declared(ListedJob).items()
    ),
    ("name", "text", lambda job: job.name[:_NAME_LENGTH]),
    ("full_name", "text", lambda job: job.name if len(job.name) > _NAME_LENGTH else None),
    ("started", "timestamptz", _started),
    ("never_started", "bool", lambda job: job.started is None),
    ("clock_ran_backwards", "bool", lambda job: job.clock_ran_backwards),
    ("elapsed", "numeric", _elapsed),
    ("failed", "bool", _failed),
)
_COUNTED: Final = ("changed", "dark", "failures", "ok", "processed", "skipped", "failed", "ignored", "rescued")
"""Fields of a host summary. A job counts the hosts in which each is above zero."""

JOB_COLUMNS: Final[Mapping[str, str]] = {
    **{name: type_ for name, type_, _ in _OF_A_JOB},
    "provisional": "bool",
    "fingerprint": "bytea",
    "num_hosts": "int4",
    **{f"{name}_hosts_count": "int4" for name in _COUNTED},
}
"""Types of the columns of clusters_job without its references, which follow them."""

REFERENCE_COLUMNS: Final = tuple(f"{name}_id" for name in (*DIMENSIONS, "launched_by"))
"""Columns of clusters_job that reference dimensions."""

_SUMMARY_FIELDS: Final = _declared(HostSummary)
_declared_values: Final = attrgetter(*_SUMMARY_FIELDS)
SUMMARY_COLUMNS: Final[Mapping[str, str]] = {
    **{column.name or field: column.type for field, column in _SUMMARY_FIELDS.items()},
    "host_name": "text",
}
"""Types of the columns of clusters_jobhostsummary without its references to job and host."""


def job_row(job: Job, *, provisional: bool, fingerprint: bytes) -> JobRow:
    """Return the columns of `job`, its labels and host summaries. Raises Refused if its labels are not complete."""
    summaries = list({summary.id: summary for summary in job.job_host_summaries}.values())
    counts = (sum(getattr(summary, name) > 0 for summary in summaries) for name in _COUNTED)
    values = (*(value(job) for _, _, value in _OF_A_JOB), provisional, fingerprint, len(summaries), *counts)
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
        [
            (host[0], (*_declared_values(summary), (summary.host_name or "")[:_NAME_LENGTH]))
            for host, summary in zip(hosts, summaries, strict=True)
        ],
    )


def reference_of(identity: int | None, summary: Named | None) -> Named | None:
    """Return the referenced object: its id from the foreign key, its name from the summary if the ids agree."""
    if summary is None:
        return None if identity is None else Named(id=identity)
    if identity is None or summary.id is None or summary.id == identity:
        summary.id = identity if identity is not None else summary.id
        return None if summary.id is None else summary
    return Named(id=identity)


def _launcher(job: Job) -> tuple[LauncherKey | None, str | None, bool]:
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
        raise Refused("labels_cut", f"The job has {labels.count} labels, but the document only {len(labels.results)}.")
    return {label.id: label.name for label in labels.results}


def _host(summary: HostSummary) -> tuple[HostKey, str | None, str | None]:
    """Return key, name and description of the host; the name in the inventory precedes the name in the play."""
    known = summary.summary_fields.host if summary.summary_fields else None
    identity = summary.host if summary.host is not None else (known.id if known else None)
    if identity is None:
        name = summary.host_name or ""
        return name, name, None
    if known is None or known.id not in (None, identity):
        return identity, summary.host_name, None
    return identity, known.name or summary.host_name, known.description
