"""What keeps the partitions equal to the registry. Pure."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aap_pipeline.clusters.sensor import PartitionChanges, partition_changes

names = st.sets(st.text("abc", min_size=1, max_size=3))


@given(names, names)
def test_afterwards_both_are_equal(known: set[str], found: set[str]) -> None:
    """Guards against partitions left over or missing, and against changes where none is needed."""
    changes = partition_changes(known, found)
    assert (known | set(changes.add)) - set(changes.delete) == found
    assert not known & set(changes.add)
    assert set(changes.delete) <= known


@given(names)
def test_what_could_not_be_read_changes_nothing(known: set[str]) -> None:
    """Guards against taking "no answer" for "none", which would delete every partition."""
    assert partition_changes(known, None) == PartitionChanges([], [])
    assert partition_changes(known, set()).delete == sorted(known)
