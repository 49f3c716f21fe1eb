"""Organizations and job templates: listed whole each sync, so that names stay current and deletions are noticed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import orjson

from aap_pipeline.controller.paging import Row, id_of
from aap_pipeline.documents.raw_documents import RawDocument, encode, leave_out


class ListingStore(Protocol):
    """What the listings ask of the store."""

    def listed(self, kind: str) -> Mapping[int, bytes | None]:
        """What is stored of `kind` as {external id: fingerprint}."""

    def without_id(self, kind: str, fingerprints: Collection[bytes]) -> Collection[bytes]:
        """Those of the `fingerprints`, of records of `kind` without a valid id, whose documents are here already."""

    def write_listing(self, changed: Sequence[RawDocument]) -> None:
        """Keep what changed, in one transaction."""


def store_listing(
    store: ListingStore,
    kind: str,
    listing: Sequence[Row],
    fingerprint: Callable[[Row, str], bytes],
) -> int:
    """Keep what is new or changed in a whole `listing` of `kind`, and which job templates are gone; how much it was.

    Takes `listing` over: what `leave_out` names is deleted from what is kept.

    A listing that failed never comes here: no answer is not an empty answer. An empty one deletes nothing either: a
    controller whose templates are all gone is rare, a token whose user lost its role is not. Nor does one in which a
    row has no valid id, for that row may be any of those that seem to be gone.
    """
    stored = store.listed(kind)
    rows = [(document, id_of(document), fingerprint(document, kind)) for document in listing]
    nameless = [digest for _, number, digest in rows if number is None]
    known = store.without_id(kind, nameless) if nameless else ()
    changed = []
    for document, number, digest in rows:
        if (digest not in known) if number is None else stored.get(number) != digest:
            leave_out(document)
            changed.append(RawDocument(kind, number, digest, encode(document)))
    if kind == "job_template" and listing and not nameless:
        gone = sorted(stored.keys() - {number for _, number, _ in rows})
        if gone:
            changed.append(RawDocument("job_template_gone", None, None, orjson.dumps({"ids": gone})))
    store.write_listing(changed)
    return len(changed)
