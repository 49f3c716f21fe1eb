"""The wrapper of every asset, asset check and op, and the reason why a run failed."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from dagster import DagsterEvent, DagsterEventType, Failure

from aap_pipeline.controller.errors import ControllerError
from aap_pipeline.database.connection import Connection, clear_errors
from aap_pipeline.database.errors import DatabaseUnreachable
from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.run_liveness import StepContext, note_run


@contextmanager
def step(context: StepContext, warehouse: Warehouse) -> Iterator[Connection]:
    """Hold the run's lock, yield a connection, and turn PipelineErrors into a Failure.

    The connection commits at the end of the block and rolls back after an error. `cluster_step` in
    `clusters.partitions` also finds the cluster of the partition.
    """
    with failing_clearly():
        note_run(context, warehouse.url())
        with warehouse.connection() as connection:
            yield connection


@contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn a PipelineError into a Failure with its message. Only transient errors may be retried."""
    try:
        with clear_errors():
            yield
    except PipelineError as error:
        transient = isinstance(error, DatabaseUnreachable) or (isinstance(error, ControllerError) and error.transient)
        raise Failure(description=str(error), allow_retries=transient) from None


def reported_error(events: Iterable[DagsterEvent]) -> str:
    """Return why a run failed, from its `events`: the first step failure, else the failure of the run."""
    found = "The run failed before its first step: see its log in the Dagster UI."
    for event in events:
        if event.is_step_failure:
            failure = event.step_failure_data
            if failure.user_failure_data is not None and failure.user_failure_data.description:
                return failure.user_failure_data.description
            error = failure.error
            while error is not None and error.cause is not None:  # Dagster wraps the original error
                error = error.cause
            return error.message.strip() if error is not None else "The step failed without a message."
        if event.event_type is DagsterEventType.RUN_FAILURE and event.message:
            found = event.message
    return found
