"""The rule that decides when a cluster is stale. Checks, alerts, `status` and `doctor` share it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.settings import from_environment


class _Limit(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="AAP_PIPELINE_ALERT_", frozen=True, env_ignore_empty=True)

    stale_minutes: int = Field(default=60, ge=1)


def stale_after() -> timedelta:
    """Return AAP_PIPELINE_ALERT_STALE_MINUTES: a cluster is stale if its last successful sync is older.

    Raises SettingsError.
    """
    return timedelta(minutes=from_environment(_Limit).stale_minutes)


@dataclass(frozen=True)
class SyncAge:
    """Time since the last successful sync, or since the cluster was added: as minutes and as a sentence.

    `counted` is the age that decides whether the cluster is stale.
    """

    counted: timedelta
    minutes: float
    text: str


def sync_age(last: datetime | None, now: datetime, began: datetime | None = None) -> SyncAge:
    """Return the age of a sync that ended at `last` (None: none succeeded), counted from `began` if that is later."""
    if last is not None:
        minutes = (now - last).total_seconds() / 60
        text = f"The last successful sync ended {minutes:,.0f} minutes ago, at {last:%Y-%m-%d %H:%M} UTC."
    else:
        minutes = (now - began).total_seconds() / 60 if began is not None else 0.0
        text = f"No sync has succeeded in {minutes:,.0f} minutes."
    return SyncAge(now - max(filter(None, (last, began)), default=now), minutes, text)


def stale_clusters(connection: Connection, now: datetime, limit: timedelta) -> dict[str, str]:
    """Return {name: sentence} of the enabled clusters whose last successful sync is older than `limit`."""
    rows = connection.execute(statement("alerts/freshness")).fetchall()
    ages = {name: sync_age(last, now, began) for name, last, began in rows}
    return {name: age.text for name, age in ages.items() if age.counted > limit}
