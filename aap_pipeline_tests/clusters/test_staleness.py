"""When a cluster counts as stale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aap_pipeline.clusters.staleness import freshness

NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_a_cluster_is_not_stale_before_it_had_the_time_to_be_fresh() -> None:
    """Guards against an alarm for a cluster that was just enabled again, or in the second hour of its first sync."""
    hour = timedelta(hours=1)
    long_ago = NOW - timedelta(days=7)
    assert not freshness(long_ago, NOW, hour).passed
    assert freshness(long_ago, NOW, hour, NOW - MINUTE).passed
    assert freshness(None, NOW, hour, NOW - MINUTE).passed
    assert not freshness(long_ago, NOW, hour, long_ago + MINUTE).passed
    stale = freshness(None, NOW, hour, NOW - 2 * hour)
    assert not stale.passed
    assert stale.text == "No sync has succeeded in 120 minutes."
