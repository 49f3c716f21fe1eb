"""Confine the errors of one cluster to that cluster."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aap_pipeline.clusters.registry import Cluster
from aap_pipeline.database.connection import clear_errors
from aap_pipeline.errors import PipelineError

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
