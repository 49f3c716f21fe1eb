"""What waits in the database for a run that nobody has asked for. Pure but for one query."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement

_WAIT_SECONDS = 120
"""The run that wrote a raw row usually parses it within seconds; a large first sync parses after its last slice, and
then its cluster is busy."""


@dataclass(frozen=True)
class Waiting:
    """Of one cluster the id of what waits: oldest raw row, newest changed day, rate, rebuild; None: nothing."""

    cluster: str
    raw_row: int | None = None
    changed_day: int | None = None
    changed_rate: int | None = None
    rebuild: int | None = None


@dataclass(frozen=True)
class DueRun:
    """A run to ask for. The same state within the same hour gives the same `key`, and so at most one run."""

    cluster: str
    key: str
    reason: str


def waiting(connection: Connection) -> list[Waiting]:
    """What waits in each cluster."""
    rows = connection.execute(statement("upkeep/left_behind"), {"seconds": _WAIT_SECONDS})
    return [Waiting(*row) for row in rows]


def to_parse(found: Sequence[Waiting], busy: Collection[str], now: datetime) -> list[DueRun]:
    """A run for each cluster with raw rows left behind, unless one is under way; after a failure again each hour."""
    return [
        DueRun(each.cluster, f"{each.cluster}/raw/{each.raw_row}/{now:%Y-%m-%dT%H}", "raw rows left behind")
        for each in found
        if each.raw_row is not None and each.cluster not in busy
    ]


def to_refresh(found: Sequence[Waiting], busy: Collection[str], now: datetime) -> list[DueRun]:
    """A run for each cluster whose marts are behind; a run under way may have read the old rates, so wait for it.

    Clusters with raw rows left behind are left to `to_parse`, whose runs refresh the marts too.
    """
    due = []
    for each in found:
        notes = {
            "rates changed": each.changed_rate,
            "settings changed": each.rebuild,
            "days left behind": each.changed_day,
        }
        reasons = [reason for reason, note in notes.items() if note is not None]
        if not reasons or each.cluster in busy or each.raw_row is not None:
            continue
        state = "/".join(str(note or 0) for note in notes.values())
        due.append(DueRun(each.cluster, f"{each.cluster}/marts/{state}/{now:%Y-%m-%dT%H}", reasons[0]))
    return due
