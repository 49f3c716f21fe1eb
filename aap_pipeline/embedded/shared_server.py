"""The embedded server for the duration of a command. Concurrent commands share it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from aap_pipeline.database.errors import DataDirectoryInUse
from aap_pipeline.embedded.file_locks import FileLock
from aap_pipeline.embedded.server import EmbeddedServer

_START_SECONDS = 10


@contextmanager
def embedded_server(directory: Path, options: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield the URL of the embedded server on `directory`, which is started for the block unless it runs already.

    The process that started the server waits for other users at the end of the block, unless it ends with an error.
    """
    server = EmbeddedServer(directory, options)
    use, start = FileLock(directory / "users.lock"), FileLock(directory / "start.lock")
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
