"""The wrapper of a step of one cluster, the run's partition."""

from collections.abc import Iterator
from contextlib import contextmanager

from dagster import AssetCheckExecutionContext, AssetExecutionContext

from aap_pipeline.clusters.registry import Cluster, cluster_named
from aap_pipeline.database.connection import Connection
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.steps import step


@contextmanager
def cluster_step(
    context: AssetExecutionContext | AssetCheckExecutionContext, warehouse: Warehouse
) -> Iterator[tuple[Connection, Cluster]]:
    """Yield the connection of `step`, in no transaction, and the cluster of the partition."""
    with step(context, warehouse) as connection:
        cluster = cluster_named(connection, context.partition_key)
        connection.commit()
        yield connection, cluster
