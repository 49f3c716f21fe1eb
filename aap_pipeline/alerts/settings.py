"""The receivers of alerts: `AAP_PIPELINE_ALERT_*`."""

from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from aap_pipeline.controller.secret_text import cleaned, fault
from aap_pipeline.settings import from_environment

_PREFIX = "AAP_PIPELINE_ALERT_"
UI_URL_VARIABLE = f"{_PREFIX}UI_URL"


class AlertSettings(BaseSettings):
    """The receivers. One without an address is off."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, env_ignore_empty=True)

    webhook_url: SecretStr | None = None
    """Receives each message as JSON by POST."""

    webhook_token: SecretStr | None = None
    """Sent to the webhook as `Authorization: Bearer`."""

    slack_webhook_url: SecretStr | None = None
    """Incoming webhook of a Slack channel (Mattermost and Teams bridges accept the same format)."""

    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_from: str = "aap-pipeline@localhost"
    smtp_to: str = ""
    """Addresses, comma-separated."""

    warnings: bool = True
    """Whether failed checks of severity WARN raise alerts too."""

    ui_url: str = "http://127.0.0.1:3000"
    """Address of the Dagster UI, for links. Default: the one that `up` starts."""

    @field_validator("webhook_token", "smtp_user", "smtp_password", mode="before")
    @classmethod
    def _cleaned(cls, value: object) -> object:
        return cleaned(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Reject a receiver that is incomplete or has a URL or secret that is not valid, because it loses messages."""
        for name, needed in (
            ("smtp_host", "smtp_to"),
            ("smtp_to", "smtp_host"),
            ("smtp_user", "smtp_password"),
            ("smtp_password", "smtp_user"),
            ("webhook_token", "webhook_url"),
        ):
            if getattr(self, name) and not getattr(self, needed):
                raise ValueError(f"{_PREFIX}{name.upper()} also needs {_PREFIX}{needed.upper()}")
        for name in ("webhook_token", "smtp_user", "smtp_password"):
            value = getattr(self, name) or ""
            if found := fault(value if isinstance(value, str) else value.get_secret_value(), spaces=True):
                raise ValueError(f"{_PREFIX}{name.upper()} contains {found} and cannot be sent")
        for name in ("webhook_url", "slack_webhook_url"):
            url = getattr(self, name)
            if url and not url.get_secret_value().startswith(("http://", "https://")):
                raise ValueError(f"{_PREFIX}{name.upper()} is not a URL. It must begin with https:// or http://")
        return self

    def secrets(self) -> frozenset[str]:
        held = (self.webhook_url, self.webhook_token, self.slack_webhook_url, self.smtp_password)
        return frozenset(secret.get_secret_value() for secret in held if secret is not None)


def alert_settings() -> AlertSettings:
    """Read the environment. Raises PipelineError."""
    return from_environment(AlertSettings)
