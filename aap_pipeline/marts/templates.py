"""Manual and creation minutes of job templates, and their exclusion from the savings."""

from datetime import date
from typing import Any

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import select, statement
from aap_pipeline.errors import BadInput, PipelineError
from aap_pipeline.marts.costs import place


def templates(connection: Connection, cluster: str | None = None) -> list[dict[str, Any]]:
    """Return every template, including deleted ones, by cluster and name.

    `source` of the manual minutes: default, estimated or set. `excluded`: as of now.
    """
    return select(connection, "marts/templates", {"cluster_id": place(connection, cluster, None)[0]})


def set_template(
    connection: Connection,
    name: str,
    *,
    manual_minutes: int | None = None,
    creation_minutes: int | None = None,
    excluded: bool | None = None,
    excluded_from: date | None = None,
    cluster: str | None = None,
) -> dict[str, Any]:
    """Set the minutes of a template, by its name or #id, from today on, and return it. The caller commits.

    `manual_minutes` and `creation_minutes` are from 0 to 2,147,483,647. `excluded` excludes the template's runs from
    every figure, or includes them again, from `excluded_from` (default: today) on. Raises PipelineError for an unknown
    or ambiguous template, BadInput if there is nothing to set or the day is in the future.
    """
    if manual_minutes is None and creation_minutes is None and excluded is None:
        raise BadInput(
            f"Nothing to set for {name!r}. Use --manual-minutes, --creation-minutes, --exclude or --include."
        )
    if excluded is None and excluded_from is not None:
        raise BadInput("--from needs --exclude or --include. Minutes always change from today on.")
    found = [each for each in templates(connection, cluster) if name in (each["name"], f"#{each['id']}")]
    if not found:
        raise PipelineError(f"There is no job template {name!r}. To list them, run `aap-pipeline templates list`.")
    if len(found) > 1:
        candidates = ", ".join(f"'#{each['id']}' in {each['cluster']}" for each in found)
        raise PipelineError(f"Several job templates are named {name!r}. Add --cluster NAME, or use {candidates}.")
    template = found[0]["id"]
    if manual_minutes is not None or creation_minutes is not None:
        values = {"id": template, "manual_minutes": manual_minutes, "creation_minutes": creation_minutes}
        connection.execute(statement("marts/set_minutes"), values)
    if excluded is not None:
        values = {"id": template, "excluded": excluded, "day": excluded_from}
        if connection.execute(statement("marts/exclude_template"), values).fetchone() is None:
            raise BadInput(f"{excluded_from} is in the future. Exclude or include {name!r} from a day up to today.")
    return next(each for each in templates(connection, cluster) if each["id"] == template)
