"""The embedded server for the duration of a command. Concurrent commands share it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from aap_pipeline.database.connection import clear_errors
from aap_pipeline.database.errors import DatabaseUnreachable, DataDirectoryInUse
from aap_pipeline.embedded.file_locks import FileLock
from aap_pipeline.embedded.server import EmbeddedServer
from aap_pipeline.errors import PipelineError

_START_SECONDS = 10
_USERS = "users.lock"


@contextmanager
def embedded_server(directory: Path, options: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield the URL of the embedded server on `directory`, which is started for the block unless it runs already.

    The process that started the server waits for other users at the end of the block, unless it ends with an error.
    """
    server = EmbeddedServer(directory, options)
    use, start = FileLock(directory / _USERS), FileLock(directory / "start.lock")
    use.acquire(shared=True)
    try:
        start.acquire()  # of two concurrent commands, one starts the server and the other finds it
        try:
            url = _running_or_started(server)
        finally:
            start.release()
        yield url
        if server.is_running():
            use.acquire()  # exclusively: waits for the other users
    finally:
        server.stop()
        use.release()


def _running_or_started(server: EmbeddedServer) -> str:
    """Start the server, or return the URL of the running one.

    Starting comes first: a server that reports ready may be stopping, if its starter was just killed.
    """
    try:
        return server.start()
    except DataDirectoryInUse:
        deadline = time.monotonic() + _START_SECONDS
        while (url := server.running_url()) is None:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)  # `aap-pipeline up` is still starting it
        return url


def kept_server(directory: Path) -> str:
    """Return the URL of the embedded server on `directory`, which runs until all processes that use it have ended.

    For processes that Dagster starts and ends: code servers and runs. A separate process starts, migrates and stops the
    server. Raises DatabaseUnreachable with the reason.
    """
    _use(directory)
    server = EmbeddedServer(directory)
    url = server.running_url()
    if url is None:
        keeper = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", __name__, str(directory)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        _keepers.append(keeper)
        assert keeper.stdout is not None  # noqa: S101
        with keeper.stdout as answer:
            problem = answer.read().decode()
        url = server.running_url()
        if problem or url is None:
            raise DatabaseUnreachable(problem or f"The embedded PostgreSQL in {directory} did not start.")
    return url


_keepers: list[subprocess.Popen[bytes]] = []
"""They outlive this process if others use their server."""


@cache
def _use(directory: Path) -> FileLock:
    """Keep the server on `directory` running until this process ends."""
    lock = FileLock(directory / _USERS)
    lock.acquire(shared=True)
    return lock


def _keep(directory: Path) -> None:
    """Run the server for its users. Standard output is closed when it is ready, or after the reason why it is not."""
    from aap_pipeline.database.migrate import migrate

    answer = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        with clear_errors(), embedded_server(directory) as url:
            migrate(url)
            os.close(answer)
    except PipelineError as error:
        with suppress(OSError):  # it is closed: what failed is the end
            os.write(answer, str(error).encode())


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
