"""Keeps the memory of a long sync flat."""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8  # malloc.h
_ARENAS = 2


def share_arenas() -> None:
    """Let all threads allocate from two arenas, where the C library is glibc.

    By default each thread gets an arena of its own, and keeps in it what its largest answers once needed: a third more
    memory after 50,000 jobs than after 2,000. Call it before the threads start. Elsewhere it does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
