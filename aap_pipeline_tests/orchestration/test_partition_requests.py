"""What keeps the partitions equal to the registry and to the saved reports."""

from __future__ import annotations

from dagster import DagsterInstance, DynamicPartitionsDefinition
from hypothesis import given, settings
from hypothesis import strategies as st

from aap_pipeline.orchestration.partitions import partition_requests

names = st.sets(st.text("abc", min_size=1, max_size=3))


@settings(max_examples=30, deadline=None)
@given(names, names)
def test_afterwards_both_are_equal(known: set[str], found: set[str]) -> None:
    """Guards against partitions left over or missing, and against requests where none is needed."""
    partitions = DynamicPartitionsDefinition(name="some")
    with DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("some", sorted(known))
        requests = partition_requests(partitions, instance, found)
    keys = [set(each.partition_keys) for each in requests]
    assert all(keys)
    added = set().union(*(each for each in keys if not each & known))
    deleted = set().union(*(each for each in keys if each & known))
    assert (known | added) - deleted == found
