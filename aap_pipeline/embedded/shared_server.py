"""The embedded server for the duration of a command. Concurrent commands share it."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from aap_pipeline.database.connection import clear_errors
from aap_pipeline.database.errors import DatabaseUnreachable, DataDirectoryInUse
from aap_pipeline.embedded.server import EmbeddedServer, FileLock
from aap_pipeline.errors import PipelineError

_START_SECONDS = 60
_USERS = "users.lock"


@contextmanager
def embedded_server(directory: Path, options: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield the URL of the embedded server on `directory`, which is started for the block unless it runs already.

    The process that started the server waits for other users at the end of the block, unless it ends with an error.
    """
    server = EmbeddedServer(directory, options)
    use = FileLock(directory / _USERS)
    use.acquire(shared=True)
    try:
        yield _running_or_started(server)
        if server.is_running():
            use.acquire()  # exclusively: waits for the other users
    finally:
        server.stop()
        use.release()


def _running_or_started(server: EmbeddedServer) -> str:
    """Start the server, or return the URL of the running one.

    Starting comes first: a server that reports ready may be stopping, if its starter was just killed.
    """
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            return server.start()
        except DataDirectoryInUse:
            if (url := server.running_url()) is not None:
                return url
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)  # another command or `aap-pipeline up` is starting or stopping it


def kept_server(directory: Path) -> str:
    """Return the URL of the embedded server on `directory`, which runs until all processes that use it have ended.

    For processes that Dagster starts and ends: code servers and runs. A separate process starts, migrates and stops the
    server. Raises DatabaseUnreachable with the reason.
    """
    if directory not in _used:
        use = FileLock(directory / _USERS)
        use.acquire(shared=True)  # until this process ends
        _used[directory] = use
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
            problem = answer.readline().decode().strip()
        url = server.running_url()
        if problem or url is None:
            raise DatabaseUnreachable(problem or f"The embedded PostgreSQL in {directory} did not start.")
    return url


_used: dict[Path, FileLock] = {}
_keepers: list[subprocess.Popen[bytes]] = []
"""They outlive this process if others use their server."""


def _keep(directory: Path) -> None:
    """Run the server for its users. Print an empty line when it is ready, or the reason why it is not."""
    from aap_pipeline.database.migrate import migrate

    with suppress(BrokenPipeError):  # what failed is the end
        try:
            with clear_errors(), embedded_server(directory) as url:
                migrate(url)
                print(flush=True)  # noqa: T201
        except PipelineError as error:
            print(error, flush=True)  # noqa: T201


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
