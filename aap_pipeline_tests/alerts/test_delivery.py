"""Incidents reach every receiver once when they begin and once when they are over, also when one of them is down."""

from __future__ import annotations

import ssl
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from aap_pipeline.alerts.incidents import raise_incident, resolve_incident, set_incidents
from aap_pipeline.alerts.receivers import deliver, receivers
from aap_pipeline.alerts.settings import AlertSettings
from aap_pipeline.database.connection import Connection
from aap_pipeline_tests.aap_simulator.certificate import self_signed
from aap_pipeline_tests.alerts.local import mail_receiver, web_receiver
from aap_pipeline_tests.controller.server import Reply, always, serving
from aap_pipeline_tests.controller.test_proxies import TRICKLES

NOTHING_LISTENS = 9


def retry_now(connection: Connection) -> None:
    """Let the time pass until the next attempt is due."""
    connection.execute("UPDATE pipeline.alert_delivery SET next_attempt = NOW()")
    connection.commit()


@pytest.mark.parametrize("what", TRICKLES)
def test_a_webhook_whose_answer_trickles_in_is_given_up(connection: Connection, what: str) -> None:
    """Guards against one receiver that holds the alerts for ever."""
    with serving(always(Reply(trickle=TRICKLES[what]))) as slow:
        settings = AlertSettings(webhook_url=SecretStr(f"http://127.0.0.1:{slow.port}/s3cr3t-path"))
        raise_incident(connection, "run_failed", "update_cluster prod", "Down.")
        (failure,) = deliver(connection, receivers(settings, timeout=0.3))
    assert failure.startswith("webhook: No response (")
    assert "s3cr3t" not in failure


def test_each_receiver_is_told_once_of_the_beginning_and_once_of_the_end(connection: Connection) -> None:
    """Guards against a message a tick, and against an incident of which nobody hears that it is over."""
    with web_receiver() as web, web_receiver() as slack, mail_receiver() as (port, mails):
        settings = AlertSettings(
            webhook_url=SecretStr(web.url),
            webhook_token=SecretStr("hook-token"),
            slack_webhook_url=SecretStr(slack.url),
            smtp_host="127.0.0.1",
            smtp_port=port,
            smtp_security="none",
            smtp_to="night@example.com, day@example.com",
        )
        to = receivers(settings)
        for _ in range(3):
            raise_incident(
                connection, "run_failed", "update_cluster prod", "The controller <prod> is down.", "http://ui/runs/1"
            )
            assert deliver(connection, to) == []
        for _ in range(2):
            resolve_incident(connection, "run_failed", "update_cluster prod")
            assert deliver(connection, to) == []
        raise_incident(connection, "run_failed", "update_cluster prod", "Down again.")
        assert deliver(connection, to) == []
    assert [document["state"] for document in web.documents] == ["open", "resolved", "open"]
    assert web.documents[0]["message"] == "The controller <prod> is down."
    assert web.documents[0]["link"] == "http://ui/runs/1"
    assert web.documents[0]["id"] == web.documents[1]["id"] != web.documents[2]["id"]
    assert web.headers[0]["Authorization"] == "Bearer hook-token"
    assert len(slack.documents) == 3
    assert "The controller &lt;prod&gt; is down.\n<http://ui/runs/1|Open in Dagster>" in slack.documents[0]["text"]
    assert [mail.count("Subject: [aap-pipeline] problem: run failed") for mail in mails] == [1, 0, 1]
    assert "To: night@example.com, day@example.com" in mails[0]


