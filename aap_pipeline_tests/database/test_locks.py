"""Who waits for whom, and that a lock never outlives its holder."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.locks import LockKind, advisory_xact_lock, session_lock, try_advisory_xact_lock


@pytest.fixture
def other(database_url: str) -> Iterator[Connection]:
    """A second connection to the same database, as another process would have."""
    with connect(database_url) as connection:
        yield connection


def test_a_second_sync_of_the_same_cluster_is_told_so_at_once(connection: Connection, other: Connection) -> None:
    """Guards against two syncs of one cluster, and against one that waits for hours."""
    with session_lock(connection, LockKind.SYNC, 1) as first, session_lock(other, LockKind.SYNC, 1) as second:
        assert (first, second) == (True, False)
    with session_lock(other, LockKind.SYNC, 1) as third:
        assert third


def test_clusters_and_kinds_do_not_wait_for_each_other(connection: Connection, other: Connection) -> None:
    """Guards against one slow controller that holds up all."""
    with session_lock(connection, LockKind.SYNC, 1):
        assert try_advisory_xact_lock(other, LockKind.SYNC, 2)
        assert try_advisory_xact_lock(other, LockKind.PARSE, 1)


def test_a_transactions_lock_ends_with_it(connection: Connection, other: Connection) -> None:
    """Guards against a lock left behind by a rolled-back batch."""
    advisory_xact_lock(connection, LockKind.PARSE, 1)
    assert not try_advisory_xact_lock(other, LockKind.PARSE, 1)
    connection.rollback()
    assert try_advisory_xact_lock(other, LockKind.PARSE, 1)


def test_a_session_lock_outlives_transactions_and_ends_with_the_block_even_after_an_error(
    connection: Connection, other: Connection
) -> None:
    """Guards against a lock that a commit in the middle of a sync releases, or that a failed statement keeps."""

    def sync() -> None:
        with session_lock(connection, LockKind.SYNC, 1):
            connection.execute("SELECT 1")
            connection.commit()
            assert not try_advisory_xact_lock(other, LockKind.SYNC, 1)
            connection.execute("SELECT 1/0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        sync()
    assert try_advisory_xact_lock(other, LockKind.SYNC, 1)


def test_a_broken_connection_releases_its_lock(connection: Connection, other: Connection) -> None:
    """Guards against an unlock that hides why the connection broke, and against a lock that outlives it."""

    def sync() -> None:
        with session_lock(connection, LockKind.SYNC, 1):
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [connection.info.backend_pid])
            connection.execute("SELECT 1")

    with pytest.raises(psycopg.OperationalError, match="terminating"):
        sync()
    assert try_advisory_xact_lock(other, LockKind.SYNC, 1)
