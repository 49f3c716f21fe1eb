"""Tells each receiver what it does not know yet. A dead receiver is tried again later and fails nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from aap_pipeline.alerts.incidents import Message, due_messages
from aap_pipeline.alerts.receivers import DeliveryFailed, Receiver
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement

_AT_MOST_SECONDS = 20.0
"""Dagster ends a sensor's tick after a minute, and a slow mail server may take seconds for each of thirty messages."""


def deliver(
    connection: Connection,
    receivers: Sequence[Receiver],
    seconds: float = _AT_MOST_SECONDS,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[str]:
    """Send what is due; a sentence for each message that did not reach everybody.

    Of each receiver at least one message; no further one once `seconds` are over: those are for the next call.
    Each message is sent once, unless this process dies between the receiver's yes and the note of it. A receiver that
    fails has to wait with its other messages until the next call. Commits as it goes.
    """
    failures = []
    until = monotonic() + seconds
    for receiver in receivers:
        connection.commit()
        for message in due_messages(connection, receiver.name):
            delivered, error = _send(connection, receiver, message)
            if error is not None:
                failures.append(f"{receiver.name}: {error}{'' if delivered else ' It is tried again.'}")
            if not delivered or monotonic() > until:
                break
    connection.commit()
    return failures


def _send(connection: Connection, receiver: Receiver, message: Message) -> tuple[bool, str | None]:
    where = {"alert": message.alert, "receiver": receiver.name, "resolution": message.resolved_at is not None}
    connection.execute(statement("alerts/note_attempt"), where)
    connection.commit()
    delivered = True
    try:
        error = receiver.send(message)
    except DeliveryFailed as failure:
        delivered, error = False, str(failure)
    connection.execute(statement("alerts/note_outcome"), {**where, "delivered": delivered, "error": error})
    connection.commit()
    return delivered, error
