"""Row-level access: the organizations that a database role sees in the marts."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from psycopg import errors, sql

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import select, statement
from aap_pipeline.errors import PipelineError
from aap_pipeline.marts.costs import place

_NOTHING = -1
"""The id of no organization. A role with this row is restricted and sees nothing through it."""


def access(connection: Connection) -> list[dict[str, Any]]:
    """Return role, organization, cluster and nothing of every restriction, by role.

    `organization` None: runs without one or, with `nothing`, none at all. Roles that neither have nor inherit a
    restriction see everything.
    """
    return select(connection, "marts/access", {"nothing": _NOTHING})


def grant(
    connection: Connection,
    role: str,
    organizations: Sequence[str],
    *,
    cluster: str | None = None,
    nothing: bool = False,
) -> None:
    """Let `role` read the marts of the organizations, in addition to what it sees. The caller commits.

    With `nothing` it sees nothing until it runs SET ROLE. Raises PipelineError for an unknown organization, and
    RaiseException for a role that is unknown or cannot be restricted.
    """
    if nothing == bool(organizations):
        raise PipelineError("Use either --organization NAME or --nothing.")
    ids = [place(connection, cluster, name)[1] for name in organizations] or [_NOTHING]
    for organization in ids:
        connection.execute(statement("marts/grant_access"), {"role": role, "organization": organization})
    connection.execute(sql.SQL("GRANT bi_reader TO {}").format(sql.Identifier(role)))


def revoke(connection: Connection, role: str, organizations: Sequence[str], *, cluster: str | None = None) -> None:
    """Revoke organizations, or without any all access to the marts, from `role`. The caller commits.

    A role that loses its last organization sees nothing. Raises PipelineError for a role without restriction and for an
    unknown organization.
    """
    if all(each["role"] != role for each in access(connection)):
        raise PipelineError(
            f"Role {role!r} is not restricted. To list restricted roles, run `aap-pipeline access list`."
        )
    ids = [place(connection, cluster, name)[1] for name in organizations]
    with suppress(errors.RaiseException), connection.transaction():  # it was dropped, or became a superuser
        connection.execute(statement("marts/grant_access"), {"role": role, "organization": _NOTHING})
    with suppress(errors.UndefinedObject), connection.transaction():
        if not organizations:
            connection.execute(sql.SQL("REVOKE bi_reader FROM {}").format(sql.Identifier(role)))
    connection.execute(
        statement("marts/revoke_access"), {"role": role, "organizations": ids or None, "nothing": _NOTHING}
    )
