"""The wrapper of every asset, asset check and op."""

from collections.abc import Iterator
from contextlib import contextmanager

from aap_pipeline.database.connection import Connection
from aap_pipeline.orchestration.failures import failing_clearly
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.run_liveness import StepContext, note_run


@contextmanager
def step(context: StepContext, warehouse: Warehouse) -> Iterator[Connection]:
    """Hold the run's lock, yield a connection, and turn PipelineErrors into a Failure.

    The connection commits at the end of the block and rolls back after an error. `clusters.steps.cluster_step` also
    finds the cluster of the partition.
    """
    with failing_clearly():
        note_run(context, warehouse.url())
        with warehouse.connection() as connection:
            yield connection
