"""The receivers of alerts (webhook, Slack, SMTP), and the delivery of messages that they have not received yet."""

import smtplib
import ssl
import time
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from html import escape
from typing import Any

import requests

from aap_pipeline.alerts.incidents import Message
from aap_pipeline.alerts.settings import AlertSettings
from aap_pipeline.controller.redaction import redact
from aap_pipeline.controller.transport import BoundedAdapter, time_limit
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import PipelineError

_TIMEOUT_SECONDS = 5.0


class DeliveryFailed(PipelineError):
    """A receiver did not accept a message."""


Send = Callable[[Message], str | None]
"""Delivers a message within seconds, or raises DeliveryFailed without secrets. Returns a remark if some addresses were
rejected."""


def receivers(settings: AlertSettings, timeout: float = _TIMEOUT_SECONDS) -> dict[str, Send]:
    """Return the configured receivers by name. `timeout`: seconds in which a webhook must respond."""
    found: dict[str, Send] = {}
    if settings.webhook_url:
        url, token = settings.webhook_url.get_secret_value(), settings.webhook_token
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        found["webhook"] = lambda message: _post(settings, url, _document(message), headers, timeout)
    if settings.slack_webhook_url:
        hook = settings.slack_webhook_url.get_secret_value()
        found["slack"] = lambda message: _post(settings, hook, _slack(message), {}, timeout)
    if settings.smtp_host and settings.smtp_to:
        found["smtp"] = lambda message: _mail(settings, message)
    return found


def deliver(
    connection: Connection,
    receivers: Mapping[str, Send],
    seconds: float = 20.0,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[str]:
    """Send the due messages. Returns a sentence per message that was not fully delivered.

    Each receiver gets at least one message, and no more after `seconds`, because Dagster ends a sensor's tick after a
    minute and a slow mail server may take seconds per message. The next call sends the rest. A message is sent once,
    unless this process dies between delivery and commit. After a failure, a receiver's other messages wait for the next
    call. Commits after each message.
    """
    failures = []
    until = monotonic() + seconds
    for receiver, send in receivers.items():
        connection.commit()
        for row in connection.execute(statement("alerts/due"), {"receiver": receiver}).fetchall():
            delivered, error = _send(connection, receiver, send, Message(*row))
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


def _slack(message: Message) -> dict[str, str]:
    """Return a text with a link, with Slack's special characters escaped."""
    mark = ":white_check_mark:" if message.resolved_at else ":rotating_light:"
    text = f"{mark} *{escape(message.title, quote=False)}*\n{escape(message.text, quote=False)}"
    return {"text": f"{text}\n<{message.link}|Open in Dagster>" if message.link else text}


def _mail(settings: AlertSettings, message: Message) -> str | None:
    """Send one mail to all addresses. It is delivered if the server accepts one of them."""
    mail = EmailMessage()
    mail["References"] = f"<alert-{message.alert}@aap-pipeline>"  # so that clients show both mails as one thread
    mail.set_content("\n\n".join(filter(None, (message.text, message.link, _times(message)))))
    return send_mail(settings, mail, message.title, settings.smtp_to)


def send_mail(settings: AlertSettings, mail: EmailMessage, subject: str, to: str) -> str | None:
    """Send `mail` to comma-separated addresses. Returns a remark if some of them were rejected.

    Raises DeliveryFailed, without secrets, if the server rejects all of them.
    """
    try:
        mail["Subject"] = " ".join(subject.split())
        mail["From"] = settings.smtp_from
        mail["To"] = to
        mail["Date"] = localtime()
        mail["Message-ID"] = make_msgid(domain="aap-pipeline")  # the default looks up this machine's name
        mail["Auto-Submitted"] = "auto-generated"  # suppresses out-of-office replies
        with _connection(settings) as server:
            if settings.smtp_user and settings.smtp_password:
                server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
            refused = server.send_message(mail)
    except (OSError, smtplib.SMTPException) as error:
        reason = redact(f"{type(error).__name__}: {error}", settings.secrets())
        raise DeliveryFailed(f"{settings.smtp_host}:{settings.smtp_port}: {reason}") from None
    except ValueError as error:  # its text may quote the password
        raise DeliveryFailed(
            f"{type(error).__name__}: host, address, user or password contains a character that SMTP cannot carry."
        ) from None
    return f"{settings.smtp_host} rejected {', '.join(refused)}." if refused else None


def _connection(settings: AlertSettings) -> smtplib.SMTP:
    host, port = settings.smtp_host or "", settings.smtp_port
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_SECONDS, context=ssl.create_default_context())
    server = smtplib.SMTP(host, port, timeout=_TIMEOUT_SECONDS)
    if settings.smtp_security == "starttls":
        server.starttls(context=ssl.create_default_context())
    return server


def _post(settings: AlertSettings, url: str, document: dict[str, Any], headers: dict[str, str], timeout: float) -> None:
    """Send `document` as JSON. Any 2xx is success; redirects are not followed."""
    try:
        with requests.Session() as session, time_limit(timeout):
            session.mount("https://", BoundedAdapter())
            session.mount("http://", BoundedAdapter())
            answer = session.post(url, json=document, headers=headers, timeout=timeout, allow_redirects=False)
    except (requests.RequestException, ValueError) as error:
        # The URL of a webhook is a secret, and the errors of requests quote parts of it.
        raise DeliveryFailed(f"No response ({type(error).__name__}).") from None
    if not 200 <= answer.status_code < 300:
        said = redact(answer.text[:200], settings.secrets()).strip()
        raise DeliveryFailed(f"HTTP {answer.status_code}{f': {said}' if said else '.'}")


def _document(message: Message) -> dict[str, Any]:
    return {
        "id": message.alert,
        "state": "resolved" if message.resolved_at else "open",
        "title": message.title,
        "kind": message.kind,
        "subject": message.subject,
        "message": message.text,
        "link": message.link,
        "raised_at": message.raised_at.isoformat(),
        "resolved_at": message.resolved_at.isoformat() if message.resolved_at else None,
    }


def _times(message: Message) -> str:
    since = f"Since {message.raised_at:%Y-%m-%d %H:%M} UTC"
    return f"{since}, resolved at {message.resolved_at:%Y-%m-%d %H:%M} UTC." if message.resolved_at else f"{since}."
