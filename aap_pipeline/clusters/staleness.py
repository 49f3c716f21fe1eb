"""When a cluster counts as stale: the one rule, which checks, alerts, `status` and `doctor` share."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.orchestration.verdict import Verdict
from aap_pipeline.settings import from_environment


class _Limit(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="AAP_PIPELINE_ALERT_", frozen=True, env_ignore_empty=True)

    stale_minutes: int = Field(default=60, ge=1)


def stale_after() -> timedelta:
    """Return the age of the last successful sync from which on a cluster is stale: AAP_PIPELINE_ALERT_STALE_MINUTES.

    Raises SettingsError.
    """
    return timedelta(minutes=from_environment(_Limit).stale_minutes)


def freshness(last: datetime | None, now: datetime, limit: timedelta, began: datetime | None = None) -> Verdict:
    """Whether the last successful sync, which ended at `last`, is at most `limit` old; None: no sync has succeeded.

    `began`: when a sync could first be expected, if that is later. A cluster was added, enabled, given another token;
    or a long first sync came a slice further. A newcomer is not stale before it had the time to be fresh.
    """
    counted = now - max(filter(None, (last, began)), default=now)
    minutes = (now - (last or began or now)).total_seconds() / 60
    if last is not None:
        text = f"The last successful sync ended {minutes:,.0f} minutes ago, at {last:%Y-%m-%d %H:%M} UTC."
    else:
        text = f"No sync has succeeded yet, for {minutes:,.0f} minutes."
    return Verdict(counted <= limit, text, {"minutes": round(minutes, 1)}, severe=True)


def freshness_of_clusters(
    connection: Connection, now: datetime, limit: timedelta, was_stale: Collection[str] = ()
) -> dict[str, Verdict]:
    """{cluster: its freshness} of the enabled ones, by name. Only a successful sync helps one that `was_stale`."""
    return {
        name: freshness(last, now, limit, None if last and name in was_stale else began)
        for name, last, began in connection.execute(statement("clusters/freshness"))
    }


def stale_clusters(connection: Connection, now: datetime, limit: timedelta) -> dict[str, str]:
    """{cluster: a sentence} of the enabled clusters without a successful sync for longer than `limit`, by name."""
    found = freshness_of_clusters(connection, now, limit)
    return {name: verdict.text for name, verdict in found.items() if not verdict.passed}
