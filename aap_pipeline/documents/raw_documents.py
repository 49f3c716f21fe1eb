"""Encode a controller's documents as JSON for `clusters_clustersyncdata`. Pure.

A document keeps all its fields, including unknown ones, except (docs/adr/0015) `extra_vars`, `artifacts` and
redundant parts: links, and the copy of the job in each host summary.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from aap_pipeline.controller.answers import parse_moment
from aap_pipeline.controller.host_summaries import HostSummaryRow
from aap_pipeline.controller.paging import Row, id_of
from aap_pipeline.documents.records import holds_unstorable_text

# An escaped NUL or lone surrogate is valid JSON, but jsonb cannot store it.
_SUSPICIOUS = re.compile(rb"\\u(?:0000|d[89a-f][0-9a-f]{2})", re.IGNORECASE)
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True)
class RawDocument:
    """A document ready to be stored: its kind (`job`, `organization`, …), the controller's id and its fingerprint."""

    kind: str
    external_id: int | None
    fingerprint: bytes | None
    document: bytes = field(repr=False)
    provisional: bool = False


@dataclass(frozen=True)
class RawJob(RawDocument):
    """A job with its host summaries.

    `unreported`: the controller had not processed the job's last event, so host summaries may be missing. While the
    sync waits for them, the job is also `provisional`.
    """

    finished: datetime | None = None
    host_summaries: int = 0
    unreported: bool = False


def raw_job(
    job: Row,
    host_summaries: Sequence[HostSummaryRow | Row],
    labels: Sequence[Row] | None,
    fingerprint: bytes,
    *,
    provisional: bool = False,
    unreported: bool = False,
) -> RawJob:
    """Return `job` with all its labels, and its host summaries under `job_host_summaries`, after `leave_out`.

    Modifies `host_summaries`: deletes links and copies from those that are dicts.
    """
    document = {**job}
    if labels is not None:  # those of the list row first, because the fingerprint is made of them
        shown = set(map(id_of, job["summary_fields"]["labels"]["results"]))
        results = sorted(labels, key=lambda label: id_of(label) not in shown)
        document["summary_fields"] = {**job["summary_fields"], "labels": {"count": len(labels), "results": results}}
    leave_out(document)
    for summary in host_summaries:
        leave_out(summary)
        fields = summary.get("summary_fields") if isinstance(summary, dict) else None
        if isinstance(fields, dict) and isinstance(fields.get("job"), dict):
            del fields["job"]
    return RawJob(
        kind="job",
        external_id=id_of(job),
        fingerprint=fingerprint,
        document=encode({**document, "job_host_summaries": host_summaries}),
        provisional=provisional,
        finished=finished_of(job),
        host_summaries=len(host_summaries),
        unreported=unreported,
    )


def raw_job_without_id(job: Row, fingerprint: bytes) -> RawJob:
    """Return a listed `job` without a valid id, after `leave_out`. Stage core quarantines it."""
    leave_out(job)
    return RawJob("job", None, fingerprint, encode(job), finished=finished_of(job))


def leave_out(document: Row | HostSummaryRow) -> None:
    """Delete `extra_vars` and `artifacts`, which may contain secrets, and the usual links `related` and `url`."""
    if not isinstance(document, dict):  # a record without these keys, or any JSON
        return
    document.pop("extra_vars", None)
    document.pop("artifacts", None)
    if isinstance(document.get("related"), dict):
        del document["related"]
    if isinstance(document.get("url"), str):
        del document["url"]


def encode(document: Row | HostSummaryRow) -> bytes:
    """Encode `document` as JSON. Keeps lone surrogates and integers beyond 64 bits; NaN becomes null."""
    try:
        return _ENCODER.encode(document)
    except UnicodeEncodeError:
        text = json.dumps(document, default=msgspec.to_builtins)
        known = json.loads(text, parse_constant=lambda _: None)
        return json.dumps(known, separators=(",", ":")).encode()


def unstorable(document: bytes) -> str | None:
    """Return why jsonb cannot store this output of `encode`; None if it can."""
    # A fast search finds the rare candidates, which a JSON decoder then checks.
    if _SUSPICIOUS.search(document) and holds_unstorable_text(json.loads(document)):
        return "The document contains a NUL character or a lone surrogate, which PostgreSQL cannot store."
    return None


def finished_of(job: Row) -> datetime | None:
    """Return when the job finished (UTC); None if that is missing or not a valid time."""
    return parse_moment(job.get("finished")) if isinstance(job, dict) else None


def labels_are_cut(job: Row) -> bool:
    """Return whether the job has more labels than the list row, in which controllers include at most ten."""
    summary_fields = job.get("summary_fields")
    labels = summary_fields.get("labels") if isinstance(summary_fields, dict) else None
    if not isinstance(labels, dict) or not isinstance(labels.get("results"), list):
        return False
    count = labels.get("count")
    return isinstance(count, int) and count > len(labels["results"])
