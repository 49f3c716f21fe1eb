"""The one place where an error of ours becomes a failure of a Dagster run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dagster import Failure

from aap_pipeline.controller.errors import ControllerError
from aap_pipeline.database.connection import clear_errors
from aap_pipeline.database.errors import DatabaseUnreachable
from aap_pipeline.errors import PipelineError


@contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn a PipelineError into a Failure with its sentence; it may be retried only where trying again can help."""
    try:
        with clear_errors():
            yield
    except PipelineError as error:
        transient = isinstance(error, DatabaseUnreachable) or (isinstance(error, ControllerError) and error.transient)
        raise Failure(description=str(error), allow_retries=transient) from None
