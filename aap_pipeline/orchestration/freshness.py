"""Freshness policies of the assets over all clusters. The check `fresh` evaluates each cluster.

Dagster evaluates a policy per asset, not per partition, so a stale asset is stale in every cluster.
"""

from datetime import timedelta
from typing import Final

from dagster import FreshnessPolicy

EACH_SYNC: Final = FreshnessPolicy.time_window(fail_window=timedelta(hours=1), warn_window=timedelta(minutes=45))
"""A cluster without new jobs is synced every 30 minutes (setting quiet_sync_minutes)."""

EACH_NIGHT: Final = FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26))
