"""Incidents and their deliveries in table pipeline.alert, independent of Dagster and of receivers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from aap_pipeline.controller.redaction import redact
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement

IncidentKind = Literal["run_failed", "check_failed", "cluster_stale", "token_expiring", "token_refused"]
_MOST_SUBJECT, _MOST_MESSAGE = 300, 4000


@dataclass(frozen=True)
class Message:
    """A message about an incident: that it began or, if `resolved_at` is set, that it is resolved."""

    alert: int
    kind: str
    subject: str
    text: str
    link: str | None
    raised_at: datetime
    resolved_at: datetime | None

    @property
    def title(self) -> str:
        state = "resolved" if self.resolved_at else "problem"
        return f"[aap-pipeline] {state}: {self.kind.replace('_', ' ')}: {self.subject}"


def raise_incident(
    connection: Connection,
    kind: IncidentKind,
    subject: str,
    message: str,
    link: str | None = None,
    known: Collection[str] = (),
    patience: timedelta = timedelta(),
) -> None:
    """Open an incident, or count another occurrence of an open one. The caller commits.

    Messages are sent once it has lasted for `patience`. Secrets, including the `known` ones, are masked in `message`
    and `subject`.
    """
    values = {
        "kind": kind,
        "subject": _stored(subject, known),
        "message": redact(message, known)[:_MOST_MESSAGE],
        "link": link,
        "patience": patience,
    }
    connection.execute(statement("alerts/raise"), values)


def resolve_incident(connection: Connection, kind: IncidentKind, subject: str, known: Collection[str] = ()) -> None:
    """Resolve an incident if it is open. The caller commits."""
    connection.execute(statement("alerts/resolve"), {"kind": kind, "subject": _stored(subject, known)})


def set_incidents(
    connection: Connection, kind: IncidentKind, now: Mapping[str, str], known: Collection[str] = ()
) -> None:
    """Make the open incidents of a kind those of `now` {subject: message}. The caller commits."""
    was = open_subjects(connection, kind)
    stored = {_stored(subject, known): message for subject, message in now.items()}
    for subject in was - stored.keys():
        resolve_incident(connection, kind, subject, known)
    for subject in stored.keys() - was:
        raise_incident(connection, kind, subject, stored[subject], known=known)


def _stored(subject: str, known: Collection[str]) -> str:
    return redact(subject, known)[:_MOST_SUBJECT]


def open_subjects(connection: Connection, kind: IncidentKind) -> set[str]:
    return {row[0] for row in connection.execute(statement("alerts/open_subjects"), {"kind": kind})}
