"""Child processes that end with their parent, and that can run PostgreSQL even if the parent is root."""

import contextlib
import ctypes
import multiprocessing
import os
import pwd
import signal
import sys
import threading
from collections.abc import Callable
from functools import cache

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000


def die_with_parent(stop_signal: signal.Signals) -> Callable[[], None]:
    """Return a `preexec_fn` after which the kernel sends `stop_signal` to the child when its parent ends.

    Linux only; elsewhere it does nothing. The parent is the *thread* that starts the child, so it must live on.
    """
    parent = os.getpid()

    def before_exec() -> None:
        if not sys.platform.startswith("linux"):
            return
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, stop_signal, 0, 0, 0)
        if os.getppid() != parent:  # the parent ended between the fork and the line above
            os.kill(os.getpid(), signal.SIGKILL)

    return before_exec


def when_parent_ends(act: Callable[[], None]) -> None:
    """Call `act` in this process of multiprocessing when the process that started it ends, even by kill -9."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            act()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def as_unprivileged_user(then: Callable[[], None]) -> Callable[[], None]:
    """Return a `preexec_fn` for programs that reject root and users without a passwd entry, as PostgreSQL does.

    Such a user enters a user namespace in which its files belong to an ordinary user, so no file changes its owner. If
    namespaces are forbidden (some containers), root becomes the user `nobody` (see `unprivileged_owner`), and a user
    without an entry remains (see `is_nameless`). `then` runs last.
    """
    owner = unprivileged_owner()
    enters = owner is None and (os.geteuid() == 0 or (_has_no_entry() and _user_namespaces_work()))
    inside = _ordinary_user() if enters else None

    def before_exec() -> None:
        if inside is not None:
            _enter_user_namespace(inside)
        elif owner is not None:
            os.setgroups([])
            os.setgid(owner[1])
            os.setuid(owner[0])
        then()  # last, because changing the user clears the parent-death signal

    return before_exec


def unprivileged_owner() -> tuple[int, int] | None:
    """Return the (uid, gid) that must own files for `as_unprivileged_user`; None: the caller's."""
    return None if os.geteuid() != 0 or _user_namespaces_work() else _ordinary_user()


def is_nameless() -> bool:
    """Return whether `as_unprivileged_user` leaves the program without a passwd entry."""
    return _has_no_entry() and not _user_namespaces_work()


def _has_no_entry() -> bool:
    try:
        return not pwd.getpwuid(os.geteuid())
    except KeyError:
        return True


def _ordinary_user() -> tuple[int, int]:
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _enter_user_namespace(inside: tuple[int, int]) -> None:
    """Become the user and group `inside` in a new namespace."""
    uid, gid = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, content in (
        ("uid_map", f"{inside[0]} {uid} 1"),
        ("setgroups", "deny"),
        ("gid_map", f"{inside[1]} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - minimal code between fork and exec
            file.write(content)


@cache
def _user_namespaces_work() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            _enter_user_namespace(_ordinary_user())
            os._exit(0)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
