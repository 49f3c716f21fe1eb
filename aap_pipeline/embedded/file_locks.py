"""Lock files that the kernel unlocks when their process ends."""

import fcntl
import os
from pathlib import Path

from aap_pipeline.database.errors import EmbeddedServerError


class FileLock:
    """A lock on the file `path`, exclusive or shared, held until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, *, shared: bool = False, wait: bool = True) -> bool:
        """Take the lock or change its mode. Returns False if another process holds it and `wait` is not set.

        Raises EmbeddedServerError if the file cannot be created.
        """
        if self._descriptor is None:
            self._descriptor = self._open()
        kind = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        try:
            fcntl.flock(self._descriptor, kind)
        except BlockingIOError:
            self.release()
            return False
        return True

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _open(self) -> int:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise cannot_write(self._path.parent, error) from error


def cannot_write(directory: Path, error: OSError) -> EmbeddedServerError:
    return EmbeddedServerError(
        f"Cannot write to {directory}: {error.strerror}. Set AAP_PIPELINE_HOME to a directory that this user can "
        "write to."
    )
