"""What `up` starts: when it is started again, where it listens, how it is found."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from aap_pipeline.errors import PipelineError
from aap_pipeline.runtime.child import Child
from aap_pipeline.runtime.supervisor import listens, require_free_port, socket_of, write_workspace


@pytest.mark.usefixtures("starts_server")
def test_a_port_that_is_taken_is_named() -> None:
    """Guards against a web server that dies of it again and again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PipelineError, match=rf"cannot listen on 127.0.0.1:{port}: .* --port"):
            require_free_port("127.0.0.1", port)
    with pytest.raises(PipelineError, match=r"nowhere\.invalid"):
        require_free_port("nowhere.invalid", 3000)


def test_a_large_log_begins_anew_under_a_process_that_goes_on_writing(tmp_path: Path) -> None:
    """Guards against a log that fills the disk in a year, and against one whose holes look like it."""
    log = tmp_path / "daemon.log"
    child = Child("daemon", [], {}, log)
    with log.open("ab") as writer:
        writer.write(b"x" * 20_000_001)
        writer.flush()
        child.rotate_log()
        writer.write(b"after\n")
    assert log.read_bytes() == b"after\n"
    assert (tmp_path / "daemon.log.1").stat().st_size == 20_000_001


@pytest.mark.usefixtures("starts_server")
def test_what_a_killed_process_started_is_killed(tmp_path: Path) -> None:
    """Guards against "ended with status -9", and against the runs of a daemon beside those of the next one."""
    log = tmp_path / "daemon.log"
    child = Child("Dagster daemon", ["sh", "-c", "sleep 600 & echo $!; wait"], dict(os.environ), log)
    left = started_by(child)
    assert child.process is not None
    child.process.kill()
    child.process.wait()
    told = child.poll_exit(1.0)
    assert told is not None
    assert told == f"The Dagster daemon was killed by SIGKILL (see {log}). It restarts in 5 s."
    left.wait(timeout=30)


@pytest.mark.usefixtures("starts_server")
def test_what_does_not_end_when_asked_is_killed(tmp_path: Path) -> None:
    """Guards against an `up` that never ends, and against a process that outlives it."""
    command = ["sh", "-c", "trap '' TERM; sleep 600 & echo $!; while :; do sleep 1; done"]
    child = Child("Dagster daemon", command, dict(os.environ), tmp_path / "daemon.log")
    left = started_by(child)
    child.ask_to_stop()
    child.wait(time.monotonic() + 0.2)
    left.wait(timeout=30)


def started_by(child: Child) -> psutil.Process:
    """Start it, and return the process whose id it writes."""
    child.start()
    while not child.log.read_text().endswith("\n"):
        assert child.process is not None
        assert child.process.poll() is None
    return psutil.Process(int(child.log.read_text()))


def test_a_folder_too_deep_for_a_socket_is_told_with_what_to_do(tmp_path: Path) -> None:
    """Guards against a code server that ends at each start for a reason that only its log knows."""
    longest = 107 if sys.platform.startswith("linux") else 103
    name = "code-server.socket"
    deep = Path("/" + "x" * (longest - len(name) - 2))
    assert socket_of(deep) == deep / name
    with pytest.raises(PipelineError, match="AAP_PIPELINE_HOME"):
        socket_of(Path(f"{deep}x"))


@pytest.mark.usefixtures("starts_server")
def test_the_workspace_leads_to_where_the_code_server_listens(tmp_path: Path) -> None:
    """Guards against a path that is relative to a folder other than the reader's."""
    code = socket_of(tmp_path)
    assert not listens(code)
    [entry] = yaml.safe_load(write_workspace(code).read_text())["load_from"]
    assert entry["grpc_server"]["location_name"] == "aap_pipeline"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(entry["grpc_server"]["socket"])
        server.listen()
        assert listens(code)
    assert not listens(code)  # what a server that was killed leaves behind
