"""Read rarely changing data: product, organizations and job templates."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from aap_pipeline.clusters.registry import Cluster
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.paging import Row, id_of
from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.documents.fingerprint import fingerprint
from aap_pipeline.documents.raw_documents import RawDocument, encode, leave_out
from aap_pipeline.raw.store import RawStore

_REFERENCES = ("job_template", "organization")
"""Kinds, which are also the keys of a job with the id of one."""


_QUIET = 16
"""How many times as old they may be while a controller has no new jobs, so that an idle sync is two requests."""


@dataclass
class RareThings:
    """Reads all of them, in a sync with new jobs if they are older than setting `listing_minutes`."""

    connection: Connection
    client: ControllerClient
    store: RawStore
    cluster: Cluster
    are_due: bool = False
    were_read: bool = False

    def read_if_old(self) -> None:
        """Read them before the first page if they are very old or the last sync failed."""
        row = self.connection.execute(statement("clusters/listed_seconds"), {"cluster": self.cluster.id}).fetchone()
        age = row[0] if row else None
        limit = 60 * application_settings.read(self.connection).listing_minutes
        if age is None or age >= _QUIET * limit:
            self._read()
        else:
            self.are_due = age >= limit

    def read_if_due(self, jobs: Sequence[Row]) -> None:
        """Read them before new `jobs` are stored if they are due or a job refers to an unknown one, once per sync."""
        if self.were_read:
            return
        referred = {kind: {job.get(kind) for job in jobs if isinstance(job.get(kind), int)} for kind in _REFERENCES}
        if self.are_due or any(ids - self.store.listed(kind).keys() for kind, ids in referred.items()):
            self._read()

    def _read(self) -> None:
        api = ControllerApi(self.client)
        note_product(self.connection, self.client, self.cluster.id)
        # Templates before organizations, so that every template's organization is listed.
        templates = api.job_templates()
        store_listing(self.store, "organization", api.organizations())
        store_listing(self.store, "job_template", templates)
        self.connection.execute(statement("clusters/note_listed"), {"cluster": self.cluster.id})
        self.were_read = True


def note_product(connection: Connection, client: ControllerClient, cluster_id: int) -> None:
    product = client.product(anew=True)
    connection.execute(
        statement("clusters/note_product"),
        {
            "cluster": cluster_id,
            "label": product.label,
            "version": product.version[:50],
            "api_prefix": client.endpoint.path + product.api_prefix,
        },
    )


def store_listing(store: RawStore, kind: str, listing: Sequence[Row]) -> int:
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
