"""Run a command and leave no process behind: `python -m aap_pipeline.runtime.guard PARENT GRACE COMMAND…`.

Dagster's processes start others: code servers, run workers. When the command exits, when `up` exits (even by kill -9),
or when it receives SIGTERM itself, this process sends SIGTERM to all descendants of the command, waits up to GRACE
seconds, then kills them. It is a process between `up` and the command because it must outlive both. It needs Linux
(parent-death signals, subreapers, /proc). Elsewhere it ends its own process group on SIGTERM, and does not notice that
`up` was killed.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

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
    if sys.platform.startswith("linux"):
        _end_all(grace_seconds)
    else:
        _end_group(grace_seconds)
    return status if status >= 0 else 128 - status


def _stop(_signal: int, _frame: object) -> None:
    _on_signals(signal.SIG_IGN)  # once is enough
    raise _Stop


def _on_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for stop_signal in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(stop_signal, handler)


def _end_all(grace_seconds: float) -> None:
    deadline = time.monotonic() + grace_seconds
    asked: set[int] = set()
    while _reap() and time.monotonic() < deadline:
        for pid in _descendants() - asked:
            asked.add(pid)
            _send(pid, signal.SIGTERM)
        time.sleep(_POLL_SECONDS)
    while _reap():
        for pid in _descendants():
            _send(pid, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)


def _end_group(grace_seconds: float) -> None:
    """End the process group that `up` created for this process."""
    deadline = time.monotonic() + grace_seconds
    os.killpg(0, signal.SIGTERM)
    while _reap():
        if time.monotonic() > deadline:
            os.killpg(0, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)


def _reap() -> bool:
    """Reap the children that have ended, and return whether any is left."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    return False


def _descendants() -> set[int]:
    """Return all descendants of this process, from /proc."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            fields = (folder / "stat").read_text().rpartition(") ")[2].split()
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found: set[int] = set()
    waiting = [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(), [])
        found.update(below)
        waiting.extend(below)
    return found


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