def test_a_dead_receiver_holds_up_no_other_and_is_tried_again(connection: Connection) -> None:
    """Guards against an alert that is lost because the receiver was down, and against a storm of attempts."""
    with web_receiver() as web, web_receiver() as slack:
        slack.status = 503
        settings = AlertSettings(
            webhook_url=SecretStr(web.url),
            slack_webhook_url=SecretStr(slack.url),
            smtp_host="127.0.0.1",
            smtp_port=NOTHING_LISTENS,
            smtp_to="night@example.com",
        )
        raise_incident(connection, "cluster_stale", "prod", "Stale.")
        failures = deliver(connection, receivers(settings))
        assert [failure.partition(":")[0] for failure in failures] == ["slack", "smtp"]
        assert not any("s3cr3t" in failure for failure in failures)
        assert deliver(connection, receivers(settings)) == []
        slack.status = 200
        retry_now(connection)
        assert len(deliver(connection, receivers(settings))) == 1
        assert (len(web.documents), len(slack.documents)) == (1, 1)
        row = connection.execute("SELECT error FROM pipeline.alert_delivery WHERE receiver = 'smtp'").fetchone()
        assert row is not None
        assert "ConnectionRefusedError" in row[0]


def test_what_began_and_ended_while_nobody_could_be_told_is_not_told(connection: Connection) -> None:
    """Guards against a flood of old news when a receiver comes back."""
    with web_receiver() as web:
        web.status = 500
        to = receivers(AlertSettings(webhook_url=SecretStr(web.url)))
        set_incidents(connection, "cluster_stale", {"a": "stale", "b": "stale"})
        assert len(deliver(connection, to)) == 1
        set_incidents(connection, "cluster_stale", {"b": "stale"})
        web.status = 200
        retry_now(connection)
        deliver(connection, to)
        assert [(document["subject"], document["state"]) for document in web.documents] == [("b", "open")]


def test_what_is_to_be_told_later_is_told_if_it_lasts(connection: Connection) -> None:
    """Guards against patience that begins anew each time, so that a sync which fails for days is never told."""
    with web_receiver() as web:
        to = receivers(AlertSettings(webhook_url=SecretStr(web.url)))
        for _ in range(2):
            raise_incident(connection, "run_failed", "update_cluster a", "No.", patience=timedelta(minutes=2))
            deliver(connection, to)
        assert web.documents == []
        connection.execute("UPDATE pipeline.alert SET tell_from = tell_from - interval '2 minutes'")
        raise_incident(connection, "run_failed", "update_cluster a", "No.", patience=timedelta(minutes=2))
        deliver(connection, to)
        resolve_incident(connection, "run_failed", "update_cluster a")
        deliver(connection, to)
    assert [document["state"] for document in web.documents] == ["open", "resolved"]


def test_an_incident_whose_subject_holds_a_secret_is_told_once_and_ends(connection: Connection) -> None:
    """Guards against a subject that is masked when an incident begins and not when it is looked for again."""
    secret = "hunter2-hunter2"
    subjects = [f"check of {secret}", "job of https://me:pw@host/", "token=abcdefgh " + "x" * 300]
    with web_receiver() as web:
        to = receivers(AlertSettings(webhook_url=SecretStr(web.url)))
        for _ in range(2):
            set_incidents(connection, "cluster_stale", dict.fromkeys(subjects, "stale"), known=[secret])
            deliver(connection, to)
        resolve_incident(connection, "cluster_stale", subjects[0], known=[secret])
        deliver(connection, to)
        set_incidents(connection, "cluster_stale", {}, known=[secret])
        deliver(connection, to)
    assert [document["state"] for document in web.documents] == ["open"] * 3 + ["resolved"] * 3
    assert not any(word in str(web.documents) for word in (secret, "me:pw", "abcdefgh"))


def test_no_secret_is_kept_or_sent(connection: Connection) -> None:
    """Guards against tokens in a chat."""
    with web_receiver() as web:
        settings = AlertSettings(
            webhook_url=SecretStr(web.url), smtp_user="night", smtp_password=SecretStr("hunter2-hunter2")
        )
        text = "Authorization: Bearer abcdef and hunter2-hunter2 and https://me:pw@host/ and extra_vars: {x: 1}"
        raise_incident(connection, "check_failed", "c", text, known=settings.secrets())
        deliver(connection, receivers(settings))
    kept = connection.execute("SELECT message FROM pipeline.alert").fetchone()
    assert kept is not None
    for place in (kept[0], str(web.documents)):
        for secret in ("abcdef", "hunter2", "me:pw", "{x: 1}"):
            assert secret not in place


