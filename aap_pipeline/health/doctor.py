"""Check an installation. Each check is independent, so that one fault does not hide another."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, LiteralString, NamedTuple

import psycopg

from aap_pipeline.alerts.receivers import receivers
from aap_pipeline.alerts.settings import alert_settings
from aap_pipeline.clusters.registry import clusters
from aap_pipeline.clusters.staleness import stale_after, stale_clusters
from aap_pipeline.clusters.token_ends import notice, token_states, token_warnings
from aap_pipeline.database import options
from aap_pipeline.database.connection import Connection, clear_errors, connect, describe
from aap_pipeline.database.encryption import EncryptionKeyError, cipher
from aap_pipeline.database.migrate import schema_state
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


class _Rule(NamedTuple):
    """A server setting (or LIKE pattern), its required value or minimum size, and the consequence of another value."""

    name: str
    wanted: str
    consequence: str


_SERVER_RULES = (
    _Rule("shared_buffers", "128MB", "with less than the default, PostgreSQL reads the same pages repeatedly"),
    _Rule("work_mem", "4MB", "with less than the default, queries sort and join on disk"),
    _Rule("autovacuum", "on", "tables grow, statistics become stale, and queries get slower"),
    _Rule("enable\\_%", "on", "the planner must avoid the fastest plan of some queries"),
    _Rule("fsync", "on", "a crash of the machine can destroy the database"),
    _Rule("full_page_writes", "on", "a crash of the machine can destroy the database"),
    _Rule("synchronous_commit", "on", "a crash can lose the last commits, and tokens that were just replaced"),
)


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
        yield from _guarded("server", lambda: _server(url))
        [schema] = _guarded("schema", lambda: [_schema(url)])
        yield schema
        if schema.verdict != "ok":
            return
        checks: dict[str, Callable[[], list[Diagnosis]]] = {
            "settings": lambda: [_settings(connection)],
            "encryption key": lambda: [_key(connection, settings)],
            "clusters": lambda: _clusters(connection),
            "tokens": lambda: _tokens(connection),
            "alerts": lambda: [_alerts(connection)],
            "Dagster daemon": lambda: [daemon(*_of_dagster(connection, "health/daemon_heartbeat"))],
            "Dagster": lambda: switched_off(_of_dagster(connection, "health/switched_off", {"location": LOCATION})),
        }
        for subject, check in checks.items():
            yield from _guarded(subject, check)


def disk(place: Path, free_bytes: int) -> Diagnosis:
    text = f"{free_bytes / 1024**3:,.1f} GiB free at {place}."
    if free_bytes < _LEAST_FREE_BYTES:
        return Diagnosis(
            "disk", "failed", f"{text} Free some space or move AAP_PIPELINE_HOME. Syncs stop when it is full."
        )
    return Diagnosis("disk", "ok", text)


def clock(connection: Connection, now: datetime) -> Diagnosis:
    [row] = connection.execute("SELECT clock_timestamp()").fetchall()
    skew = (row[0] - now).total_seconds()
    if abs(skew) > _MOST_SKEW_SECONDS:
        return Diagnosis(
            "clock",
            "warning",
            f"The database's clock differs by {skew:+.1f} s. Synchronize both machines' clocks by NTP.",
        )
    return Diagnosis("clock", "ok", f"The database's clock agrees ({skew:+.1f} s).")


def daemon(silent_seconds: float | None = None) -> Diagnosis:
    start = "Run `aap-pipeline up`. Until then only `aap-pipeline sync` copies new jobs."
    if silent_seconds is None:
        elsewhere = "If Dagster's tables are in another database, see Deployment in its UI."
        return Diagnosis("Dagster daemon", "warning", f"No daemon has run on this database. {start} {elsewhere}")
    if silent_seconds > _MOST_SILENCE_SECONDS:
        text = f"No heartbeat for {silent_seconds / 60:,.0f} minutes. {start}"
        return Diagnosis("Dagster daemon", "warning", text)
    return Diagnosis("Dagster daemon", "ok", f"Last heartbeat {silent_seconds:.0f} s ago.")


def switched_off(names: Sequence[str]) -> list[Diagnosis]:
    """Report sensors and schedules that are switched off, which restarts do not change."""
    if not names:
        return []
    text = f"Switched off in the Dagster UI: {', '.join(names)}. Switch them on there, under Automation."
    return [Diagnosis("Dagster daemon", "warning", text)]


def _guarded(subject: str, ask: Callable[[], list[Diagnosis]]) -> list[Diagnosis]:
    try:
        with clear_errors():
            return ask()
    except PipelineError as error:
        return [Diagnosis(subject, "failed", str(error))]


def _server(url: str) -> list[Diagnosis]:
    """Check the server settings, in a session without our own settings, as a BI tool has it."""
    with psycopg.connect(
        url, connect_timeout=10, options="-c statement_timeout=0 -c idle_session_timeout=0"
    ) as connection:
        rules = {"names": [rule.name for rule in _SERVER_RULES], "wanted": [rule.wanted for rule in _SERVER_RULES]}
        rows = connection.execute(statement("health/server_settings"), rules).fetchall()
    found = [
        Diagnosis("server", "warning", f"{name} is {value}: {_SERVER_RULES[number].consequence}. Remedy: {remedy}")
        for number, name, value, remedy in rows
    ]
    return found or [Diagnosis("server", "ok", "No PostgreSQL setting slows queries or endangers data.")]


def _schema(url: str) -> Diagnosis:
    state = schema_state(url)
    state.require_newest()
    return Diagnosis("schema", "ok", f"Schema {state.newest} is up to date.")


def _settings(connection: Connection) -> Diagnosis:
    changed = {name for name, value in options.read(connection).items() if value != options.OPTIONS[name].default}
    return Diagnosis("settings", "ok", f"All are valid; not default: {', '.join(sorted(changed)) or 'none'}.")


def _key(connection: Connection, settings: Settings) -> Diagnosis:
    key = cipher(settings)
    rows = connection.execute(statement("health/cluster_secrets")).fetchall()
    for name, *secrets in rows:
        try:
            for secret in (each for each in secrets if each is not None):
                key.decrypt(bytes(secret))
        except EncryptionKeyError as error:
            return Diagnosis("encryption key", "failed", f"Cluster {name}: {error}")
    return Diagnosis("encryption key", "ok", f"The key decrypts the tokens of {counted(len(rows), 'cluster')}.")


def _clusters(connection: Connection) -> list[Diagnosis]:
    if not clusters(connection):
        add = "Run `aap-pipeline clusters add URL --name NAME`."
        return [Diagnosis("clusters", "warning", f"There is no cluster. {add}")]
    limit = stale_after(connection)
    stale = stale_clusters(connection, datetime.now(UTC), limit)
    if stale:
        return [
            Diagnosis("clusters", "warning", f"{name}: {text} Run `aap-pipeline clusters check {name}`.")
            for name, text in stale.items()
        ]
    enabled = len(clusters(connection, only_enabled=True))
    return [Diagnosis("clusters", "ok", f"None of {enabled} is stale.")] if enabled else []


def _tokens(connection: Connection) -> list[Diagnosis]:
    ending = token_warnings(connection, datetime.now(UTC))
    if ending:
        return [Diagnosis("tokens", "warning", f"Cluster {name}: {text}") for name, text in ending.items()]
    states = token_states(connection)
    told, controllers = sum(state.end is not None for state in states), counted(len(states), "controller")
    days = counted(notice(connection).days, "day")
    text = f"No known expiry within {days}; {told} of {controllers} report the expiry."
    return [Diagnosis("tokens", "ok", text)] if states else []


def _alerts(connection: Connection) -> Diagnosis:
    told = [receiver.name for receiver in receivers(alert_settings())]
    [row] = connection.execute(statement("health/alert_state"), {"receivers": told}).fetchall()
    incidents, waiting, error = row
    if not told:
        text = f"No alert receiver is configured (open incidents: {incidents}). Set AAP_PIPELINE_ALERT_…"
        return Diagnosis("alerts", "warning", f"{text} (see docs/operations.md).")
    which = " (`aap-pipeline alerts list`)" if incidents else ""
    if waiting:
        return Diagnosis("alerts", "warning", f"Messages to be retried: {waiting}. Last error: {error}")
    return Diagnosis("alerts", "ok", f"Receivers: {', '.join(told)}; open incidents: {incidents}{which}.")


def _of_dagster(connection: Connection, name: LiteralString, values: dict[str, str] | None = None) -> list[Any]:
    """Return the first column of rows of Dagster's tables; nothing if they are not in this database."""
    try:
        return [row[0] for row in connection.execute(statement(name), values) if row[0] is not None]
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return []
