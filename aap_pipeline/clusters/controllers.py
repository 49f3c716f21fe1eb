"""Open a client of a cluster's controller, with the cluster's tokens and limits. All requests go through here."""

from collections.abc import Iterator
from contextlib import contextmanager

from aap_pipeline.clusters.errors import cluster_errors
from aap_pipeline.clusters.registry import Cluster
from aap_pipeline.clusters.tokens import DatabaseTokenStore
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.config import API_PREFIXES, ClientSettings
from aap_pipeline.controller.probe import Product
from aap_pipeline.database.encryption import Cipher

ONE_QUESTION = ClientSettings(connect_timeout=5.0, read_timeout=15.0, workers=1, retries=0)
"""For a request that is soon repeated, so that a late response is not awaited."""


@contextmanager
def open_controller(
    database_url: str, cipher: Cipher, cluster: Cluster, settings: ClientSettings
) -> Iterator[ControllerClient]:
    """Open a client of the cluster's controller. Any exception in the block becomes a PipelineError of the cluster.

    Raises EncryptionKeyError, before any request, if the token cannot be decrypted.
    """
    tokens = DatabaseTokenStore(database_url, cipher, cluster.id)
    with cluster_errors(cluster):
        tokens.load()
        known, manners = _known(cluster), cluster.manners
        with ControllerClient(cluster.endpoint, tokens, settings, known=known, manners=manners) as client:
            yield client


def _known(cluster: Cluster) -> Product | None:
    """Return the product found by the last sync; None if that failed, perhaps because of another product."""
    prefix = (cluster.endpoint.api_prefix or "").removeprefix(cluster.endpoint.path)
    if cluster.listed_at is None or not cluster.product_version or prefix not in API_PREFIXES:
        return None
    return Product(cluster.product_version, cluster.product, prefix)
