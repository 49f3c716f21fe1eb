"""Settings from the environment: the database, the pipeline's own files and the encryption keys."""

from pathlib import Path
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from aap_pipeline.errors import PipelineError

S = TypeVar("S", bound=BaseSettings)


def from_environment(kind: type[S]) -> S:
    """Read settings of `kind`. Raises PipelineError, which names each variable and repeats no value."""
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        problems = [
            ": ".join([f"{prefix}{name}".upper() for name in each["loc"]] + [each["msg"].removeprefix("Value error, ")])
            for each in error.errors(include_input=False, include_url=False)
        ]
        raise PipelineError(f"The environment is not valid: {'; '.join(problems)}.") from None


class Settings(BaseSettings):
    """Settings from `AAP_PIPELINE_*`. All have defaults, so that the pipeline can be tried without any."""

    model_config = SettingsConfigDict(env_prefix="AAP_PIPELINE_", frozen=True, env_ignore_empty=True)

    database_url: SecretStr | None = None
    """libpq URL of an external PostgreSQL; None: the embedded server under `home`."""

    home: Path = Path(".aap-pipeline")
    """Folder of the embedded server's data, the key file and Dagster's files, relative to the working directory."""

    encryption_keys: SecretStr | None = None
    """Comma-separated Fernet keys; the first encrypts. None: a key file under `home` (embedded server only)."""

    alert_stale_minutes: int = Field(default=60, ge=1)
    """Minutes without a successful sync after which a cluster is stale; see `clusters.staleness`."""

    bi_url: str | None = None
    """Address of a dashboard in a BI tool, which Dagster shows with each report."""

    @property
    def postgres_directory(self) -> Path:
        return self.home.absolute() / "postgres"

    @property
    def dagster_home(self) -> Path:
        return self.home.absolute() / "dagster"
