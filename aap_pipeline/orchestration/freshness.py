"""How old each asset's newest materialization may be, over all clusters; the check `fresh` looks at each cluster.

Dagster evaluates a policy for an asset, not for its partitions: one that it calls stale is stale for every cluster.
"""

from datetime import timedelta
from typing import Final

from dagster import FreshnessPolicy

EACH_SYNC: Final = FreshnessPolicy.time_window(fail_window=timedelta(hours=1), warn_window=timedelta(minutes=45))
"""A cluster is synced every 30 minutes where nothing is new (setting quiet_sync_minutes)."""

EACH_NIGHT: Final = FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26))
