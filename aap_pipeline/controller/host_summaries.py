"""Decode pages of host summaries, which are most of a controller's data, without a dict for each part.

Host summaries with known keys and types become `HostSummaryRow` records, in a quarter of the time. A page with anything
else is decoded like every other response, so that nothing of it is lost.
"""

from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from aap_pipeline.controller.transport import decode


class _Unread(Struct, gc=False):
    """An object whose content is dropped."""


class _Parts(Struct, gc=False, forbid_unknown_fields=True):
    """`summary_fields`. `job`, the job of these host summaries, is dropped."""

    host: dict[str, str | int | None] | UnsetType = UNSET
    job: _Unread | UnsetType = UNSET


class HostSummaryRow(Struct, gc=False, forbid_unknown_fields=True):
    """A host summary as received, absent keys UNSET. `related`, `url` and `summary_fields.job` are always UNSET."""

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
    results: list[HostSummaryRow]
    count: int | None = None
    next: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Page)


def decode_host_summaries(body: bytes) -> Any:
    """Decode a page. Its `results` are HostSummaryRow records if the page is usual. Raises ValueError if not JSON."""
    try:
        page = _DECODER.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return decode(body)
    for summary in page.results:
        summary.url = summary.related = UNSET
        if summary.summary_fields is not UNSET:
            summary.summary_fields.job = UNSET
    return {"count": page.count, "next": page.next, "results": page.results}
