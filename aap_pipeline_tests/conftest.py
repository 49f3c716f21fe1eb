"""Which tests need a server, which start first; and the real PostgreSQL of integration tests.

A session has one server, each test a database of its own. With pytest-xdist each worker is a session.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.migrate import migrate
from aap_pipeline_tests.servers import PostgresServer, server
from aap_pipeline_tests.site import controller, shared_controller, site  # noqa: F401 - fixtures

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Of a shell's background job, whose children would ignore the Ctrl-C that tests send them.
    signal.signal(signal.SIGINT, signal.default_int_handler)


_OF_A_SERVER = {"subprocess.Popen", "os.fork", "os.posix_spawn", "socket.bind"}
"""Audit events of a test that starts a process, or listens."""
_runs_alone = False
"""Whether a test without the marker `server` is running."""


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than cores, because tests wait for processes half of their time; at most 8."""
    return min(8, 1 + (os.cpu_count() or 1))


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
def postgres(postgres_directory: Path) -> Iterator[PostgresServer]:
    """The embedded server, or the external one that AAP_PIPELINE_TEST_DATABASE_URL names."""
    with server(postgres_directory / "server") as running:
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
