"""`aap-pipeline up` in every way of ending: nothing is left running, nothing stored is lost."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from aap_pipeline_tests.integration.supervision.running import Up, small_location, wait_for


@pytest.fixture
def start_up(tmp_path: Path) -> Iterator[Callable[[], Up]]:
    """Starts `up` on one home, again and again; whatever a failing test leaves running there is ended."""
    started: list[Up] = []

    def start() -> Up:
        started.append(Up(tmp_path, *small_location(tmp_path)))
        return started[-1]

    yield start
    for up in started:
        for process in up.processes():
            process.kill()
        up.process.communicate()


def test_nothing_outlives_up_and_the_data_does(start_up: Callable[[], Up]) -> None:
    """Guards against orphans after kill -9, SIGTERM and Ctrl-C, also of code servers and of a run under way."""
    first = start_up()
    first.wait_until_ready()
    assert any("Not loaded   broken:" in line and "no_such_module" in line for line in first.output)
    run = first.launch("quick_job")
    wait_for(lambda: first.run_status(run) == "SUCCESS")
    endless = first.launch("endless_job")
    wait_for(lambda: first.run_status(endless) == "STARTED")

    first.find("dagster._daemon").send_signal(signal.SIGKILL)
    first.read_until("The Dagster daemon was killed by signal 9")
    first.read_until("The Dagster daemon was started again.")

    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    wait_for(lambda: not first.processes(), 30)

    second = start_up()
    second.wait_until_ready()
    assert second.run_status(run) == "SUCCESS"
    second.find("-D").send_signal(signal.SIGKILL)
    second.read_until("The embedded PostgreSQL is back.")
    wait_for(lambda: second.run_status(run) == "SUCCESS")
    refused = subprocess.run(second.process.args, capture_output=True, text=True, env=_environment(second), check=False)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "cannot listen on 127.0.0.1" in refused.stderr
    second.process.send_signal(signal.SIGTERM)
    assert second.process.wait(timeout=30) == 0
    assert second.processes() == []


def _environment(up: Up) -> dict[str, str]:
    return dict(psutil.Process(up.process.pid).environ())
