"""Check an installation. Each check is independent, so that one fault does not hide another."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, LiteralString

import psycopg

from aap_pipeline.alerts.receivers import receivers
from aap_pipeline.alerts.settings import alert_settings
from aap_pipeline.clusters.registry import clusters
from aap_pipeline.clusters.staleness import stale_after, stale_clusters
from aap_pipeline.clusters.token_ends import notice, token_states, token_warnings
from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection, clear_errors, connect, describe
from aap_pipeline.database.encryption import EncryptionKeyError, cipher
from aap_pipeline.database.migrate import state_of
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.jobs import LOCATION
from aap_pipeline.reports.output import counted
from aap_pipeline.settings import Settings

_LEAST_FREE_BYTES = 2 * 1024**3
_MOST_SKEW_SECONDS = 5.0
_MOST_SILENCE_SECONDS = 60.0

Health = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Diagnosis:
    """The finding of one check, with what to do unless it is OK."""

    subject: str
    verdict: Health
    text: str


def examine(settings: Settings, url: str) -> Iterator[Diagnosis]:
    """Run all checks of the installation with its database at `url`. Stops early only without a database."""
    home = settings.home.absolute()
    existing = next(place for place in (home, *home.parents) if place.exists())
    yield disk(home, shutil.disk_usage(existing).free)
    try:
        connection = connect(url, autocommit=True)  # so that one rejected statement does not fail the others
    except PipelineError as error:
        yield Diagnosis("database", "failed", str(error))
        return
    with connection:
        version = connection.info.server_version
        yield Diagnosis("database", "ok", f"PostgreSQL {version // 10000} at {describe(url)} is reachable.")
        yield clock(connection, datetime.now(UTC))
        yield from _guarded("server", _server, url)
        [schema] = _guarded("schema", _schema, connection, url)
        yield schema
        if schema.verdict != "ok":
            return
        yield from _guarded("settings", _settings, connection)
        yield from _guarded("encryption key", _key, connection, settings)
        yield from _guarded("clusters", _clusters, connection)
        yield from _guarded("tokens", _tokens, connection)
        yield from _guarded("alerts", _alerts, connection)
        yield from _guarded("Dagster", _dagster, connection)


def disk(place: Path, free_bytes: int) -> Diagnosis:
    text = f"{free_bytes / 1024**3:,.1f} GiB free at {place}."
    if free_bytes >= _LEAST_FREE_BYTES:
        return Diagnosis("disk", "ok", text)
    return Diagnosis("disk", "failed", f"{text} Free some space or move AAP_PIPELINE_HOME. Syncs stop when it is full.")


def clock(connection: Connection, now: datetime) -> Diagnosis:
    [row] = connection.execute("SELECT clock_timestamp()").fetchall()
    skew = (row[0] - now).total_seconds()
    if abs(skew) <= _MOST_SKEW_SECONDS:
        return Diagnosis("clock", "ok", f"The database's clock agrees ({skew:+.1f} s).")
    text = f"The database's clock differs by {skew:+.1f} s. Synchronize both machines' clocks by NTP."
    return Diagnosis("clock", "warning", text)


def daemon(silent_seconds: float | None = None) -> Diagnosis:
    if silent_seconds is not None and silent_seconds <= _MOST_SILENCE_SECONDS:
        return Diagnosis("Dagster daemon", "ok", f"Last heartbeat {silent_seconds:.0f} s ago.")
    text = "Run `aap-pipeline up`. Until then only `aap-pipeline sync` copies new jobs."
    if silent_seconds is None:
        elsewhere = "If Dagster's tables are in another database, see Deployment in its UI."
        return Diagnosis("Dagster daemon", "warning", f"No daemon has run on this database. {text} {elsewhere}")
    return Diagnosis("Dagster daemon", "warning", f"No heartbeat for {silent_seconds / 60:,.0f} minutes. {text}")


def _guarded(subject: str, check: Callable[..., Iterator[Diagnosis]], *arguments: object) -> list[Diagnosis]:
    try:
        with clear_errors():
            return list(check(*arguments))
    except PipelineError as error:
        return [Diagnosis(subject, "failed", str(error))]


def _server(url: str) -> Iterator[Diagnosis]:
    """Check the server settings, in a session without our own settings, as a BI tool has it."""
    with psycopg.connect(
        url, connect_timeout=10, options="-c statement_timeout=0 -c idle_session_timeout=0"
    ) as connection:
        rows = connection.execute(statement("health/server_settings")).fetchall()
    for name, value, consequence, remedy in rows:
        yield Diagnosis("server", "warning", f"{name} is {value}: {consequence}. Remedy: {remedy}")
    if not rows:
        yield Diagnosis("server", "ok", "No PostgreSQL setting slows queries or endangers data.")


def _schema(connection: Connection, url: str) -> Iterator[Diagnosis]:
    state = state_of(connection, url)
    state.require_newest()
    yield Diagnosis("schema", "ok", f"Schema {state.newest} is up to date.")


def _settings(connection: Connection) -> Iterator[Diagnosis]:
    changed = application_settings.read(connection).model_dump(exclude_defaults=True)
    yield Diagnosis("settings", "ok", f"All are valid; not default: {', '.join(sorted(changed)) or 'none'}.")


def _key(connection: Connection, settings: Settings) -> Iterator[Diagnosis]:
    key = cipher(settings)
    rows = connection.execute(statement("health/cluster_secrets")).fetchall()
    for name, *secrets in rows:
        try:
            for secret in filter(None, secrets):
                key.decrypt(bytes(secret))
        except EncryptionKeyError as error:
            raise PipelineError(f"Cluster {name}: {error}") from None
    yield Diagnosis("encryption key", "ok", f"The key decrypts the tokens of {counted(len(rows), 'cluster')}.")


def _clusters(connection: Connection) -> Iterator[Diagnosis]:
    enabled = clusters(connection, only_enabled=True)
    stale = stale_clusters(connection, datetime.now(UTC), stale_after(connection))
    for name, text in stale.items():
        yield Diagnosis("clusters", "warning", f"{name}: {text} Run `aap-pipeline clusters check {name}`.")
    if enabled and not stale:
        yield Diagnosis("clusters", "ok", f"None of {len(enabled)} is stale.")
    if not clusters(connection):
        add = "Run `aap-pipeline clusters add URL --name NAME`."
        yield Diagnosis("clusters", "warning", f"There is no cluster. {add}")


def _tokens(connection: Connection) -> Iterator[Diagnosis]:
    ending, states = token_warnings(connection, datetime.now(UTC)), token_states(connection)
    for name, text in ending.items():
        yield Diagnosis("tokens", "warning", f"Cluster {name}: {text}")
    if states and not ending:
        told, controllers = sum(state.end is not None for state in states), counted(len(states), "controller")
        days = counted(notice(connection).days, "day")
        text = f"No known expiry within {days}; {told} of {controllers} report the expiry."
        yield Diagnosis("tokens", "ok", text)


def _alerts(connection: Connection) -> Iterator[Diagnosis]:
    told = list(receivers(alert_settings()))
    [(incidents, waiting, error)] = connection.execute(statement("health/alert_state"), {"receivers": told}).fetchall()
    if not told:
        text = f"No alert receiver is configured (open incidents: {incidents}). Set AAP_PIPELINE_ALERT_…"
        yield Diagnosis("alerts", "warning", f"{text} (see docs/operations.md).")
    elif waiting:
        yield Diagnosis("alerts", "warning", f"Messages to be retried: {waiting}. Last error: {error}")
    else:
        which = " (`aap-pipeline alerts list`)" if incidents else ""
        yield Diagnosis("alerts", "ok", f"Receivers: {', '.join(told)}; open incidents: {incidents}{which}.")


def _dagster(connection: Connection) -> Iterator[Diagnosis]:
    """Check the daemon, and name sensors and schedules that are switched off, which restarts do not change."""
    yield daemon(*_of_dagster(connection, "health/daemon_heartbeat"))
    if names := _of_dagster(connection, "health/switched_off", {"location": LOCATION}):
        text = f"Switched off in the Dagster UI: {', '.join(names)}. Switch them on there, under Automation."
        yield Diagnosis("Dagster daemon", "warning", text)


def _of_dagster(connection: Connection, name: LiteralString, values: dict[str, str] | None = None) -> list[Any]:
    """Return the first column of rows of Dagster's tables; nothing if they are not in this database."""
    try:
        return [row[0] for row in connection.execute(statement(name), values) if row[0] is not None]
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return []
