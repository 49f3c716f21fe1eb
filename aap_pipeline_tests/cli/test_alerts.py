"""`aap-pipeline alerts`: whether anybody would be told, and what they were told of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from aap_pipeline.alerts.incidents import raise_incident, resolve_incident
from aap_pipeline.alerts.receivers import deliver, receivers
from aap_pipeline.alerts.settings import AlertSettings
from aap_pipeline.database.connection import connect
from aap_pipeline_tests.alerts.local import mail_receiver, web_receiver
from aap_pipeline_tests.cli.conftest import Cli


def set_alerts(monkeypatch: pytest.MonkeyPatch, **values: object) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"AAP_PIPELINE_ALERT_{name.upper()}", str(value))


@pytest.mark.usefixtures("starts_server")
def test_a_test_message_reaches_every_receiver_and_leaves_nothing_open(
    run: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Guards against a first real incident that shows that nobody is told; and needs no database to say so."""
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", "postgresql://u@127.0.0.1:1/w")
    with web_receiver() as web, web_receiver() as slack, mail_receiver() as (port, mails):
        set_alerts(monkeypatch, webhook_url=web.url, slack_webhook_url=slack.url, ui_url="https://dagster.example.com")
        set_alerts(monkeypatch, smtp_host="127.0.0.1", smtp_port=port, smtp_security="none", smtp_to="n@example.com")
        outcome = run("alerts", "test")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.splitlines() == ["✓ webhook: delivered.", "✓ slack: delivered.", "✓ smtp: delivered."]
    assert [(document["kind"], document["state"]) for document in web.documents] == [
        ("test", "open"),
        ("test", "resolved"),
    ]
    assert "<https://dagster.example.com|Open in Dagster>" in slack.documents[0]["text"]
    assert [mail.count("Nothing is wrong") for mail in mails] == [1, 1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("starts_server")
def test_a_receiver_that_does_not_take_it_is_named_with_why_and_fails_the_command(
    run: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a green light for half of the people, and against the address of a webhook in a terminal."""
    with web_receiver() as web, web_receiver() as slack, mail_receiver(refuses="n@example.com") as (port, _):
        slack.status = 403
        set_alerts(monkeypatch, webhook_url=web.url, slack_webhook_url=slack.url)
        set_alerts(
            monkeypatch, smtp_host="127.0.0.1", smtp_port=port, smtp_security="none", smtp_to="n@example.com, d@e.f"
        )
        outcome = run("alerts", "test")
        assert outcome.status == 1
        assert outcome.out.splitlines() == [
            "✓ webhook: delivered.",
            "✗ slack: HTTP 403.",
            "✗ smtp: 127.0.0.1 rejected n@example.com.",
        ]
        as_json = run("alerts", "test", "--json")
        assert (as_json.status, [each["delivered"] for each in json.loads(as_json.out)]) == (1, [True, False, False])
        assert "s3cr3t" not in outcome.out + as_json.out


def test_without_a_receiver_the_test_says_what_to_set(run: Cli) -> None:
    """Guards against "all delivered" where there is nobody to deliver to."""
    outcome = run("alerts", "test")
    assert (outcome.status, outcome.out) == (1, "")
    assert "AAP_PIPELINE_ALERT_WEBHOOK_URL" in outcome.err


def test_incidents_are_listed_with_who_was_told_and_what_failed(cli: Cli, database_url: str) -> None:
    """Guards against "open incidents: 1" with no way to see which."""
    assert cli("alerts", "list").out == "No incident is open.\n"
    with web_receiver() as web, connect(database_url) as connection:
        to = receivers(
            AlertSettings(webhook_url=SecretStr(web.url), smtp_host="127.0.0.1", smtp_port=9, smtp_to="n@e.f")
        )
        raise_incident(connection, "run_failed", "tidy", "It is over by now.")
        resolve_incident(connection, "run_failed", "tidy")
        raise_incident(connection, "cluster_stale", "prod", "No sync since Monday.")
        deliver(connection, to)
    shown = cli("alerts", "list").out
    assert "cluster_stale prod webhook" in " ".join(shown.split())
    assert "prod: No sync since Monday." in shown
    assert "not delivered: smtp: 127.0.0.1:9: ConnectionRefusedError" in shown
    assert "tidy" not in shown
    past = json.loads(cli("alerts", "list", "--all", "--json").out)
    assert [(each["subject"], each["told"], each["resolved_at"] is None) for each in past] == [
        ("prod", "webhook", True),
        ("tidy", None, False),
    ]
