"""The sensor that keeps the partitions equal to the registry."""

from collections.abc import Collection
from dataclasses import dataclass

from dagster import DefaultSensorStatus, SensorEvaluationContext, SensorResult, SkipReason, sensor

from aap_pipeline.clusters.registry import clusters
from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse


@dataclass(frozen=True)
class PartitionChanges:
    """Keys to add and to delete so that partitions equal the registry."""

    add: list[str]
    delete: list[str]


def partition_changes(known: Collection[str], found: Collection[str] | None) -> PartitionChanges:
    """What makes the `known` partitions those `found` in the registry; None, "could not read", changes nothing."""
    if found is None:
        return PartitionChanges([], [])
    return PartitionChanges(sorted(set(found) - set(known)), sorted(set(known) - set(found)))


@sensor(
    minimum_interval_seconds=5,
    default_status=DefaultSensorStatus.RUNNING,
    description="Keeps the partitions equal to the registry of clusters: a new cluster gets a partition, a purged one "
    "loses it; a disabled one keeps its partition and history and is not synced. A database that does not answer "
    "changes nothing.",
)
def clusters_sensor(context: SensorEvaluationContext, warehouse: Warehouse) -> SensorResult | SkipReason:
    """Compare, and ask for what differs."""
    try:
        with warehouse.connection() as connection:
            found = [cluster.name for cluster in clusters(connection)]
    except PipelineError as error:
        return SkipReason(str(error))
    changes = partition_changes(context.instance.get_dynamic_partitions(CLUSTERS.name or ""), found)
    if not changes.add and not changes.delete:
        return SkipReason(f"The partitions are the {len(found)} clusters of the registry.")
    requests = []
    if changes.add:
        requests.append(CLUSTERS.build_add_request(changes.add))
    if changes.delete:
        requests.append(CLUSTERS.build_delete_request(changes.delete))  # type: ignore[arg-type]
    return SensorResult(dynamic_partitions_requests=requests)
