"""Detect changed documents by a digest of the fields that stage core reads."""

from decimal import ROUND_HALF_UP, Decimal
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import Struct

from aap_pipeline.documents import records
from aap_pipeline.documents.records import LABELS_IN_LIST, JobSummaryFields, JobTemplate, ListedJob, Organization

VERSION: Final = 1
"""Increase it if core interprets a field differently. Then, as after adding or removing a field, every fingerprint
changes and syncs read the jobs of their windows again."""
DIGEST_SIZE: Final = 16
_MILLISECOND: Final = Decimal("0.001")
_TYPES: Final[dict[str, type[Struct]]] = {"job": ListedJob, "organization": Organization, "job_template": JobTemplate}
_ENCODER: Final = msgspec.msgpack.Encoder()
_of_job: Final = attrgetter(
    *(name for name in ListedJob.__struct_fields__ if name not in ("elapsed", "summary_fields"))
)
_of_summary_fields: Final = attrgetter(*(name for name in JobSummaryFields.__struct_fields__ if name != "labels"))


def schema(version: int) -> bytes:
    """Return the key of the digests, which depends on `version` and on the fields of all records."""
    fields = sorted(
        (name, sorted(type_.__struct_fields__))
        for name, type_ in vars(records).items()
        if isinstance(type_, type) and issubclass(type_, Struct)
    )
    return blake2b(repr((version, fields)).encode()).digest()


SCHEMA: Final = schema(VERSION)


def fingerprint(document: dict[str, Any] | bytes, kind: str = "job") -> bytes:
    """Return the digest (16 bytes) of the fields that core reads of `document`, without the host summaries.

    A row of the controller's list and its raw row have the same digest, because the raw row keeps the ten labels of
    the list first. Volatile fields (a project's status, an inventory's counters, the user's permissions) are excluded.
    For a document that cannot be decoded, the digest is of the same keys with their raw values.
    """
    content: Any = document
    type_ = _TYPES.get(kind)
    try:
        if isinstance(document, bytes):
            content = msgspec.json.decode(document)
        if type_ is not None:
            record = msgspec.convert(content, type_)
            return _digest(_ENCODER.encode(_job_identity(record) if isinstance(record, ListedJob) else record))
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
        pass
    try:
        if type_ is not None and isinstance(content, dict):
            content = {key: value for key, value in content.items() if key in type_.__struct_fields__}
        return _digest(msgspec.json.encode(content, order="sorted"))
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return _digest(repr(document).encode(errors="replace"))


def _job_identity(job: ListedJob) -> tuple[object, ...]:
    labels = job.summary_fields.labels
    shown = labels.results[:LABELS_IN_LIST] if labels else []
    return (
        _of_job(job),
        None if job.elapsed is None else str(job.elapsed.quantize(_MILLISECOND, ROUND_HALF_UP)),
        _of_summary_fields(job.summary_fields),
        (labels.count if labels else None, sorted((label.id, label.name) for label in shown)),
    )


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=DIGEST_SIZE, key=SCHEMA).digest()
