"""What keeps the database tidy: raw rows, records of syncs, incidents, statistics. Each step is a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psycopg import sql

from aap_pipeline.clusters.registry import clusters
from aap_pipeline.core.rebuild import clean_up
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.locks import LockKind, try_advisory_xact_lock
from aap_pipeline.database.statements import statement

KEEP_RUNS_DAYS: Final = 90
KEEP_ALERTS_DAYS: Final = 365


@dataclass(frozen=True)
class Tidied:
    """Rows deleted or mended, by what they were."""

    raw_rows: int
    archived_documents: int
    interrupted_syncs: int
    old_syncs: int
    old_alerts: int


def tidy(connection: Connection) -> Tidied:
    """Delete what need not be kept, and settle syncs whose process is gone. Unparsed raw rows always stay."""
    raw = archived = 0
    for cluster in clusters(connection):
        done = clean_up(connection, cluster.id)
        connection.commit()
        raw, archived = raw + done.raw, archived + done.archived
    connection.commit()
    swept = mark_interrupted_syncs(connection)
    with connection.transaction():
        runs = connection.execute(statement("upkeep/clean_up_runs"), {"days": KEEP_RUNS_DAYS}).rowcount
    with connection.transaction():
        alerts = connection.execute(statement("upkeep/clean_up_alerts"), {"days": KEEP_ALERTS_DAYS}).rowcount
    return Tidied(raw, archived, swept, runs, alerts)


def mark_interrupted_syncs(connection: Connection) -> int:
    """Mark syncs as interrupted that are said to run although nobody holds their cluster's lock; how many."""
    found = [row[0] for row in connection.execute(statement("upkeep/running_clusters"))]
    connection.commit()
    swept = 0
    for cluster_id in found:
        with connection.transaction():
            if try_advisory_xact_lock(connection, LockKind.SYNC, cluster_id):
                swept += connection.execute(statement("upkeep/interrupt_runs"), {"cluster": cluster_id}).rowcount
    return swept


def analyze(connection: Connection) -> list[str]:
    """Bring the planner's statistics up to date where they are old; the tables."""
    tables = connection.execute(statement("upkeep/tables_to_analyze")).fetchall()
    connection.commit()
    for schema, table in tables:
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(schema, table)))
        connection.commit()  # table by table: the lock on each is given back at once
    return [f"{schema}.{table}" for schema, table in tables]
