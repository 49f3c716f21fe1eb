"""The machine of a measurement: processors, memory, versions, without names, addresses and paths."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from aap_pipeline.embedded.server import binaries

_PACKAGES = ("dagster", "msgspec", "orjson", "psycopg", "requests", "urllib3", "uvicorn", "uvloop", "httptools")


def machine() -> dict[str, object]:
    """Cores, memory in GiB, processor."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "processor": _processor(),
        "architecture": platform.machine(),
        "system": platform.system(),
    }


def versions(packages: Sequence[str] = _PACKAGES) -> dict[str, str]:
    """Versions of Python, PostgreSQL, this project's commit and the packages that do the work."""
    postgres = subprocess.run([str(binaries() / "postgres"), "--version"], capture_output=True, text=True, check=True)
    found = {"python": platform.python_version(), "postgresql": postgres.stdout.split()[2], "commit": _commit()}
    return {**found, **{name: metadata.version(name) for name in packages}}


def load() -> float:
    """Processes that ran or waited for a processor, on average over the last minute."""
    return round(os.getloadavg()[0], 2)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _commit() -> str:
    try:
        done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
