"""Minutes of job templates: how long their work takes by hand, and how long it took to automate it."""

from __future__ import annotations

from dataclasses import dataclass

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.marts.costs import place
from aap_pipeline.marts.errors import BadValue, CostError


@dataclass(frozen=True)
class TemplateMinutes:
    """A template's minutes; `source` says where the manual ones come from: default, estimated or set."""

    id: int
    cluster: str
    organization: str | None
    name: str
    manual_minutes: int
    creation_minutes: int
    source: str
    runs: int


def templates(connection: Connection, cluster: str | None = None) -> list[TemplateMinutes]:
    """Every template that the controllers have or had, by cluster and name."""
    cluster_id, _ = place(connection, cluster, None)
    rows = connection.execute(statement("marts/templates"), {"cluster_id": cluster_id})
    return [TemplateMinutes(*row) for row in rows]


def set_minutes(
    connection: Connection,
    name: str,
    *,
    manual_minutes: int | None = None,
    creation_minutes: int | None = None,
    cluster: str | None = None,
) -> TemplateMinutes:
    """Set one template's minutes as of today, by its name or #id; the caller commits. Returns it as it is now.

    `manual_minutes` and `creation_minutes` are from 0 to 2,147,483,647. Raises CostError for an unknown or ambiguous
    template, BadValue for nothing to set.
    """
    if manual_minutes is None and creation_minutes is None:
        raise BadValue(f"Nothing to set for {name!r}: use --manual-minutes, --creation-minutes, or both.")
    found = [each for each in templates(connection, cluster) if name in (each.name, f"#{each.id}")]
    if not found:
        raise CostError(f"There is no job template {name!r}: `aap-pipeline templates list` shows them.")
    if len(found) > 1:
        candidates = ", ".join(f"#{each.id} in {each.cluster}" for each in found)
        raise CostError(f"Several job templates are called {name!r}: name one with --cluster or as {candidates}.")
    connection.execute(
        statement("marts/set_minutes"),
        {"id": found[0].id, "manual_minutes": manual_minutes, "creation_minutes": creation_minutes},
    )
    return next(each for each in templates(connection, cluster) if each.id == found[0].id)
