"""Estimate manual minutes from a template's first runs, if enabled and unless a user has set them."""

from __future__ import annotations

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement


def estimate_minutes(connection: Connection, cluster_id: int) -> int:
    """Set the manual minutes of the cluster's templates that still have the default, and return their number.

    The estimate is the median elapsed time of the first 20 successful runs with hosts (at least 5), in minutes, rounded
    up: manual work on one host takes at least as long as the automation on all hosts. Does nothing unless the setting
    `estimate_template_minutes` is on. A trigger marks the minutes as estimated.
    """
    return connection.execute(statement("marts/estimate_minutes"), {"cluster_id": cluster_id}).rowcount
