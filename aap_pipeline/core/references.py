"""References of host summaries and labels, checked once a batch: row by row they cost a third of a job's time.

A batch's host summaries refer to the same hosts again and again. Each host is held and counted once, by the row lock
that its foreign key would take, and the foreign keys' own checks are skipped for these rows (docs/adr/0007).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from aap_pipeline.warehouse.connection import Connection
from aap_pipeline.warehouse.statements import statement


class ReferenceGone(psycopg.errors.ForeignKeyViolation):
    """A host or label was deleted between the moment a batch looked it up and the moment it was to be referred to."""


def obstacle(connection: Connection) -> str | None:
    """Why foreign keys must check each row here, and what would change that; None if a batch may check them at once."""
    row = connection.execute(statement("core/row_checks")).fetchone()
    assert row is not None  # noqa: S101
    granted, role, others = row
    if others:
        return (
            f"clusters_jobhostsummary or clusters_joblabel has triggers that core does not know ({', '.join(others)}): "
            "without them core stores a third more jobs a second."
        )
    if not granted:
        return (
            "an administrator who runs GRANT SET ON PARAMETER session_replication_role TO "
            f"{role}; lets core check them once a batch and store a third more jobs a second."
        )
    return None


@contextmanager
def checked_at_once(cursor: Cursor[TupleRow], hosts: Collection[int], labels: Collection[int]) -> Iterator[None]:
    """In the block, host summaries and labels of jobs that this transaction has just written may be stored unchecked:
    `hosts` and `labels`, ids of all that they refer to, are there and stay until it ends, like the jobs.

    Raises ReferenceGone, before the block, if one is missing. Needs a transaction: it is what ends the block's state
    after an error.
    """
    cursor.execute(statement("core/hold_references"), {"host_ids": list(hosts), "label_ids": list(labels)})
    held = cursor.fetchone()
    if held != (len(hosts), len(labels)):
        raise ReferenceGone(f"Of {len(hosts)} hosts and {len(labels)} labels of a batch, {held} are left.")
    cursor.execute(statement("core/row_checks_off"))
    yield
    cursor.execute(statement("core/row_checks_on"))
