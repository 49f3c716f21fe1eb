"""What the environment may say of alerts, and what it is told where it cannot be."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aap_pipeline.alerts.settings import alert_settings
from aap_pipeline.clusters.staleness import stale_after
from aap_pipeline.errors import PipelineError


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SMTP_PORT": "s3cr3t"}, "AAP_PIPELINE_ALERT_SMTP_PORT: Input should be a valid integer"),
        ({"STALE_MINUTES": "0"}, "AAP_PIPELINE_ALERT_STALE_MINUTES: Input should be greater than or equal to 1"),
        ({"SMTP_HOST": "mail"}, "AAP_PIPELINE_ALERT_SMTP_HOST also needs AAP_PIPELINE_ALERT_SMTP_TO"),
        ({"SMTP_TO": "a@b.c"}, "AAP_PIPELINE_ALERT_SMTP_TO also needs AAP_PIPELINE_ALERT_SMTP_HOST"),
        ({"SMTP_USER": "u"}, "AAP_PIPELINE_ALERT_SMTP_USER also needs AAP_PIPELINE_ALERT_SMTP_PASSWORD"),
        ({"WEBHOOK_URL": "s3cr3t.example.com"}, "AAP_PIPELINE_ALERT_WEBHOOK_URL is not a URL. It must begin"),
        ({"SLACK_WEBHOOK_URL": "s3cr3t"}, "AAP_PIPELINE_ALERT_SLACK_WEBHOOK_URL is not a URL. It must begin"),
        ({"WEBHOOK_TOKEN": "s3cr3t"}, "AAP_PIPELINE_ALERT_WEBHOOK_TOKEN also needs AAP_PIPELINE_ALERT_WEBHOOK_URL"),
        (
            {"WEBHOOK_URL": "https://a", "WEBHOOK_TOKEN": "s3cr3t\ns3cr3t"},
            "AAP_PIPELINE_ALERT_WEBHOOK_TOKEN contains a line break and cannot be sent",
        ),
        ({"SMTP_USER": "s3cr3t\u200b", "SMTP_PASSWORD": "p"}, "AAP_PIPELINE_ALERT_SMTP_USER contains a character"),
        ({"SMTP_USER": "u", "SMTP_PASSWORD": "s3cr3té"}, "AAP_PIPELINE_ALERT_SMTP_PASSWORD contains a character"),
    ],
)
def test_what_cannot_be_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    """Guards against a receiver set by half, of which nobody hears until it should have spoken."""
    for name, value in variables.items():
        monkeypatch.setenv(f"AAP_PIPELINE_ALERT_{name}", value)
    read = stale_after if "STALE_MINUTES" in variables else alert_settings
    with pytest.raises(PipelineError) as caught:
        read()
    assert said in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_nothing_need_be_set() -> None:
    """Guards against an installation that must set up mail before it can be tried."""
    assert stale_after() == timedelta(minutes=60)


def test_what_editors_and_shells_add_to_a_secret_is_taken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a password that is right and is refused for the file that it came from."""
    for name in ("SMTP_USER", "SMTP_PASSWORD", "WEBHOOK_TOKEN"):
        monkeypatch.setenv(f"AAP_PIPELINE_ALERT_{name}", "\ufeff word \r\n")
    monkeypatch.setenv("AAP_PIPELINE_ALERT_WEBHOOK_URL", "https://a")
    settings = alert_settings()
    assert settings.smtp_user == "word"
    assert settings.secrets() == {"word", "https://a"}
