"""Manual minutes estimated from a template's first runs, where the settings ask for it and nobody has said better."""

from __future__ import annotations

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement


def estimate_minutes(connection: Connection, cluster_id: int) -> int:
    """Set the manual minutes of the cluster's templates that still have the default; how many were set.

    The estimate is the median elapsed time of the first 20 successful runs with hosts (at least 5), in minutes, rounded
    up: a person needs no less for one host than the automation for all of them. Nothing happens unless the setting
    `estimate_template_minutes` is on. The trigger on the template notes the change as estimated.
    """
    return connection.execute(statement("marts/estimate_minutes"), {"cluster_id": cluster_id}).rowcount
