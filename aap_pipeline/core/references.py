"""References of what a batch stores, checked once a batch: row by row they are half of what the server does.

The jobs, labels and host summaries of a batch refer to the same things again and again. Each of these is held and
counted once, by the row lock that a foreign key would take, and the foreign keys' own checks are skipped
(docs/adr/0007).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from aap_pipeline.core.dimensions import Ids
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement


class ReferenceGone(psycopg.errors.ForeignKeyViolation):
    """Something was deleted between the moment a batch looked it up and the moment it was to be referred to."""


def obstacle(connection: Connection) -> str | None:
    """Why foreign keys must check each row here, and what would change that; None if a batch may check them at once."""
    row = connection.execute(statement("core/row_checks")).fetchone()
    assert row is not None  # noqa: S101
    granted, role, others = row
    if others:
        return (
            f"the tables of jobs have triggers or references that core does not know ({', '.join(others)}); without "
            "them it would store jobs half as fast again."
        )
    if not granted:
        return (
            f"let a superuser run `GRANT SET ON PARAMETER session_replication_role TO {role}`, and core stores jobs "
            "half as fast again."
        )
    return None


def may_check_at_once(connection: Connection) -> bool:
    """Whether the transaction under way may, until it ends: nobody adds a trigger or a reference meanwhile."""
    connection.execute(statement("core/hold_tables"))
    return obstacle(connection) is None


@contextmanager
def checked_at_once(cursor: Cursor[TupleRow], cluster_id: int, ids: Ids) -> Iterator[None]:
    """In the block, jobs may be stored with references to `ids`, and labels and host summaries of these jobs, without a
    check of each row: all that they refer to is there, and held until the transaction ends.

    Raises ReferenceGone, before the block, if something is missing. Needs a transaction under way: after an error in
    the block it is the rollback that switches the checks on again.
    """
    referred_to = ids.by_table()
    cursor.execute(statement("core/hold_references"), {"cluster_id": cluster_id, **referred_to})
    [held] = cursor.fetchall()[0]
    wanted = 1 + sum(map(len, referred_to.values()))
    if held != wanted:
        raise ReferenceGone(f"Of {wanted} things that a batch refers to, {wanted - held} are gone.")
    cursor.execute(statement("core/row_checks_off"))
    yield
    cursor.execute(statement("core/row_checks_on"))
