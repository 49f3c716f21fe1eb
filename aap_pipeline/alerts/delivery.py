"""Send each receiver the messages that it has not received yet. Failed deliveries are retried."""

import time
from collections.abc import Callable, Mapping

from aap_pipeline.alerts.incidents import Message, due_messages
from aap_pipeline.alerts.receivers import DeliveryFailed, Send
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement

_AT_MOST_SECONDS = 20.0
"""Dagster ends a sensor's tick after a minute, and a slow mail server may take seconds per message."""


def deliver(
    connection: Connection,
    receivers: Mapping[str, Send],
    seconds: float = _AT_MOST_SECONDS,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[str]:
    """Send the due messages. Returns a sentence per message that was not fully delivered.

    Each receiver gets at least one message, and no more after `seconds`; the next call sends the rest. A message is
    sent once, unless this process dies between delivery and commit. After a failure, a receiver's other messages wait
    for the next call. Commits after each message.
    """
    failures = []
    until = monotonic() + seconds
    for receiver, send in receivers.items():
        connection.commit()
        for message in due_messages(connection, receiver):
            delivered, error = _send(connection, receiver, send, message)
            if error is not None:
                failures.append(f"{receiver}: {error}{'' if delivered else ' It will be retried.'}")
            if not delivered or monotonic() > until:
                break
    connection.commit()
    return failures


def _send(connection: Connection, receiver: str, send: Send, message: Message) -> tuple[bool, str | None]:
    where = {"alert": message.alert, "receiver": receiver, "resolution": message.resolved_at is not None}
    connection.execute(statement("alerts/note_attempt"), where)
    connection.commit()
    delivered = True
    try:
        error = send(message)
    except DeliveryFailed as failure:
        delivered, error = False, str(failure)
    connection.execute(statement("alerts/note_outcome"), {**where, "delivered": delivered, "error": error})
    connection.commit()
    return delivered, error
