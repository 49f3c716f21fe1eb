"""The one place where an error of ours becomes a failure of a Dagster run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from dagster import Failure

from aap_pipeline.controller.errors import ControllerError
from aap_pipeline.database.errors import DatabaseUnreachable
from aap_pipeline.errors import PipelineError


@contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn a PipelineError into a Failure with its sentence; it may be retried only where trying again can help."""
    try:
        yield
    except PipelineError as error:
        transient = isinstance(error, DatabaseUnreachable) or (isinstance(error, ControllerError) and error.transient)
        raise Failure(description=str(error), allow_retries=transient) from None
    except psycopg.OperationalError as error:
        reason = (error.diag.message_primary or str(error).strip() or type(error).__name__).splitlines()[0]
        raise Failure(
            description=f"PostgreSQL ended the connection or refused the work: {reason}. What was committed is kept, "
            "and the next run goes on from there.",
            allow_retries=True,
        ) from None
