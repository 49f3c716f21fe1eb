"""What the environment says: where the database and the pipeline's own files are, and the keys that encrypt tokens."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from aap_pipeline.errors import PipelineError


class SettingsError(PipelineError):
    """An environment variable of ours has a value that is not valid."""


S = TypeVar("S", bound=BaseSettings)


def from_environment(kind: type[S]) -> S:
    """Read settings of `kind`. Raises SettingsError, which names each variable and repeats no value."""
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        problems = [
            ": ".join([f"{prefix}{name}".upper() for name in each["loc"]] + [each["msg"].removeprefix("Value error, ")])
            for each in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsError(f"The environment is not valid: {'; '.join(problems)}.") from None


class Settings(BaseSettings):
    """Read from `AAP_PIPELINE_*`; every value has a default, so that nothing need be set to try the pipeline out."""

    model_config = SettingsConfigDict(env_prefix="AAP_PIPELINE_", frozen=True, env_ignore_empty=True)

    database_url: SecretStr | None = None
    """libpq URL of an external PostgreSQL; None: the embedded server under `home`."""

    home: Path = Path(".aap-pipeline")
    """Folder of the embedded server's data, the key file and Dagster's files, relative to the working directory."""

    encryption_keys: SecretStr | None = None
    """Comma-separated Fernet keys, the first encrypts; None with the embedded server: a key file under `home`."""

    @property
    def postgres_directory(self) -> Path:
        """Where the embedded server keeps its data."""
        return self.home.absolute() / "postgres"

    @property
    def key_file(self) -> Path:
        """Where the encryption key lies when the environment gives none."""
        return self.home.absolute() / "encryption-key"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own files: its configuration and the logs of its runs."""
        return self.home.absolute() / "dagster"
