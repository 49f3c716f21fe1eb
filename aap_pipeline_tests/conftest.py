"""Which tests need a server, which start first; and the real PostgreSQL of integration tests.

A session has one embedded server, a test a database of its own. With pytest-xdist each worker is a session.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from aap_pipeline.warehouse.connection import Connection, connect
from aap_pipeline.warehouse.migrate import migrate
from aap_pipeline.warehouse.server import EmbeddedServer

_numbers = itertools.count(1)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Of a shell's background job, whose children would ignore the Ctrl-C that tests send them.
    signal.signal(signal.SIGINT, signal.default_int_handler)


_OF_A_SERVER = {"subprocess.Popen", "os.fork", "os.posix_spawn", "socket.bind"}
"""Audit events of a test that starts a process, or listens."""
_runs_alone = False
"""Whether a test without the marker `server` is running."""


@pytest.hookimpl(tryfirst=True)  # before pytest's own, which deselects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a server by their fixtures, and put the long ones first: no worker waits for them."""
    for item in items:
        if "starts_server" in getattr(item, "fixturenames", ()):
            item.add_marker("server")
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note whether the test may start a server."""
    global _runs_alone
    _runs_alone = item.get_closest_marker("server") is None
    try:
        return (yield)
    finally:
        _runs_alone = False


def _refuse_servers(event: str, arguments: tuple[object, ...]) -> None:
    if _runs_alone and event in _OF_A_SERVER:
        raise AssertionError(f"{event} in a test without the marker server: use the fixture starts_server.")


sys.addaudithook(_refuse_servers)


@pytest.fixture(scope="session")
def starts_server() -> None:
    """What starts a server or another process depends on this fixture; its tests get the marker `server`."""


_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "512MB"}
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_MEMORY_BYTES = 2 * 1024**3
"""A session takes up to half of it."""


@pytest.fixture(scope="session")
def postgres_directory(starts_server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory where there is room, else on disk, which makes each database some 20 times as slowly."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < workers * _MEMORY_BYTES:
        yield tmp_path_factory.mktemp("postgres")
        return
    directory = tempfile.mkdtemp(prefix="aap-pipeline-tests-", dir=_MEMORY)
    # Its standard input ends with this process, however that ends: no killed session leaves its data in memory.
    remove = 'cat; rm -rf "$0" || { sleep 5; rm -rf "$0"; }'
    with subprocess.Popen(["sh", "-c", remove, directory], stdin=subprocess.PIPE, start_new_session=True):
        yield Path(directory)


@pytest.fixture(scope="session")
def postgres(postgres_directory: Path) -> Iterator[EmbeddedServer]:
    """The embedded server, without waiting for the disk; its own database stays empty."""
    server = EmbeddedServer(postgres_directory / "server", _OPTIONS)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def template(postgres: EmbeddedServer) -> str:
    """Name of a migrated database from which each test's is copied."""
    _administer(postgres, "CREATE DATABASE template_migrated")
    migrate(_url(postgres, "template_migrated"))
    return "template_migrated"


@pytest.fixture
def empty_database_url(postgres: EmbeddedServer) -> Iterator[str]:
    """URL of a fresh, empty database."""
    yield from fresh_database(postgres, "template0")


@pytest.fixture
def database_url(postgres: EmbeddedServer, template: str) -> Iterator[str]:
    """URL of a fresh, migrated database."""
    yield from fresh_database(postgres, template)


@pytest.fixture(scope="session")
def shared_database_url(postgres: EmbeddedServer, template: str) -> Iterator[str]:
    """URL of one migrated database for all tests that only read."""
    yield from fresh_database(postgres, template)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """A connection to a fresh, migrated database."""
    with connect(database_url) as connection:
        yield connection


def fresh_database(postgres: EmbeddedServer, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    _administer(postgres, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield _url(postgres, name)
    _administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def _url(postgres: EmbeddedServer, database: str) -> str:
    url = postgres.running_url()
    assert url is not None
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _administer(postgres: EmbeddedServer, command: str) -> None:
    with psycopg.connect(_url(postgres, "postgres"), autocommit=True) as connection:
        connection.execute(command.encode())
