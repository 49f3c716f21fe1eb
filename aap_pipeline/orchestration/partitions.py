"""One dynamic partition per cluster. The clusters sensor keeps them equal to the registry."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import dagster as dg

from aap_pipeline.database.statements import statement
from aap_pipeline.orchestration.resources import Warehouse


class ClusterPartitions(dg.DynamicPartitionsDefinition):
    """One partition per cluster of the registry, even before the sensor has added it to Dagster's storage.

    So `dagster asset materialize --partition NAME` works without a daemon.
    """

    def has_partition_key(
        self, partition_key: str, current_time: datetime | None = None, dynamic_partitions_store: Any = None
    ) -> bool:
        """Return whether Dagster's storage has this key, or the registry has a cluster of this name."""
        if super().has_partition_key(partition_key, current_time, dynamic_partitions_store):
            return True
        with Warehouse().connection() as connection:
            found = connection.execute(statement("clusters/is_registered"), {"name": partition_key}).fetchone()
        return found is not None


CLUSTERS = ClusterPartitions(name="aap_clusters")
"""Keys are the names of the clusters in the registry."""


def partition_requests(
    partitions: dg.DynamicPartitionsDefinition, instance: dg.DagsterInstance, keys: Collection[str]
) -> list[Any]:
    """Return the requests after which `partitions` has exactly these keys; none if it has them already."""
    known = set(instance.get_dynamic_partitions(partitions.name or ""))
    add, delete = sorted(set(keys) - known), sorted(known - set(keys))
    requests: list[Any] = [partitions.build_add_request(add)] if add else []
    return [*requests, partitions.build_delete_request(delete)] if delete else requests
