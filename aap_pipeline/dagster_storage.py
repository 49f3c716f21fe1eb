"""Dagster's storage in PostgreSQL, on connections that are kept: see ADR 14.

dagster-postgres opens a connection for each statement, some 270 for a run of the main job, each with a login that
costs more than the statement. A process has many `DagsterInstance`s, one a tick of a sensor: the pool is the process's.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import create_pg_engine, pg_url_from_config
from sqlalchemy.pool import QueuePool

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
        super().__init__(postgres_url, should_autocreate_tables, inst_data)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = _engine(postgres_url)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> PooledPostgresStorage:
        """What Dagster calls with the configuration of `dagster.yaml`."""
        autocreate = config_value.get("should_autocreate_tables", True)
        return cls(pg_url_from_config(config_value), autocreate, inst_data)


@cache
def _engine(url: str) -> Engine:
    return create_pg_engine(
        url,
        isolation_level="AUTOCOMMIT",
        poolclass=QueuePool,
        pool_size=_KEPT,
        max_overflow=_AT_MOST_MORE,
        pool_pre_ping=True,  # a server that was restarted has ended those that are kept
    )
