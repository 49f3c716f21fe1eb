"""Pages of host summaries, nearly all that a controller sends, read without a dict for each of their parts.

Host summaries with the keys and types that are known become `HostSummary` records, which takes a quarter of the time;
a page on which anything else stands is read like every other answer, so that nothing is lost of it.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from aap_pipeline.controller.transport import decode


class _Unread(Struct, gc=False):
    """An object of which nothing is kept."""


class _Parts(Struct, gc=False, forbid_unknown_fields=True):
    """`summary_fields`; `job` is the job whose host summaries these are."""

    host: dict[str, str | int | None] | UnsetType = UNSET
    job: _Unread | UnsetType = UNSET


class HostSummary(Struct, gc=False, forbid_unknown_fields=True):
    """A host summary as received, keys that are absent UNSET; `related`, `url` and `summary_fields.job` always are."""

    id: int
    type: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    related: _Unread | UnsetType = UNSET
    summary_fields: _Parts | UnsetType = UNSET
    created: str | UnsetType = UNSET
    modified: str | UnsetType = UNSET
    job: int | UnsetType = UNSET
    host: int | UnsetType | None = UNSET
    constructed_host: int | UnsetType | None = UNSET
    host_name: str | UnsetType = UNSET
    changed: int | UnsetType = UNSET
    dark: int | UnsetType = UNSET
    failures: int | UnsetType = UNSET
    ok: int | UnsetType = UNSET
    processed: int | UnsetType = UNSET
    skipped: int | UnsetType = UNSET
    failed: bool | UnsetType = UNSET
    ignored: int | UnsetType = UNSET
    rescued: int | UnsetType = UNSET


class _Page(Struct):
    results: list[HostSummary]
    count: int | None = None
    next: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Page)


def decode_host_summaries(body: bytes) -> Any:
    """The page in `body`, its `results` HostSummary records if all of it is usual. Raises ValueError for no JSON."""
    try:
        page = _DECODER.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return decode(body)
    for summary in page.results:
        summary.url = summary.related = UNSET
        if summary.summary_fields is not UNSET:
            summary.summary_fields.job = UNSET
    return {"count": page.count, "next": page.next, "results": page.results}
