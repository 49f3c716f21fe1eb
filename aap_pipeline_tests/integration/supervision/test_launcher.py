"""Runs of our own code location under `aap-pipeline up`: forked, ended by a person, killed, and gone with `up`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil

from aap_pipeline.abandoned import PROCESS_TAG, process_of
from aap_pipeline.jobs import PARTITION_TAG
from aap_pipeline_tests.integration.supervision.running import Up, wait_for


def test_forked_runs_are_ended_noticed_and_leave_nothing(tmp_path: Path) -> None:
    """Guards against a run that nobody can end, one that is under way for ever, and one that outlives `up`."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        _register(tmp_path, silent.getsockname()[1])
        up = Up(tmp_path)
        try:
            up.wait_until_ready()
            ended, _ = _under_way(up)
            assert up.terminate(ended) == "TerminateRunSuccess"
            wait_for(lambda: up.run_status(ended) == "CANCELED")

            killed, process = _under_way(up)
            process.kill()
            wait_for(lambda: up.run_status(killed) == "FAILURE", 60)  # a sensor's next tick

            _, process = _under_way(up)
            up.process.kill()
            up.process.wait()
            wait_for(lambda: not up.processes())
            assert not process.is_running()
        finally:
            for left in up.processes():
                left.kill()
            up.process.communicate()


def _register(folder: Path, port: int) -> None:
    """A cluster at a controller that takes connections and never answers."""
    entry = {"name": "silent", "protocol": "http", "address": "127.0.0.1", "port": port, "access_token": "a-token"}
    file = folder / "clusters.json"
    file.touch(0o600)
    file.write_text(json.dumps({"clusters": [entry]}))
    environment = {**os.environ, "AAP_PIPELINE_HOME": str(folder / "home")}
    environment.pop("AAP_PIPELINE_DATABASE_URL", None)
    command = [sys.executable, "-m", "aap_pipeline.cli", "clusters", "import", str(file)]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def _under_way(up: Up) -> tuple[str, psutil.Process]:
    """A run that waits for the controller, and its process."""
    run = up.launch("update_cluster", "aap_pipeline", **{PARTITION_TAG: "silent"})
    wait_for(lambda: process_of(run, up.run_tag(run, PROCESS_TAG)) is not None, 60)
    named = process_of(run, up.run_tag(run, PROCESS_TAG))
    assert named is not None
    process = psutil.Process(named.pid)
    assert any("forkserver" in part for part in process.cmdline())
    assert up.run_status(run) == "STARTED"
    return run, process
