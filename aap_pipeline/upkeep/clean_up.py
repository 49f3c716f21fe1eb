"""Clean up raw rows, archived documents, the log of syncs and incidents, and update planner statistics."""

from typing import Final, LiteralString

from psycopg import sql

from aap_pipeline.clusters.registry import clusters
from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.locks import LockKind, try_advisory_xact_lock
from aap_pipeline.database.statements import statement

_KEEP_SYNCS_DAYS: Final = 90
_KEEP_ALERTS_DAYS: Final = 365


def clean_up(connection: Connection) -> dict[str, int]:
    """Delete old rows, and close syncs whose process is gone; returns {kind: rows}. One transaction per step."""
    done = {"raw_rows": 0}
    for cluster in clusters(connection):
        done["raw_rows"] += clean_up_raw_rows(connection, cluster.id)
        connection.commit()
    retention = application_settings.read(connection).raw_retention_days
    connection.commit()
    done["interrupted_syncs"] = mark_interrupted_syncs(connection)
    old: dict[str, tuple[LiteralString, int]] = {
        "archived_documents": ("core/clean_up_archive", retention),
        "old_syncs": ("upkeep/clean_up_runs", _KEEP_SYNCS_DAYS),
        "old_alerts": ("upkeep/clean_up_alerts", _KEEP_ALERTS_DAYS),
    }
    for what, (name, days) in old.items():
        with connection.transaction():
            done[what] = connection.execute(statement(name), {"days": days}).rowcount
    return done


def clean_up_raw_rows(connection: Connection, cluster_id: int) -> int:
    """Delete a cluster's raw rows older than 24 hours that are in the archive or in quarantine.

    Returns their number; the caller commits. Unparsed rows stay at any age; the check `nothing_unparsed` reports them.
    """
    return connection.execute(statement("core/clean_up_raw"), {"cluster_id": cluster_id}).rowcount


def mark_interrupted_syncs(connection: Connection) -> int:
    """Mark running syncs as interrupted if no session holds their cluster's lock, and return their number."""
    found = [row[0] for row in connection.execute(statement("upkeep/running_clusters"))]
    connection.commit()
    marked = 0
    for cluster_id in found:
        with connection.transaction():
            if try_advisory_xact_lock(connection, LockKind.SYNC, cluster_id):
                marked += connection.execute(statement("upkeep/interrupt_runs"), {"cluster": cluster_id}).rowcount
    return marked


def analyze(connection: Connection) -> list[str]:
    tables = connection.execute(statement("upkeep/tables_to_analyze")).fetchall()
    connection.commit()
    for schema, table in tables:
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(schema, table)))
        connection.commit()  # per table, to release its lock at once
    return [f"{schema}.{table}" for schema, table in tables]
