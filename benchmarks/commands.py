"""Whole commands, started from a shell: a no-op sync and `status`, compared with an import."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from aap_pipeline.embedded.shared_server import embedded_server
from aap_pipeline_tests.cli.processes import import_clusters
from aap_simulator.process import SimulatorProcess
from benchmarks.common import emit, machine

_IMPORT = ("-c", "import aap_pipeline.definitions")
_SYNC = ("-m", "aap_pipeline.cli", "sync")
_STATUS = ("-m", "aap_pipeline.cli", "status")


def main() -> None:
    """Measure each command `--rounds` times, in turn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with (
        tempfile.TemporaryDirectory(prefix="aap-pipeline-commands-") as folder,
        SimulatorProcess("--jobs", "200", "--days", "30", "--plain") as controller,
    ):
        home = Path(folder)
        home.chmod(0o711)
        environment = {**os.environ, "AAP_PIPELINE_HOME": str(home / "home")}
        environment.pop("AAP_PIPELINE_DATABASE_URL", None)
        address = controller.addresses[0]
        entry = {"name": "one", "port": urlsplit(address.url).port, "access_token": address.access_token}
        import_clusters(environment, home, [entry])
        _seconds(_SYNC, environment)
        _measure("started by the command", environment, rounds)
        with embedded_server(home / "home" / "postgres"):
            _measure("up already", environment, rounds)


def _measure(server: str, environment: Mapping[str, str], rounds: int) -> None:
    measured = [_figures(environment) for _ in range(rounds)]
    medians = {name: statistics.median(each[name] for each in measured) for name in measured[0]}
    emit("commands", server=server, rounds=rounds, **medians, **machine())


def _figures(environment: Mapping[str, str]) -> dict[str, float]:
    imported, _ = _seconds(_IMPORT, environment)
    synced, _ = _seconds(_SYNC, environment)
    _, status_cpu = _seconds(_STATUS, environment)
    return {
        "import_seconds": imported,
        "sync_seconds": synced,
        "sync_against_import": synced / imported,
        "status_cpu_seconds": status_cpu,
    }


def _seconds(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Return wall-clock and CPU seconds of a command, without the CPU of a server that it starts."""
    started = time.perf_counter()
    with subprocess.Popen([sys.executable, *command], env=dict(environment), stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"`{' '.join(command)}` ended with exit status {process.returncode}; its message is above.")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
