"""One dynamic partition per cluster. The clusters sensor keeps them equal to the registry."""

from datetime import datetime
from typing import Any

from dagster import DynamicPartitionsDefinition

from aap_pipeline.database.statements import statement
from aap_pipeline.orchestration.resources import Warehouse


class ClusterPartitions(DynamicPartitionsDefinition):
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
