"""Dagster's storage in PostgreSQL, on connections that are kept: see ADR 14.

dagster-postgres opens a connection for each statement, some 270 for a run of the main job, each with a login that
costs more than the statement. A process has many `DagsterInstance`s, one a tick of a sensor: the pool is the process's.
Nor does it ask again and again what does not change: whether its tables are there, and whether a connection lives.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import create_pg_connection, create_pg_engine, pg_url_from_config
from sqlalchemy import event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import QueuePool

from aap_pipeline.database.statements import statement

if TYPE_CHECKING:
    from dagster._serdes import ConfigurableClassData
    from sqlalchemy.engine import Engine

_KEPT = 2
_AT_MOST_MORE = 30
"""Threads of the daemon and the code server that ask at once; connections beyond those kept are closed after use."""


class PooledPostgresStorage(DagsterPostgresStorage):
    """Configured like `storage: postgres:` with a `postgres_url`."""

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        engine = _engine(postgres_url)
        super().__init__(postgres_url, should_autocreate_tables and not _has_tables(engine), inst_data)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = engine
        events = self._event_log_storage
        events.has_table = _once_true(events.has_table)  # type: ignore[assignment]

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> PooledPostgresStorage:
        """What Dagster calls with the configuration of `dagster.yaml`."""
        autocreate = config_value.get("should_autocreate_tables", True)
        return cls(pg_url_from_config(config_value), autocreate, inst_data)


@cache
def _engine(url: str) -> Engine:
    engine = create_pg_engine(
        url,
        isolation_level="AUTOCOMMIT",
        poolclass=QueuePool,
        pool_size=_KEPT,
        max_overflow=_AT_MOST_MORE,
    )

    @event.listens_for(engine, "checkout")
    def check(connection: Any, _record: object, _proxy: object) -> None:
        """Leave out a kept connection that a restarted server has ended: it says so, unasked, on the socket.

        SQLAlchemy's `pool_pre_ping` asks before each of a run's 300 statements.
        """
        waiting = select.poll()
        try:
            waiting.register(connection, select.POLLIN)
            if waiting.poll(0):
                engine.dialect.do_ping(connection)
        except connection.Error as error:
            raise DisconnectionError from error

    return engine


os.register_at_fork(after_in_child=_engine.cache_clear)  # a connection serves one process


def _has_tables(engine: Engine) -> bool:
    """Whether Dagster's tables are there, the newest of each storage too: one look instead of three logins."""
    with create_pg_connection(engine) as connection:
        return bool(connection.execute(text(statement("database/dagster_tables_exist"))).scalar_one())


def _once_true(has_table: Callable[[str], bool]) -> Callable[[str], bool]:
    """`has_table` that asks no more for a table that was there: Dagster does, 60 times a run."""
    there: set[str] = set()

    def remembering(name: str) -> bool:
        if name not in there and has_table(name):
            there.add(name)
        return name in there

    return remembering
