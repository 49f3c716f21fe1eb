"""Which organizations a database role sees in the marts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import errors, sql

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.marts.costs import place
from aap_pipeline.marts.errors import CostError

_NOTHING = -1
"""An organization that does not exist: a role with this row is restricted, and sees nothing by it."""


@dataclass(frozen=True)
class Access:
    """One organization that a role sees; `organization` None: runs without one, or (`nothing`) none at all."""

    role: str
    organization: str | None
    cluster: str | None
    nothing: bool


def access(connection: Connection) -> list[Access]:
    """Every restriction, by role. A role that is not listed, and inherits none that is, sees everything."""
    return [Access(*row) for row in connection.execute(statement("marts/access"), {"nothing": _NOTHING})]


def grant(
    connection: Connection,
    role: str,
    organizations: Sequence[str],
    *,
    cluster: str | None = None,
    nothing: bool = False,
) -> None:
    """Let `role` read the marts of the organizations, in addition to what it sees; the caller commits.

    With `nothing` it sees nothing by itself, only what a role that it takes with SET ROLE sees. Raises CostError for an
    unknown role or organization.
    """
    if nothing == bool(organizations):
        raise CostError("Name the organizations with --organization, or --nothing.")
    ids = [place(connection, cluster, name)[1] for name in organizations] or [_NOTHING]
    try:
        with connection.transaction():
            for organization in ids:
                connection.execute(statement("marts/grant_access"), {"role": role, "organization": organization})
            connection.execute(sql.SQL("GRANT bi_reader TO {}").format(sql.Identifier(role)))
    except errors.UndefinedObject as error:
        raise CostError(f"There is no database role {role!r}: create it with CREATE ROLE first.") from error


def revoke(connection: Connection, role: str, organizations: Sequence[str], *, cluster: str | None = None) -> None:
    """Take organizations from `role`, or (none named) all access to the marts; the caller commits.

    A role that loses its last organization sees nothing, not everything. Raises CostError for a role without
    restriction and for an unknown organization.
    """
    if all(each.role != role for each in access(connection)):
        raise CostError(f"Role {role!r} is not restricted: `aap-pipeline access list` shows the roles that are.")
    ids = [place(connection, cluster, name)[1] for name in organizations]
    if not organizations:
        connection.execute(sql.SQL("REVOKE bi_reader FROM {}").format(sql.Identifier(role)))
    connection.execute(statement("marts/grant_access"), {"role": role, "organization": _NOTHING})
    connection.execute(
        statement("marts/revoke_access"), {"role": role, "organizations": ids or None, "nothing": _NOTHING}
    )
