"""The real PostgreSQL that integration tests use: one server per session, one database per test."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.migrate import migrate
from aap_pipeline_tests.servers import PostgresServer, server
from aap_pipeline_tests.site import controller, shared_controller, site  # noqa: F401 - fixtures

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Of a shell's background job, whose children would ignore the Ctrl-C that tests send them.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """The embedded server, or the external one that AAP_PIPELINE_TEST_DATABASE_URL names."""
    with server(tmp_path_factory.mktemp("postgres") / "server") as running:
        yield running


@pytest.fixture(scope="session")
def template(postgres: PostgresServer) -> Iterator[str]:
    """Name of a migrated database from which each test's is copied."""
    with postgres.database() as url:
        migrate(url)
        yield url.rpartition("/")[2]


@pytest.fixture
def empty_database_url(postgres: PostgresServer) -> Iterator[str]:
    """URL of a fresh, empty database."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def database_url(postgres: PostgresServer, template: str) -> Iterator[str]:
    """URL of a fresh, migrated database."""
    with postgres.database(template) as url:
        yield url


@pytest.fixture(scope="session")
def shared_database_url(postgres: PostgresServer, template: str) -> Iterator[str]:
    """URL of one migrated database for all tests that only read."""
    with postgres.database(template) as url:
        yield url


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """A connection to a fresh, migrated database."""
    with connect(database_url) as connection:
        yield connection
