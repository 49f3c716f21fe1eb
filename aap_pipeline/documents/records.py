"""Typed records of a controller's documents, with the fields that stage core reads and the rules that reject them.

Unknown keys, launch types and job types are accepted, because later controllers may add some. A document with a missing
id, a number out of range or an unknown status is rejected with a reason and goes whole to quarantine.

A field is declared once, here. Its decoder, its part of the fingerprint (`fingerprint.py`) and, with a
`DatabaseColumn`, its place in COPY and in the statement that stores it follow. `job_rows.py` adds the columns
computed from several fields.
"""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta, Struct

INT32_MAX: Final = 2**31 - 1
FINISHED_STATUSES: Final = frozenset({"successful", "failed", "error", "canceled"})
STATUSES: Final = frozenset({"new", "pending", "waiting", "running"}) | FINISHED_STATUSES
LABELS_IN_LIST: Final = 10  # the maximum in a job list
_ELAPSED_LIMIT: Final = Decimal(10) ** 12  # numeric(15,3)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_YEARS: Final = range(1970, 2200)  # the range of the calendar table

Id = Annotated[int, Meta(ge=1, le=INT32_MAX)]
Counter = Annotated[int, Meta(ge=0, le=INT32_MAX)]
Name = Annotated[str, Meta(max_length=512)]
HostName = Annotated[str, Meta(max_length=1024)]
Code = Annotated[str, Meta(max_length=20)]
Timestamp = Annotated[datetime, Meta(tz=True)]


class DatabaseColumn(NamedTuple):
    """The column of a field: PostgreSQL's type, the name if it differs from the field's, the value for null."""

    type: str
    name: str = ""
    default: object = None


_TEXT: Final = DatabaseColumn("text")
_NUMBER: Final = DatabaseColumn("int4")
_TIME: Final = DatabaseColumn("timestamptz")


class Refused(Exception):
    """A document that core cannot store: `reason` is a code to group by, `str(error)` a sentence."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Named(Struct, gc=False, kw_only=True):
    """An object that a job references, as in `summary_fields`, which omits null values."""

    id: Id | None = None
    name: Name | None = None
    description: str | None = None


class Label(Struct, gc=False, kw_only=True):
    """A label of a job."""

    id: Id
    name: Name


class Labels(Struct, kw_only=True):
    """A job's labels: their `count`, and in a job list the first ten."""

    count: Counter | None = None
    results: list[Label] = []


class User(Struct, gc=False, kw_only=True):
    """`summary_fields.created_by`."""

    id: Id | None = None
    username: Name | None = None


class Launcher(Struct, gc=False, kw_only=True):
    """The launcher of a job: a user, a schedule, a webhook's template, a dependency; `{}` if it was deleted."""

    id: Id | None = None
    name: Name | None = None
    type: Annotated[str, Meta(max_length=50)] | None = None


class JobSummaryFields(Struct, kw_only=True):
    """The parts of a job's `summary_fields` that core reads. A key is absent if its foreign key is null."""

    organization: Named | None = None
    job_template: Named | None = None
    project: Named | None = None
    inventory: Named | None = None
    execution_environment: Named | None = None
    instance_group: Named | None = None
    created_by: User | None = None
    labels: Labels | None = None


class ListedJob(Struct, kw_only=True):
    """A row of a job list; the columns are those of clusters_job."""

    id: Annotated[Id, DatabaseColumn("int4", "external_id")]
    name: Name
    status: Annotated[str, _TEXT]
    type: Annotated[Code | None, DatabaseColumn("text", default="job")] = None
    job_type: Annotated[Code | None, DatabaseColumn("text", default="run")] = None
    launch_type: Annotated[Code | None, DatabaseColumn("text", default="manual")] = None
    job_slice_number: Annotated[Counter | None, _NUMBER] = None
    job_slice_count: Annotated[Counter | None, _NUMBER] = None
    description: Annotated[str | None, _TEXT] = None
    started: Timestamp | None = None
    finished: Annotated[Timestamp | None, _TIME] = None
    elapsed: Decimal | None = None
    failed: bool | None = None
    created: Annotated[Timestamp | None, _TIME] = None
    modified: Annotated[Timestamp | None, _TIME] = None
    organization: Id | None = None
    job_template: Id | None = None
    project: Id | None = None
    inventory: Id | None = None
    execution_environment: Id | None = None
    instance_group: Id | None = None
    launched_by: Launcher | None = None
    summary_fields: JobSummaryFields = msgspec.field(default_factory=JobSummaryFields)


class HostSummaryFields(Struct, gc=False, kw_only=True):
    """`summary_fields` of a host summary. `host` is absent if the host was deleted or never in an inventory."""

    host: Named | None = None


class HostSummary(Struct, gc=False, kw_only=True):
    """One host's result in one job; the columns are those of clusters_jobhostsummary."""

    id: Id
    created: Annotated[Timestamp, _TIME]
    modified: Annotated[Timestamp, _TIME]
    job: Id | None = None
    host: Id | None = None
    host_name: HostName | None = None
    changed: Annotated[Counter, _NUMBER] = 0
    dark: Annotated[Counter, _NUMBER] = 0
    failures: Annotated[Counter, _NUMBER] = 0
    ok: Annotated[Counter, _NUMBER] = 0
    processed: Annotated[Counter, _NUMBER] = 0
    skipped: Annotated[Counter, _NUMBER] = 0
    failed: Annotated[bool, DatabaseColumn("bool")] = False
    ignored: Annotated[Counter, _NUMBER] = 0
    rescued: Annotated[Counter, _NUMBER] = 0
    summary_fields: HostSummaryFields | None = None


