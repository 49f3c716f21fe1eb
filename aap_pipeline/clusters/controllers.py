"""The one way to ask a cluster's controller: with its tokens, within its limits, and with errors of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aap_pipeline.clusters.errors import cluster_errors
from aap_pipeline.clusters.registry import Cluster
from aap_pipeline.clusters.tokens import DatabaseTokenStore
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.config import API_PREFIXES, ClientSettings
from aap_pipeline.controller.probe import Product, remembered
from aap_pipeline.database.encryption import Cipher

ONE_QUESTION = ClientSettings(connect_timeout=5.0, read_timeout=15.0, workers=1, retries=0)
"""For a question whose answer is not waited for long: it will be asked again soon."""


@contextmanager
def open_controller(
    database_url: str, cipher: Cipher, cluster: Cluster, settings: ClientSettings
) -> Iterator[ControllerClient]:
    """A client of the cluster's controller; whatever fails within the block is a PipelineError of the cluster.

    Raises EncryptionKeyError, before any request, if its token is out of reach.
    """
    tokens = DatabaseTokenStore(database_url, cipher, cluster.id)
    hint = cluster.product if cluster.product_version else None
    with cluster_errors(cluster):
        tokens.load()
        with ControllerClient(
            cluster.endpoint, tokens, settings, hint, known=_known(cluster), manners=cluster.manners
        ) as client:
            yield client


def _known(cluster: Cluster) -> Product | None:
    """What the controller turned out to be, unless its last sync failed, which may be because it is another now."""
    prefix = (cluster.endpoint.api_prefix or "").removeprefix(cluster.endpoint.path)
    if cluster.listed_at is None or not cluster.product_version or prefix not in API_PREFIXES:
        return None
    return remembered(cluster.product, cluster.product_version, prefix)
