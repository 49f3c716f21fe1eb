"""What `up` starts: when it is started again, where it listens, how it is found."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml

from aap_pipeline.errors import PipelineError
from aap_pipeline.runtime.child import Backoff, Child
from aap_pipeline.runtime.code_server import CodeServer
from aap_pipeline.runtime.supervisor import require_free_port


def test_pauses_double_up_to_a_minute_and_begin_again_after_a_stable_minute() -> None:
    """Guards against a machine that is busy with restarts, and against an hour of silence after one bad night."""
    backoff = Backoff()
    assert [backoff.pause(1) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff.pause(61) == 1


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
def test_a_guard_that_is_killed_is_told_as_such_and_leaves_nothing(tmp_path: Path) -> None:
    """Guards against "ended with status -9", and against a second daemon beside one that its guard left behind."""
    log = tmp_path / "daemon.log"
    child = Child("Dagster daemon", ["sh", "-c", "echo $$; exec sleep 600"], dict(os.environ), log)
    child.start(0.0)
    assert child.process is not None
    while not log.read_text().endswith("\n") and child.process.poll() is None:
        pass
    guarded = psutil.Process(int(log.read_text()))
    child.process.kill()
    child.process.wait()
    told = child.poll_exit(1.0)
    assert told is not None
    assert told.startswith("The Dagster daemon was killed by signal 9 (")
    guarded.wait(timeout=30)


_MAC = "sys.platform = 'darwin'; "


@pytest.mark.usefixtures("starts_server")
@pytest.mark.parametrize("ignores", ["", "trap '' TERM; "])
@pytest.mark.parametrize("platform", ["", _MAC], ids=["this one", "macOS"])
def test_a_guard_that_is_stopped_as_its_command_starts_ends_it(platform: str, ignores: str) -> None:
    """Guards against a command that outlives its guard when `up` is stopped in the moment of its start, and against an
    `up` on macOS that asks nobody to end and is killed 20 s later."""
    program = f"import sys; from aap_pipeline.runtime import guard; {platform}"
    program += f"sys.exit(guard.main({os.getpid()}, 0.2, sys.argv[1:]))"
    command = ["sh", "-c", f"{ignores}echo ready; while :; do sleep 1; done"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *command], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        process.communicate(timeout=60)  # until nobody is left who could write
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == 128 + signal.SIGTERM


def test_a_folder_too_deep_for_a_socket_is_told_with_what_to_do(tmp_path: Path) -> None:
    """Guards against a code server that ends at each start for a reason that only its log knows."""
    longest = 107 if sys.platform.startswith("linux") else 103
    name = "code-server.socket"
    deep = Path("/" + "x" * (longest - len(name) - 2))
    assert CodeServer(deep).socket == deep / name
    with pytest.raises(PipelineError, match="AAP_PIPELINE_HOME"):
        CodeServer(Path(f"{deep}x"))


@pytest.mark.usefixtures("starts_server")
def test_the_workspace_leads_to_where_the_code_server_listens(tmp_path: Path) -> None:
    """Guards against a path that is relative to a folder other than the reader's."""
    code = CodeServer(tmp_path)
    assert not code.listens()
    [entry] = yaml.safe_load(code.write_workspace().read_text())["load_from"]
    assert entry["grpc_server"]["location_name"] == "aap_pipeline"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(entry["grpc_server"]["socket"])
        server.listen()
        assert code.listens()
    assert not code.listens()  # what a server that was killed leaves behind
