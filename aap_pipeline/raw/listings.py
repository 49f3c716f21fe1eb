"""Organizations and job templates, listed whole in each sync to find renamed and deleted ones."""

from collections.abc import Callable, Sequence

import orjson

from aap_pipeline.controller.paging import Row, id_of
from aap_pipeline.documents.raw_documents import RawDocument, encode, leave_out
from aap_pipeline.raw.store import RawStore


def store_listing(
    store: RawStore,
    kind: str,
    listing: Sequence[Row],
    fingerprint: Callable[[Row, str], bytes],
) -> int:
    """Store new and changed rows of a whole `listing` of `kind` and the ids of deleted job templates; return the count.

    Modifies `listing`, to which it applies `leave_out`.

    An empty listing marks no template as deleted, because it usually means that the token's user lost a role. Neither
    does a listing with a row without a valid id, because that row may be any of the missing ones.
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
