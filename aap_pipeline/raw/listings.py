"""Organizations and job templates: listed whole each sync, so that names stay current and deletions are noticed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import orjson

from aap_pipeline.documents.raw_documents import Document, RawDocument, encode, id_of, leave_out


class ListingStore(Protocol):
    """What the listings ask of the store."""

    def listed(self, kind: str) -> Mapping[int, bytes | None]:
        """What is stored of `kind` as {external id: fingerprint}."""

    def write_listing(self, changed: Sequence[RawDocument]) -> None:
        """Keep what changed, in one transaction."""


def store_listing(
    store: ListingStore,
    kind: str,
    listing: Sequence[Document],
    fingerprint: Callable[[Document, str], bytes],
) -> int:
    """Keep what is new or changed in a whole `listing` of `kind`, and which job templates are gone; how much it was.

    Takes `listing` over: links and extra_vars of what is kept are deleted from it.

    A listing that failed never comes here: no answer is not an empty answer. An empty one deletes nothing either: a
    controller whose templates are all gone is rare, a token whose user lost its role is not.
    """
    stored = store.listed(kind)
    changed = []
    for document in listing:
        digest = fingerprint(document, kind)
        number = id_of(document)
        if number is None or stored.get(number) != digest:
            leave_out(document)
            changed.append(RawDocument(kind, number, digest, encode(document)))
    if kind == "job_template" and listing:
        gone = sorted(stored.keys() - {id_of(document) for document in listing})
        if gone:
            changed.append(RawDocument("job_template_gone", None, None, orjson.dumps({"ids": gone})))
    store.write_listing(changed)
    return len(changed)
