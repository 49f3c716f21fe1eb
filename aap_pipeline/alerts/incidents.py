"""Incidents and what receivers were told of them: table pipeline.alert. Dagster and receivers are elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from aap_pipeline.controller.redaction import redact
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement

Kind = Literal["run_failed", "check_failed", "cluster_stale", "token_expiring", "token_refused"]
_MOST_SUBJECT, _MOST_MESSAGE = 300, 4000


@dataclass(frozen=True)
class Message:
    """What a receiver is told of an incident: that it began, or (`resolved_at`) that it is over."""

    alert: int
    kind: str
    subject: str
    text: str
    link: str | None
    raised_at: datetime
    resolved_at: datetime | None

    @property
    def title(self) -> str:
        """One line."""
        state = "resolved" if self.resolved_at else "problem"
        return f"[aap-pipeline] {state}: {self.kind.replace('_', ' ')}: {self.subject}"


def raise_incident(
    connection: Connection,
    kind: Kind,
    subject: str,
    message: str,
    link: str | None = None,
    known: Collection[str] = (),
    patience: timedelta = timedelta(),
) -> None:
    """Note an incident, or that an open one was seen again. The caller commits.

    It is told once it has lasted for `patience`.
    What looks like a secret, and those of `known`, are masked in `message` and `subject`.
    """
    values = {
        "kind": kind,
        "subject": _stored(subject, known),
        "message": redact(message, known)[:_MOST_MESSAGE],
        "link": link,
        "patience": patience,
    }
    connection.execute(statement("alerts/raise"), values)


def resolve_incident(connection: Connection, kind: Kind, subject: str, known: Collection[str] = ()) -> None:
    """Note that an incident, if it was one, is over. The caller commits."""
    connection.execute(statement("alerts/resolve"), {"kind": kind, "subject": _stored(subject, known)})


def end_incidents_of(connection: Connection, clusters: Collection[str]) -> None:
    """Note that whatever was wrong with these clusters is over. The caller commits."""
    connection.execute(statement("alerts/resolve_of_clusters"), {"clusters": list(clusters)})


def set_incidents(connection: Connection, kind: Kind, now: Mapping[str, str], known: Collection[str] = ()) -> None:
    """Make the open incidents of a kind those of `now` {subject: message}. The caller commits."""
    was = open_subjects(connection, kind)
    stored = {_stored(subject, known): message for subject, message in now.items()}
    for subject in was - stored.keys():
        resolve_incident(connection, kind, subject, known)
    for subject in stored.keys() - was:
        raise_incident(connection, kind, subject, stored[subject], known=known)


def _stored(subject: str, known: Collection[str]) -> str:
    """A subject as the table has it, by which an open incident is found again."""
    return redact(subject, known)[:_MOST_SUBJECT]


def open_subjects(connection: Connection, kind: Kind) -> set[str]:
    """What the open incidents of a kind are about."""
    return {row[0] for row in connection.execute(statement("alerts/open_subjects"), {"kind": kind})}


def due_messages(connection: Connection, receiver: str) -> list[Message]:
    """What a receiver is still to be told now, oldest first."""
    return [Message(*row) for row in connection.execute(statement("alerts/due"), {"receiver": receiver})]
