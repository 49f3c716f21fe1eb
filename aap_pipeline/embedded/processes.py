"""Child processes that never outlive their parent, and that may run PostgreSQL although the parent is root."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Callable
from functools import cache

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_UNPRIVILEGED_ID = 1000


def die_with_parent(stop_signal: signal.Signals, parent: int | None = None) -> Callable[[], None]:
    """A `preexec_fn` that has the kernel send `stop_signal` to the child when its parent is gone, even by kill -9.

    Linux only; elsewhere it does nothing. The parent is the *thread* that starts the child: use one that stays.
    """
    parent = os.getpid() if parent is None else parent

    def before_exec() -> None:
        if not sys.platform.startswith("linux"):
            return
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, stop_signal, 0, 0, 0)
        if os.getppid() != parent:  # it died between the fork and the line above
            os.kill(os.getpid(), signal.SIGKILL)

    return before_exec


def as_unprivileged_user(then: Callable[[], None]) -> Callable[[], None]:
    """A `preexec_fn` for programs that refuse to run as root, as PostgreSQL does; `then` runs last.

    Root enters a user namespace in which its files belong to an ordinary user, so that nothing need change owner. Where
    namespaces are forbidden (some containers) it becomes the user `nobody`, see `unprivileged_owner`.
    """
    owner = unprivileged_owner()

    def before_exec() -> None:
        if os.geteuid() == 0:
            if owner is None:
                _enter_user_namespace()
            else:
                os.setgroups([])
                os.setgid(owner[1])
                os.setuid(owner[0])
        then()  # after the change of user: that clears the parent-death signal

    return before_exec


def unprivileged_owner() -> tuple[int, int] | None:
    """(uid, gid) to which files for `as_unprivileged_user` must belong; None: the caller's own."""
    if os.geteuid() != 0 or _user_namespaces_work():
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _enter_user_namespace() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, content in (
        ("uid_map", f"{_UNPRIVILEGED_ID} 0 1"),
        ("setgroups", "deny"),
        ("gid_map", f"{_UNPRIVILEGED_ID} 0 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - between fork and exec: as little as possible
            file.write(content)


@cache
def _user_namespaces_work() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            _enter_user_namespace()
            os._exit(0)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
