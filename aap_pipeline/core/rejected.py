"""Quarantine: the documents that core rejected, whole, with the reason."""

from collections.abc import Sequence
from typing import Any

from aap_pipeline.core.batch import ParseResult
from aap_pipeline.core.parse import parse
from aap_pipeline.core.source import Source
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.statements import select, statement
from aap_pipeline.errors import PipelineError
from aap_pipeline.reports.output import listed


def list_rejected(
    connection: Connection, cluster_id: int | None = None, reason: str | None = None, limit: int = 1_000
) -> list[dict[str, Any]]:
    """Return the quarantined records of one cluster or all, the last rejected first.

    They lack the documents, which may contain secrets of a controller's users.
    """
    return select(connection, "core/list_rejected", {"cluster_id": cluster_id, "reason": reason, "limit": limit})


def show(connection: Connection, record_id: int) -> dict[str, Any]:
    """Return one record with its stored JSON, `document`. Raises PipelineError."""
    for record in select(connection, "core/show_rejected", {"id": record_id}):
        return record
    raise _no_such_record([record_id])


def replay(url: str, ids: Sequence[int] | None = None) -> ParseResult:
    """Process quarantined records again: all, or those of `ids`.

    Records that are now valid are stored and leave quarantine; the others stay, with the reason of this attempt. Stored
    names of hosts, templates and so on are newer than those in the documents and stay. Raises PipelineError and does
    nothing if one of `ids` is not in quarantine.
    """
    only = None if ids is None else list(ids)
    with connect(url) as connection:
        found: dict[int, list[int]] = dict(
            connection.execute(statement("core/rejected_clusters"), {"only": only}).fetchall()
        )
    if missing := set(only or ()).difference(*found.values()):
        raise _no_such_record(sorted(missing))
    total = ParseResult()
    for cluster_id in found:
        total.merge(parse(url, cluster_id, Source.REJECTED, only=only))
    return total


def _no_such_record(ids: Sequence[int]) -> PipelineError:
    return PipelineError(f"No quarantined record has id {listed(ids)}. Run `aap-pipeline rejected list`.")
