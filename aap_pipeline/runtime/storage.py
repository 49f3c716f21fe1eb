"""Dagster's storage in PostgreSQL with a connection pool (ADR 14).

dagster-postgres opens a connection for each statement, about 360 in a run of the main job with new jobs, and the login
costs more than the statement. A process creates one `DagsterInstance` per sensor tick, so the pool belongs to the
process.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import create_pg_connection, create_pg_engine, pg_url_from_config
from sqlalchemy import text
from sqlalchemy.pool import QueuePool

from aap_pipeline.database.statements import statement

if TYPE_CHECKING:
    from dagster._serdes import ConfigurableClassData
    from sqlalchemy.engine import Engine

_KEPT = 2
_AT_MOST_MORE = 30
"""For concurrent threads of daemon and code server. Connections beyond those kept are closed after use."""


class PooledPostgresStorage(DagsterPostgresStorage):
    """Configured like `storage: postgres:` with a `postgres_url`."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        engine = _engine(postgres_url)
        with create_pg_connection(engine) as connection:  # one query instead of three logins
            has_tables = connection.execute(text(statement("database/dagster_tables_exist"))).scalar_one()
            if not has_tables:
                connection.detach()  # closed below, which releases the lock
                connection.execute(text(statement("database/lock_dagster_tables")))
            super().__init__(postgres_url, not has_tables, inst_data)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = engine

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> PooledPostgresStorage:
        """Create the storage from the configuration in `dagster.yaml`; Dagster calls this."""
        return cls(pg_url_from_config(config_value), inst_data)


@cache
def _engine(url: str) -> Engine:
    return create_pg_engine(
        url,
        isolation_level="AUTOCOMMIT",
        poolclass=QueuePool,
        pool_size=_KEPT,
        max_overflow=_AT_MOST_MORE,
        pool_pre_ping=True,  # the server may have been restarted
    )


os.register_at_fork(after_in_child=_engine.cache_clear)  # a connection serves one process
