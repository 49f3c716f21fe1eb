"""The embedded server for the duration of a command, shared by commands that overlap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from aap_pipeline.warehouse.file_locks import FileLock
from aap_pipeline.warehouse.server import EmbeddedServer


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
            url = server.running_url() or server.start()
        finally:
            start.release()
        yield url
        if server.is_running():
            use.acquire()  # exclusively: when everyone else is done
    finally:
        server.stop()
        use.release()
