"""Read rarely changing data: product, organizations and job templates."""

from collections.abc import Sequence

from aap_pipeline.clusters.registry import Cluster
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.paging import Row
from aap_pipeline.database import options
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.documents.fingerprint import fingerprint
from aap_pipeline.raw.listings import store_listing
from aap_pipeline.raw.store import RawStore

_REFERENCES = {"job_template": "job_template", "organization": "organization"}
"""{kind: key of a job with the id of one}."""


class RareThings:
    """Reads all of them every setting `listing_minutes`, and when a job refers to an unknown one."""

    def __init__(self, connection: Connection, client: ControllerClient, store: RawStore, cluster: Cluster) -> None:
        self._connection = connection
        self._client = client
        self._store = store
        self._cluster = cluster
        self.were_read = False

    def read_if_due(self) -> None:
        """Read them if they are too old or the last sync failed."""
        row = self._connection.execute(statement("clusters/listed_seconds"), {"cluster": self._cluster.id}).fetchone()
        age = row[0] if row else None
        if age is None or age >= 60 * options.get(self._connection, options.LISTING_MINUTES):
            self._read()

    def read_if_unknown(self, jobs: Sequence[Row]) -> None:
        """Read them if one of the new `jobs` refers to an unknown one, unless this sync has read them."""
        if self.were_read:
            return
        for kind, key in _REFERENCES.items():
            referred = {job.get(key) for job in jobs if isinstance(job.get(key), int)}
            if referred - self._store.listed(kind).keys():
                self._read()
                return

    def _read(self) -> None:
        api = ControllerApi(self._client)
        note_product(self._connection, self._client, self._cluster.id)
        # Templates before organizations, so that every template's organization is listed.
        templates = api.job_templates()
        listings = {"organization": api.organizations(), "job_template": templates}
        for kind, listing in listings.items():
            store_listing(self._store, kind, listing, fingerprint)
        self._connection.execute(statement("clusters/note_listed"), {"cluster": self._cluster.id})
        self.were_read = True


def note_product(connection: Connection, client: ControllerClient, cluster_id: int) -> None:
    """Probe the product and store it."""
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
