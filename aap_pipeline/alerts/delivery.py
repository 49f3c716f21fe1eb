"""Tells each receiver what it does not know yet. A dead receiver is tried again later and fails nothing."""

from __future__ import annotations

from collections.abc import Sequence

from aap_pipeline.alerts.incidents import Message, due_messages
from aap_pipeline.alerts.receivers import DeliveryFailed, Receiver
from aap_pipeline.warehouse.connection import Connection
from aap_pipeline.warehouse.statements import statement


def deliver(connection: Connection, receivers: Sequence[Receiver]) -> list[str]:
    """Send what is due; a sentence for each message that did not reach everybody.

    Each message is sent once, unless this process dies between the receiver's yes and the note of it. A receiver that
    fails has to wait with its other messages until the next call. Commits as it goes.
    """
    failures = []
    for receiver in receivers:
        connection.commit()
        for message in due_messages(connection, receiver.name):
            delivered, error = _send(connection, receiver, message)
            if error is not None:
                failures.append(f"{receiver.name}: {error}{'' if delivered else ' It is tried again.'}")
            if not delivered:
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
