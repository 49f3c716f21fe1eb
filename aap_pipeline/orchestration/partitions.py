"""One dynamic partition per cluster. The clusters sensor keeps them equal to the registry."""

from dagster import DynamicPartitionsDefinition

CLUSTERS = DynamicPartitionsDefinition(name="aap_clusters")
"""Keys are the names of the clusters in the registry."""
