"""Find pending work in the database without a run for it. Pure except for one query."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from dagster import RunRequest

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.orchestration.jobs import REASON_TAG

_WAIT_SECONDS = 120
"""A run usually parses its raw rows within seconds. A large first sync parses after its last slice, but keeps its
cluster busy until then."""


@dataclass(frozen=True)
class Waiting:
    """The ids of a cluster's pending work: oldest raw row, newest changed day, rate, rebuild; None: nothing."""

    cluster: str
    raw_row: int | None = None
    changed_day: int | None = None
    changed_rate: int | None = None
    rebuild: int | None = None


def waiting(connection: Connection) -> list[Waiting]:
    rows = connection.execute(statement("upkeep/left_behind"), {"seconds": _WAIT_SECONDS})
    return [Waiting(*row) for row in rows]


def to_parse(found: Sequence[Waiting], busy: Collection[str], now: datetime) -> list[RunRequest]:
    """Return a run per cluster with raw rows left behind, unless it is busy; after a failure again each hour."""
    return [
        _run(each, f"raw/{each.raw_row}", "raw rows left behind", now)
        for each in found
        if each.raw_row is not None and each.cluster not in busy
    ]


def to_refresh(found: Sequence[Waiting], busy: Collection[str], now: datetime) -> list[RunRequest]:
    """Return a run per cluster with stale marts, unless it is busy: a current run may have read the old rates.

    Skips clusters with raw rows left behind, because the runs of `to_parse` also refresh the marts.
    """
    due = []
    for each in found:
        notes = {
            "rates changed": each.changed_rate,
            "settings changed": each.rebuild,
            "days left behind": each.changed_day,
        }
        reasons = [reason for reason, note in notes.items() if note is not None]
        if reasons and each.cluster not in busy and each.raw_row is None:
            state = "/".join(str(note or 0) for note in notes.values())
            due.append(_run(each, f"marts/{state}", reasons[0], now))
    return due


def _run(of: Waiting, state: str, reason: str, now: datetime) -> RunRequest:
    """Return a run whose key allows one per hour for the same state."""
    key = f"{of.cluster}/{state}/{now:%Y-%m-%dT%H}"
    return RunRequest(run_key=key, partition_key=of.cluster, tags={REASON_TAG: reason})
