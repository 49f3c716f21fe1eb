"""Measure a block: wall time, CPU of this process and of the database server, peak memory, size."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aap_pipeline.database.connection import connect

_TICKS = os.sysconf("SC_CLK_TCK")
_RESET_PEAK = "5"  # proc(5), clear_refs: the peak resident set becomes the present one


@dataclass
class Usage:
    """What a block cost: seconds, and megabytes (2^20) of this process at its peak."""

    wall: float = 0.0
    client_cpu: float = 0.0
    database_cpu: float = 0.0
    peak_megabytes: float = 0.0

    def figures(self, jobs: int) -> dict[str, float]:
        """Values for `emit`; CPU in milliseconds a job."""
        return {
            "seconds": self.wall,
            "client_cpu_ms_a_job": self.client_cpu / jobs * 1000,
            "database_cpu_ms_a_job": self.database_cpu / jobs * 1000,
            "cpu_ms_a_job": (self.client_cpu + self.database_cpu) / jobs * 1000,
            "peak_megabytes": self.peak_megabytes,
        }


@contextmanager
def metered(url: str) -> Iterator[Usage]:
    """Measure the block; the server at `url` must run on this machine. Its own connections cost some milliseconds."""
    usage = Usage()
    server = postmaster(url)
    _reset_peak()
    database, client, started = cpu_of_server(server), _own_cpu(), time.perf_counter()
    yield usage
    usage.wall = time.perf_counter() - started
    usage.client_cpu = _own_cpu() - client
    usage.database_cpu = cpu_of_server(server) - database
    usage.peak_megabytes = _status("VmHWM") / 1024


def postmaster(url: str) -> int:
    """Process id of the server at `url`: the parent of the process that serves a connection."""
    with connect(url) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        return int(_stat(int(row[0]))[1])


def cpu_of_process(pid: int) -> float:
    """CPU seconds of one process, to the nanosecond: what other work on the machine disturbs least."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def cpu_of_server(server: int) -> float:
    """CPU seconds of the postmaster, of its children, and of those that have ended."""
    while True:
        before = _stat(server)[11:15]
        ticks = sum(map(int, before)) + sum(_ticks_of_children(server))
        if _stat(server)[13:15] == before[2:]:
            return ticks / _TICKS
        # A child ended meanwhile, and would be counted not at all or twice.


def _ticks_of_children(server: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = _stat(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == server:
                yield sum(map(int, fields[11:13]))


def database_megabytes(url: str) -> float:
    """Size of the database at `url`."""
    with connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0]) / 2**20


def _own_cpu() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text(_RESET_PEAK)


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def _stat(pid: int) -> list[str]:
    """proc(5), stat, from field 3 (state) on: what stands before may hold blanks."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
