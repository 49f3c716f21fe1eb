"""The sensor that keeps Dagster's partitions equal to the registry."""

from collections.abc import Collection
from dataclasses import dataclass

from dagster import DefaultSensorStatus, SensorEvaluationContext, SensorResult, SkipReason, sensor

from aap_pipeline.clusters.registry import clusters
from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse


@dataclass(frozen=True)
class PartitionChanges:
    """Partition keys to add and to delete."""

    add: list[str]
    delete: list[str]


def partition_changes(known: Collection[str], found: Collection[str] | None) -> PartitionChanges:
    """Return the changes from the `known` partitions to those `found` in the registry (None: unreadable, no change)."""
    if found is None:
        return PartitionChanges([], [])
    return PartitionChanges(sorted(set(found) - set(known)), sorted(set(known) - set(found)))


@sensor(
    minimum_interval_seconds=5,
    default_status=DefaultSensorStatus.RUNNING,
    description="Keeps the partitions equal to the registry of clusters. Adding a cluster adds a partition, purging a "
    "cluster deletes it. A disabled cluster keeps its partition and history. If the database is unreachable, nothing "
    "changes.",
)
def clusters_sensor(context: SensorEvaluationContext, warehouse: Warehouse) -> SensorResult | SkipReason:
    """Request the partitions to add and to delete."""
    try:
        with warehouse.connection() as connection:
            found = [cluster.name for cluster in clusters(connection)]
    except PipelineError as error:
        return SkipReason(str(error))
    changes = partition_changes(context.instance.get_dynamic_partitions(CLUSTERS.name or ""), found)
    if not changes.add and not changes.delete:
        return SkipReason(f"The partitions equal the {len(found)} clusters of the registry.")
    requests = []
    if changes.add:
        requests.append(CLUSTERS.build_add_request(changes.add))
    if changes.delete:
        requests.append(CLUSTERS.build_delete_request(changes.delete))  # type: ignore[arg-type]
    return SensorResult(dynamic_partitions_requests=requests)
