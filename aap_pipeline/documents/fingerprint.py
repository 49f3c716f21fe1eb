"""Whether a known document changed: a digest of what stage core reads of it, and of nothing else."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import Struct

from aap_pipeline.documents.records import (
    LABELS_IN_LIST,
    JobSummaryFields,
    JobTemplate,
    ListedJob,
    Organization,
)

DIGEST_SIZE: Final = 16
_MILLISECOND: Final = Decimal("0.001")
_TYPES: Final[dict[str, type[Struct]]] = {"job": ListedJob, "organization": Organization, "job_template": JobTemplate}
_DECODERS: Final = {kind: msgspec.json.Decoder(type_) for kind, type_ in _TYPES.items()}
_ENCODER: Final = msgspec.msgpack.Encoder()
_NAMED: Final = frozenset({"id", "name", "description", "username", "type"})


def fingerprint(document: dict[str, Any] | bytes, kind: str = "job") -> bytes:
    """Digest (16 bytes) of what core reads of `document`, without the host summaries.

    The same for a row of the controller's list and for the raw row made of it, as long as the raw row keeps the ten
    labels of the list first when it completes them. What changes by itself (a project's status, an inventory's
    counters, what the user may do) is not in it. A document that does not decode has the digest of the same keys, as
    they are.
    """
    if kind not in _TYPES:
        return _digest(msgspec.json.encode(_decoded(document), order="sorted"))
    try:
        if isinstance(document, bytes):
            record: Any = _DECODERS[kind].decode(document)
        else:
            record = msgspec.convert(document, _TYPES[kind])
        return record_fingerprint(record)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
        return _fingerprint_of_undecodable(document, kind)


def record_fingerprint(record: ListedJob | Organization | JobTemplate) -> bytes:
    """The fingerprint of a decoded record."""
    if isinstance(record, ListedJob):
        return _digest(_ENCODER.encode(_job_identity(record)))
    return _digest(_ENCODER.encode(record))


def _job_identity(job: ListedJob) -> tuple[object, ...]:
    fields = job.summary_fields
    labels = fields.labels
    shown = labels.results[:LABELS_IN_LIST] if labels else []
    return (
        (job.id, job.name, job.status, job.type, job.job_type, job.launch_type, job.description),
        (job.started, job.finished, job.created, job.modified, _milliseconds(job.elapsed), job.failed),
        (job.organization, job.job_template, job.project, job.inventory, job.execution_environment, job.instance_group),
        (fields.organization, fields.job_template, fields.project, fields.inventory, fields.execution_environment),
        (fields.instance_group, fields.created_by, job.launched_by),
        (labels.count if labels else None, sorted((label.id, label.name) for label in shown)),
    )


def _milliseconds(elapsed: Decimal | None) -> str | None:
    return None if elapsed is None else str(elapsed.quantize(_MILLISECOND, ROUND_HALF_UP))


def _fingerprint_of_undecodable(document: dict[str, Any] | bytes, kind: str) -> bytes:
    try:
        return _digest(msgspec.json.encode(_stable_part(_decoded(document), kind), order="sorted"))
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return _digest(document if isinstance(document, bytes) else repr(document).encode(errors="replace"))


def _decoded(document: dict[str, Any] | bytes) -> Any:
    return msgspec.json.decode(document) if isinstance(document, bytes) else document


def _stable_part(document: Any, kind: str) -> object:
    if not isinstance(document, dict):
        return document
    part = {key: document[key] for key in _TYPES[kind].__struct_fields__ if key in document}
    fields = part.get("summary_fields")
    if isinstance(fields, dict):
        kept = {key: fields[key] for key in JobSummaryFields.__struct_fields__ if key in fields}
        part["summary_fields"] = {key: _stable_summary(value) for key, value in kept.items()}
    return part


def _stable_summary(value: object) -> object:
    if not isinstance(value, dict):
        return value
    results = value.get("results")
    labels = {"results": results[:LABELS_IN_LIST], "count": value.get("count")} if isinstance(results, list) else {}
    return {**{key: value[key] for key in _NAMED if key in value}, **labels}


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=DIGEST_SIZE).digest()
