"""Open a client of a cluster's controller, with its tokens and limits. An error is confined to its cluster."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aap_pipeline.clusters.registry import Cluster
from aap_pipeline.clusters.tokens import DatabaseTokenStore
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.config import API_PREFIXES, ClientSettings
from aap_pipeline.controller.probe import Product
from aap_pipeline.database.connection import clear_errors, connect
from aap_pipeline.database.encryption import Cipher
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import PipelineError

ONE_QUESTION = ClientSettings(connect_timeout=5.0, read_timeout=15.0, workers=1, retries=0)
"""For a request that is soon repeated, so that a late response is not awaited."""
_PACKAGE = Path(__file__).parents[1]
_NAMED_PLACES = 3


class UnexpectedFailure(PipelineError):
    """An unexpected error. Its text is omitted, because it may quote a token or a document."""


@contextmanager
def cluster_errors(cluster: Cluster) -> Iterator[None]:
    """Turn every exception of the block into a PipelineError without secrets.

    PipelineErrors pass unchanged, database errors go through `clear_errors`, all others become UnexpectedFailure.
    """
    try:
        with clear_errors():
            yield
    except PipelineError:
        raise
    except Exception as error:  # noqa: BLE001 - a cluster's error must not stop the sync of the others
        raise UnexpectedFailure(
            f"Cluster {cluster.name} at {cluster.endpoint.base_url} could not be read: {type(error).__name__} at "
            f"{_places(error)}. This is a bug in aap-pipeline. Report this message."
        ) from None


def _places(error: BaseException) -> str:
    """Return the innermost frames of this package in the traceback: "raw/sweep.py:210, raw/sync.py:77"."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _PACKAGE in Path(frame.filename).parents]
    places = [f"{Path(frame.filename).relative_to(_PACKAGE)}:{frame.lineno}" for frame in reversed(frames)]
    return ", ".join(places[:_NAMED_PLACES])


@contextmanager
def open_controller(
    database_url: str, cipher: Cipher, cluster: Cluster, settings: ClientSettings
) -> Iterator[ControllerClient]:
    """Open a client of the cluster's controller. Any exception in the block becomes a PipelineError of the cluster.

    Raises, before any request, EncryptionKeyError if the token cannot be decrypted, and ServerError during a pause that
    the controller requested.
    """
    tokens = DatabaseTokenStore(database_url, cipher, cluster.id)
    prefix = (cluster.endpoint.api_prefix or "").removeprefix(cluster.endpoint.path)
    known = None  # the client detects the product: after a failed sync it may be another
    if cluster.listed_at is not None and cluster.product_version and prefix in API_PREFIXES:
        known = Product(cluster.product_version, cluster.product, prefix)
    with cluster_errors(cluster):
        tokens.load()
        with ControllerClient(cluster.endpoint, tokens, settings, known=known, manners=cluster.manners) as client:
            try:
                yield client
            finally:
                if client.refusal is not None:
                    values = {"cluster": cluster.id, "seconds": client.refusal.retry_after}
                    with connect(database_url) as connection:
                        connection.execute(statement("clusters/note_pause"), values)
