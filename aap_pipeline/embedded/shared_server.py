"""The embedded server for the duration of a command, shared by commands that overlap."""

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
    """URL of the embedded server on `directory`: the one that already runs there, else one started for the block.

    Whoever started the server waits at the end for the others that use it; an error or Ctrl-C ends it at once.
    """
    server = EmbeddedServer(directory, options)
    use, start = FileLock(directory / "users.lock"), FileLock(directory / "start.lock")
    use.acquire(shared=True)
    try:
        start.acquire()  # of two commands that start at once, one starts the server and the other finds it
        try:
            url = _running_or_started(server)
        finally:
            start.release()
        yield url
        if server.is_running():
            use.acquire()  # exclusively: when everyone else is done
    finally:
        server.stop()
        use.release()


def _running_or_started(server: EmbeddedServer) -> str:
    """Starting comes first: it fails at once if somebody alive holds the server. The server's own word that it is ready
    may be that of one whose starter was killed a moment ago, and which is on its way down."""
    try:
        return server.start()
    except DataDirectoryInUse:
        deadline = time.monotonic() + _START_SECONDS
        while (url := server.running_url()) is None:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)  # `aap-pipeline up` is just starting it
        return url