def test_mail_goes_over_starttls_after_a_login(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a password in the clear, against a server that nobody vouches for, and against one in an error."""
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with mail_receiver(context, ("robot", "hunter2-hunter2")) as (port, mails):
        settings = AlertSettings(
            smtp_host="127.0.0.1",
            smtp_port=port,
            smtp_user="robot",
            smtp_password=SecretStr("hunter2-hunter2"),
            smtp_to="night@example.com",
        )
        raise_incident(connection, "cluster_stale", "prod", "Stale.")
        [failure] = deliver(connection, receivers(settings))
        assert "CERTIFICATE_VERIFY_FAILED" in failure
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        retry_now(connection)
        wrong = settings.model_copy(update={"smtp_password": SecretStr("guessed-wrongly")})
        [failure] = deliver(connection, receivers(wrong))
        assert "535" in failure
        assert "guessed-wrongly" not in failure
        assert mails == []
        retry_now(connection)
        assert deliver(connection, receivers(settings)) == []
        assert [mail.count("Subject: [aap-pipeline] problem: cluster stale: prod") for mail in mails] == [1]


def test_a_slow_receiver_gets_the_rest_at_the_next_call(connection: Connection) -> None:
    """Guards against a tick that Dagster ends, for thirty messages at two seconds each; and against none at all."""
    seconds = count(step=15.0)
    with web_receiver() as web, web_receiver() as slack:
        to = receivers(AlertSettings(webhook_url=SecretStr(web.url), slack_webhook_url=SecretStr(slack.url)))
        for name in "abcd":
            raise_incident(connection, "cluster_stale", name, "Stale.")
        told = []
        for _ in range(3):
            assert deliver(connection, to, 20, lambda: next(seconds)) == []
            told.append((len(web.documents), len(slack.documents)))
    assert told == [(2, 1), (4, 2), (4, 4)]


def test_an_address_that_the_mail_server_refuses_is_told_of(connection: Connection) -> None:
    """Guards against one of two people who is never woken, because the other's address works."""
    with mail_receiver(refuses="night@example.com") as (port, mails):
        settings = AlertSettings(
            smtp_host="127.0.0.1", smtp_port=port, smtp_security="none", smtp_to="night@example.com, day@example.com"
        )
        raise_incident(connection, "cluster_stale", "prod", "Stale.")
        raise_incident(connection, "cluster_stale", "test", "Stale.")
        assert deliver(connection, receivers(settings)) == ["smtp: 127.0.0.1 rejected night@example.com."] * 2
        retry_now(connection)
        assert deliver(connection, receivers(settings)) == []
    assert len(mails) == 2
    kept = connection.execute("SELECT error FROM pipeline.alert_delivery").fetchall()
    assert kept == [("127.0.0.1 rejected night@example.com.",)] * 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"smtp_user": "robot", "smtp_password": SecretStr("geheim-für-alle")},
        {"smtp_host": "mail..example.com"},
        {"smtp_from": "aap-pipeline@example.com\nBcc: x@example.com"},
        {"slack_webhook_url": SecretStr("hooks.slack.com/s3cr3t-path")},
        {"webhook_token": SecretStr("geheim-für-alle-☠")},
    ],
    ids=lambda wrong: "-".join(wrong),
)
def test_a_receiver_that_is_set_to_nonsense_holds_up_no_other(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any]
) -> None:
    """Guards against an umlaut in a password that ends each tick of the sensor, so that nobody is told of anything."""
    certificate, key = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with web_receiver() as web, mail_receiver(context, ("robot", "other")) as (port, _):
        settings = AlertSettings(
            webhook_url=SecretStr(web.url), smtp_host="127.0.0.1", smtp_port=port, smtp_to="night@example.com"
        ).model_copy(update=wrong)
        raise_incident(connection, "cluster_stale", "prod", "Stale.")
        failures = deliver(connection, dict(reversed(receivers(settings).items())))
        assert failures
        assert not any(secret in str(failures) for secret in ("geheim", "für", "s3cr3t"))
        assert len(web.documents) == (0 if "webhook_token" in wrong else 1)
