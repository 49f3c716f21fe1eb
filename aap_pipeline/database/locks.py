"""Advisory locks: who waits for whom. Keys are pairs (kind, cluster), so that clusters never wait for each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import LiteralString

from psycopg.pq import TransactionStatus

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement


class LockKind(IntEnum):
    """What is locked. Numbers are part of the contract between releases: never reuse one.

    They start high so that pairs of another program in the same database are unlikely to meet ours.
    """

    SYNC = 0x616101
    """One sync of a cluster at a time, whoever starts it (session lock, held for minutes)."""
    PARSE = 0x616102
    """One batch of raw rows of a cluster at a time (transaction lock)."""
    MARTS = 0x616103
    """One refresh of a cluster's marts at a time (transaction lock; cluster 0: what all clusters share). In SQL, -1
    keeps new organizations and changes of rates apart, -2 batches of core and changes of the reporting time zone."""
    UPKEEP = 0x616105
    """Retention and archive."""
    RUN = 0x616106
    """A run of Dagster is alive (session lock, shared, on a connection of its own; in place of a cluster, the run)."""


ALL_CLUSTERS = 0
"""In place of a cluster's id, for what is done once for all of them. It does not wait for the locks of single ones."""


def advisory_xact_lock(connection: Connection, kind: LockKind, cluster_id: int = ALL_CLUSTERS) -> None:
    """Wait for the lock and hold it until the transaction under way ends."""
    connection.execute(statement("database/xact_lock"), {"kind": kind.value, "cluster_id": cluster_id})


def share_session_lock(connection: Connection, kind: LockKind, number: int) -> None:
    """Hold the lock with all others that share it until `connection` ends. Waits for a holder that does not share."""
    connection.execute(statement("database/share_session_lock"), {"kind": kind.value, "cluster_id": number})


def try_advisory_xact_lock(connection: Connection, kind: LockKind, cluster_id: int = ALL_CLUSTERS) -> bool:
    """Take the lock until the transaction ends if nobody holds it; say whether it was taken, without waiting."""
    return _answer(connection, statement("database/try_xact_lock"), kind, cluster_id)


@contextmanager
def session_lock(connection: Connection, kind: LockKind, cluster_id: int = ALL_CLUSTERS) -> Iterator[bool]:
    """Try the lock for the block, across its transactions; gives whether it was taken, without waiting.

    It belongs to the connection and outlives its transactions: begin and end the block between transactions. A process
    that is killed, a connection that breaks and a server that restarts release it.
    """
    taken = _between_transactions(connection, statement("database/try_session_lock"), kind, cluster_id)
    try:
        yield taken
    finally:
        if taken and not connection.closed:
            if connection.info.transaction_status is TransactionStatus.INERROR:
                connection.rollback()  # a failed transaction would refuse the unlock
            _between_transactions(connection, statement("database/session_unlock"), kind, cluster_id)


def _between_transactions(connection: Connection, query: LiteralString, kind: LockKind, cluster_id: int) -> bool:
    idle = connection.info.transaction_status is TransactionStatus.IDLE
    answer = _answer(connection, query, kind, cluster_id)
    if idle:
        connection.commit()  # leave no transaction open that the caller did not begin
    return answer


def _answer(connection: Connection, query: LiteralString, kind: LockKind, cluster_id: int) -> bool:
    row = connection.execute(query, {"kind": kind.value, "cluster_id": cluster_id}).fetchone()
    return bool(row and row[0])
