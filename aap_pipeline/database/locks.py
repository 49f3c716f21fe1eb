"""Advisory locks. Keys are pairs (kind, cluster), so that clusters never wait for each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import LiteralString

from psycopg.pq import TransactionStatus

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement


class LockKind(IntEnum):
    """What is locked. Releases share these numbers, so never reuse one.

    They start high to avoid collisions with locks of other programs in the same database.
    """

    SYNC = 0x616101
    """One sync per cluster at a time (session lock, held for minutes)."""
    PARSE = 0x616102
    """One batch of raw rows per cluster at a time (transaction lock)."""
    MARTS = 0x616103
    """One refresh of the marts per cluster at a time (transaction lock; cluster 0: shared tables). In SQL, cluster -1
    separates new organizations from changes of rates, -2 core's batches from changes of the reporting time zone."""
    RUN = 0x616106
    """A run of Dagster is alive (session lock, shared, on a connection of its own; in place of a cluster, the run)."""


def advisory_xact_lock(connection: Connection, kind: LockKind, cluster_id: int) -> None:
    """Wait for the lock and hold it until the current transaction ends."""
    connection.execute(statement("database/xact_lock"), {"kind": kind.value, "cluster_id": cluster_id})


def share_session_lock(connection: Connection, kind: LockKind, number: int) -> None:
    """Hold the lock with all others that share it until `connection` ends. Waits for a holder that does not share."""
    connection.execute(statement("database/share_session_lock"), {"kind": kind.value, "cluster_id": number})


def try_advisory_xact_lock(connection: Connection, kind: LockKind, cluster_id: int) -> bool:
    """Try to take the lock until the transaction ends. Returns at once whether it was taken."""
    return _answer(connection, statement("database/try_xact_lock"), kind, cluster_id)


@contextmanager
def session_lock(connection: Connection, kind: LockKind, cluster_id: int) -> Iterator[bool]:
    """Try to take the lock for the block, across its transactions. Yields at once whether it was taken.

    Begin and end the block between transactions. The server releases the lock when the connection ends.
    """
    with connection.transaction():
        taken = _answer(connection, statement("database/try_session_lock"), kind, cluster_id)
    try:
        yield taken
    finally:
        if taken and not connection.closed:
            if connection.info.transaction_status is TransactionStatus.INERROR:
                connection.rollback()  # a failed transaction rejects the unlock
            with connection.transaction():
                _answer(connection, statement("database/session_unlock"), kind, cluster_id)


def _answer(connection: Connection, query: LiteralString, kind: LockKind, cluster_id: int) -> bool:
    row = connection.execute(query, {"kind": kind.value, "cluster_id": cluster_id}).fetchone()
    return bool(row and row[0])
