"""Where the time goes in each stage: the client's functions by samples, the server's statements by their own time.

python -m benchmarks.hot_paths [--jobs 5000]

Samples are taken every 2 ms of CPU time of the process; threads that wait for a socket, a lock or the database do not
count. A function stands for what it calls outside of aap_pipeline, too. Statements are those of pg_stat_statements.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from aap_pipeline.core.parse import parse
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import Cipher, new_key
from aap_pipeline.marts.refresh import refresh
from aap_pipeline.raw.sync import SyncRequest, sync_cluster
from benchmarks import raw
from benchmarks.common import emit, fresh_database
from benchmarks.end_to_end import register

_EVERY_SECONDS = 0.002
_SHOWN = 7
_WAITING = {
    "wait",
    "acquire",
    "readinto",
    "recv_into",
    "get",
    "_wait_for_tstate_lock",
    "result",
    "join",
    "select",
    "_worker",
}
_EXTENSION = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "all"}
_STATEMENTS = (
    "SELECT query, total_exec_time / NULLIF(sum(total_exec_time) OVER (), 0), calls FROM pg_stat_statements "
    "WHERE query NOT LIKE '%pg_stat_statements%' ORDER BY total_exec_time DESC LIMIT 7"
)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=5_000, help="jobs of ten hosts each")
    arguments = parser.parse_args()
    cipher = Cipher([new_key()])
    with raw.controller(arguments.jobs, 10, 0) as address, fresh_database(_EXTENSION) as url:
        with connect(url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
        cluster = register(url, cipher, address)
        with _profiled(url, "raw"):
            sync_cluster(url, cipher, SyncRequest(cluster))
        with _profiled(url, "core"):
            parse(url, cluster.id)
        with _profiled(url, "marts"), connect(url) as connection:
            refresh(connection, cluster.id)


@contextmanager
def _profiled(url: str, stage: str) -> Iterator[None]:
    with connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_statements_reset()")
    with _sampled() as samples:
        yield
    total = samples.total()
    for what, count in samples.most_common(_SHOWN):
        emit("hot_path", stage=stage, where="client", what=what, share=count / total, samples=total)
    with connect(url) as connection:
        for query, share, calls in connection.execute(_STATEMENTS).fetchall():
            emit("hot_path", stage=stage, where="database", what=_short(query), share=float(share), calls=calls)


@contextmanager
def _sampled() -> Iterator[Counter[str]]:
    samples: Counter[str] = Counter()

    def sample(_number: int, frame: FrameType | None) -> None:
        frames = list(sys._current_frames().values())
        for top in [each for each in frames if each.f_code is not sample.__code__] + ([frame] if frame else []):
            if top.f_code.co_name not in _WAITING:
                samples[_named(top)] += 1

    previous = signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, _EVERY_SECONDS, _EVERY_SECONDS)
    try:
        yield samples
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)


def _named(top: FrameType) -> str:
    """Return our innermost function on the stack, and the package that it called."""
    inner = str(top.f_globals.get("__name__", "?")).partition(".")[0]
    frame: FrameType | None = top
    while frame is not None:
        module = str(frame.f_globals.get("__name__", "?"))
        if module.startswith("aap_pipeline."):
            name = f"{module.removeprefix('aap_pipeline.')}.{frame.f_code.co_name}"
            return name if inner == "aap_pipeline" else f"{name} → {inner}"
        frame = frame.f_back
    return inner


def _short(query: str) -> str:
    text = " ".join(re.sub(r"--[^\n]*", "", query).split())
    return text[:80].replace("|", "/")


if __name__ == "__main__":
    main()
