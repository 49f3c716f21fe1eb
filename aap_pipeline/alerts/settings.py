"""Where alerts go, and when a cluster counts as stale: `AAP_PIPELINE_ALERT_*`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class AlertSettings(BaseSettings):
    """Receivers; one whose address is not set gets nothing."""

    model_config = SettingsConfigDict(env_prefix="AAP_PIPELINE_ALERT_", frozen=True, env_ignore_empty=True)

    webhook_url: SecretStr | None = None
    """Gets each message as JSON by POST."""

    webhook_token: SecretStr | None = None
    """Sent to it as `Authorization: Bearer`."""

    slack_webhook_url: SecretStr | None = None
    """Incoming webhook of a Slack channel (Mattermost and Teams bridges take the same form)."""

    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_from: str = "aap-pipeline@localhost"
    smtp_to: str = ""
    """Addresses, comma-separated."""

    stale_minutes: int = Field(default=60, ge=1)
    """A cluster without a successful sync for so long is an incident."""

    warnings: bool = True
    """Whether failed checks of severity WARN are told too."""

    ui_url: str = "http://127.0.0.1:3000"
    """Address of the Dagster UI, for links."""

    def secrets(self) -> frozenset[str]:
        """Every secret value, to be masked wherever it might turn up."""
        held = (self.webhook_url, self.webhook_token, self.slack_webhook_url, self.smtp_password)
        return frozenset(secret.get_secret_value() for secret in held if secret is not None)
