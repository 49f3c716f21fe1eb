"""One partition of Dagster per cluster: the sensor that maintains them, and the wrapper of a partition's step."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from aap_pipeline.clusters.registry import Cluster, cluster_named, clusters
from aap_pipeline.database.connection import Connection
from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.partitions import CLUSTERS, partition_requests
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.steps import step
from aap_pipeline.reports.output import counted


@dg.sensor(
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps the partitions equal to the registry of clusters. Adding a cluster adds a partition, purging a "
    "cluster deletes it. A disabled cluster keeps its partition and history. If the database is unreachable, nothing "
    "changes.",
)
def clusters_sensor(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult | dg.SkipReason:
    try:
        with warehouse.connection() as connection:
            found = [cluster.name for cluster in clusters(connection)]
    except PipelineError as error:
        return dg.SkipReason(str(error))
    requests = partition_requests(CLUSTERS, context.instance, found)
    if not requests:
        return dg.SkipReason(f"The partitions equal the registry ({counted(len(found), 'cluster')}).")
    return dg.SensorResult(dynamic_partitions_requests=requests)


@contextmanager
def cluster_step(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, warehouse: Warehouse
) -> Iterator[tuple[Connection, Cluster]]:
    """Yield the connection of `step`, in no transaction, and the cluster of the partition."""
    with step(context, warehouse) as connection:
        cluster = cluster_named(connection, context.partition_key)
        connection.commit()
        yield connection, cluster
