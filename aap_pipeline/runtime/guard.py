"""Run a command and leave no process behind: `python -m aap_pipeline.runtime.guard PARENT GRACE COMMAND…`.

Dagster's processes start others: code servers, run workers. When the command exits, when `up` exits (even by kill -9),
or when it receives SIGTERM itself, this process sends SIGTERM to all descendants of the command, waits up to GRACE
seconds, then kills them. It is a process between `up` and the command because it must outlive both. Orphans and the end
of `up` are noticed on Linux only (subreapers, parent-death signals).
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType

import psutil

from aap_pipeline.embedded.processes import die_with_parent

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_POLL_SECONDS = 0.05


class _Stop(Exception):
    """SIGTERM, or the parent is gone."""


def main(parent: int, grace_seconds: float, command: list[str]) -> int:
    """Run `command` until it or this process ends, and return its exit status once no descendant is left."""
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # orphans of the command become our children
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it died while we were starting
        return 1
    try:  # including the start, so that a stop during it ends the command, too
        _on_signals(_stop)
        status = subprocess.Popen(command, preexec_fn=die_with_parent(signal.SIGTERM)).wait()  # noqa: S603 - up's own
        _on_signals(signal.SIG_IGN)
    except _Stop:
        status = -signal.SIGTERM
    if not sys.platform.startswith("linux"):
        os.killpg(0, signal.SIGTERM)  # orphans in the group that `up` made for this process
    _end_all(grace_seconds)
    return status if status >= 0 else 128 - status


def _stop(_signal: int, _frame: object) -> None:
    _on_signals(signal.SIG_IGN)  # once is enough
    raise _Stop


def _on_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for stop_signal in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(stop_signal, handler)


def _end_all(grace_seconds: float) -> None:
    """Terminate every descendant once, kill those that are left after the grace period, and wait for all."""
    deadline = time.monotonic() + grace_seconds
    asked: set[psutil.Process] = set()
    while found := set(psutil.Process().children(recursive=True)):
        late = time.monotonic() > deadline
        for process in found if late else found - asked:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill() if late else process.terminate()
        asked |= found
        psutil.wait_procs(found, timeout=_POLL_SECONDS)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
