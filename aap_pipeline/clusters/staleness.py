"""The rule that decides when a cluster is stale. Checks, alerts, `status` and `doctor` share it."""

from collections.abc import Collection
from datetime import datetime, timedelta

from aap_pipeline.controller.manners import Manners
from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.orchestration.verdict import Verdict
from aap_pipeline.settings import Settings, from_environment


def stale_after(connection: Connection | None = None) -> timedelta:
    """Return the time after its last successful sync at which a cluster becomes stale.

    It is AAP_PIPELINE_ALERT_STALE_MINUTES, or twice the setting quiet_sync_minutes if that is longer; without
    `connection` the setting is ignored. Raises PipelineError if the variable or the setting is not valid.
    """
    quiet = application_settings.read(connection).quiet_sync_minutes if connection is not None else 0
    return timedelta(minutes=max(from_environment(Settings).alert_stale_minutes, 2 * quiet))


def freshness(last: datetime | None, now: datetime, limit: timedelta, began: datetime | None = None) -> Verdict:
    """Check that `last`, the end of the last successful sync (None: there is none), is at most `limit` ago.

    The time counts from `began` if that is later: when the cluster was added, enabled or given a new token, or when its
    long first sync last completed a slice.
    """
    counted = now - max(filter(None, (last, began)), default=now)
    minutes = (now - (last or began or now)).total_seconds() / 60
    if last is not None:
        text = f"The last successful sync ended {minutes:,.0f} minutes ago, at {last:%Y-%m-%d %H:%M} UTC."
    else:
        text = f"No sync has succeeded in {minutes:,.0f} minutes."
    return Verdict(counted <= limit, text, {"minutes": round(minutes, 1)}, severe=True)


def freshness_of_clusters(
    connection: Connection, now: datetime, limit: timedelta, was_stale: Collection[str] = ()
) -> dict[str, Verdict]:
    """Return {name: freshness} of all enabled clusters. Those in `was_stale` recover only by a successful sync.

    While a first sync waits for the cluster's sync window, and for `limit` afterwards, no sync is expected.
    """
    found = {}
    for name, last, began, unfinished, window in connection.execute(statement("clusters/freshness")):
        hours = Manners(sync_window=window)
        if unfinished and not (hours.may_read_long(now) and hours.may_read_long(now - limit)):
            began = now
        found[name] = freshness(last, now, limit, None if last and name in was_stale else began)
    return found


def stale_clusters(connection: Connection, now: datetime, limit: timedelta) -> dict[str, str]:
    """Return {name: sentence} of the enabled clusters whose last successful sync is older than `limit`."""
    found = freshness_of_clusters(connection, now, limit)
    return {name: verdict.text for name, verdict in found.items() if not verdict.passed}