class Job(ListedJob, kw_only=True):
    """A raw row of kind `job`: the list's row with the job's host summaries, which may be empty but not missing."""

    job_host_summaries: list[HostSummary]

    @property
    def clock_ran_backwards(self) -> bool:
        """Whether it finished before it started, because two nodes with different clocks set the times."""
        if self.status not in FINISHED_STATUSES or self.finished is None or self.elapsed is None:
            return False
        return self.elapsed < 0 or (self.started is not None and self.finished < self.started)


class Organization(Struct, gc=False, kw_only=True):
    """A raw row of kind `organization`."""

    id: Id
    name: Name
    description: str | None = None


class JobTemplate(Struct, kw_only=True):
    """A raw row of kind `job_template`."""

    id: Id
    name: Name
    description: str | None = None
    organization: Id | None = None
    summary_fields: JobSummaryFields = msgspec.field(default_factory=JobSummaryFields)


class GoneTemplates(Struct, kw_only=True):
    """A raw row of kind `job_template_gone`: external ids of templates that the controller no longer lists."""

    ids: list[Id]


class SettledJobs(Struct, kw_only=True):
    """A raw row of kind `job_settled`: external ids of jobs whose host summaries are no longer awaited."""

    ids: list[Id]


Record = Job | Organization | JobTemplate | GoneTemplates | SettledJobs

_DECODERS: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    "job": msgspec.json.Decoder(Job),
    "organization": msgspec.json.Decoder(Organization),
    "job_template": msgspec.json.Decoder(JobTemplate),
    "job_template_gone": msgspec.json.Decoder(GoneTemplates),
    "job_settled": msgspec.json.Decoder(SettledJobs),
}


def decode(kind: str, document: bytes) -> Record:
    """Decode and validate the record in `document` (JSON). Raises Refused with the reason."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise Refused("unknown_kind", f"This release does not support raw rows of kind {kind!r}.")
    try:
        record: Record = decoder.decode(document)
    except RecursionError:
        raise Refused("too_deep", "The document is nested too deeply.") from None
    except msgspec.ValidationError as error:
        raise Refused(_reason(str(error)), f"A field is not valid: {_shortened(str(error))}.") from None
    except ValueError as error:  # malformed JSON or UTF-8, lone surrogates
        raise Refused("not_json", f"The document is not JSON: {_shortened(str(error))}.") from None
    # PostgreSQL's text cannot contain NUL. One search shows that most documents have none.
    if b"\\u0000" in document and holds_unstorable_text(msgspec.to_builtins(record)):
        raise Refused("nul_character", "A field contains a NUL character, which PostgreSQL cannot store.")
    if isinstance(record, Job):
        _check_job(record)
    return record


def _check_job(job: Job) -> None:
    if job.status not in STATUSES:
        raise Refused(
            "unknown_status", f"Status {_shortened(job.status)!r} is not one of {', '.join(sorted(STATUSES))}."
        )
    if job.status in FINISHED_STATUSES:
        if job.finished is None:
            raise Refused("finished_missing", f"The job is {job.status} and has no finish time.")
        if job.elapsed is None:
            raise Refused("elapsed_missing", f"The job is {job.status} and has no elapsed time.")
    elif job.started is None and job.created is None:
        raise Refused("start_missing", "The job has neither a start nor a creation time.")
    if job.elapsed is not None and not (job.elapsed.is_finite() and job.elapsed < _ELAPSED_LIMIT - 1):
        raise Refused("out_of_range", "Elapsed does not fit numeric(15,3).")
    if not job.clock_ran_backwards:
        if job.elapsed is not None and job.elapsed < 0:
            raise Refused("out_of_range", f"Elapsed is negative, and the job is {job.status}.")
        if job.started is not None and job.finished is not None and job.finished < job.started:
            raise Refused("finished_before_started", f"The job is {job.status} and finished before it started.")
    for moment in (job.started, job.finished, job.created, job.modified):
        _check_year(moment)
    for summary in job.job_host_summaries:
        _check_year(summary.created)
        _check_year(summary.modified)
        if summary.job is not None and summary.job != job.id:
            raise Refused("foreign_host_summary", f"Host summary {summary.id} belongs to job {summary.job}.")


def _check_year(moment: datetime | None) -> None:
    # One year of margin, because a time zone may shift a day across the limit.
    if moment is not None and not _YEARS.start <= moment.year < _YEARS.stop:
        raise Refused("out_of_range", f"The year {moment.year} is not in {_YEARS.start} to {_YEARS.stop - 1}.")


def holds_unstorable_text(value: object) -> bool:
    """Return whether a JSON value has a text that PostgreSQL cannot store: with a NUL character or a lone surrogate."""
    if isinstance(value, str):
        return "\0" in value or _SURROGATE.search(value) is not None
    if isinstance(value, dict):
        return any(holds_unstorable_text(part) for item in value.items() for part in item)
    return isinstance(value, list) and any(map(holds_unstorable_text, value))


def _reason(error: str) -> str:
    if "missing required field" in error:
        return "missing_field"
    if "of length" in error:
        return "too_long"
    if "<=" in error or ">=" in error or "out of range" in error:
        return "out_of_range"
    return "wrong_type"


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else text[:200] + "…"
