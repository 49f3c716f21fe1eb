"""A process that keeps dying is started less and less often; a stable one is forgiven."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from aap_pipeline.supervision.child import Backoff, Child
from aap_pipeline.supervision.supervisor import SupervisionError, require_free_port


def test_pauses_double_up_to_a_minute_and_begin_again_after_a_stable_minute() -> None:
    """Guards against a machine that is busy with restarts, and against an hour of silence after one bad night."""
    backoff = Backoff()
    assert [backoff.pause(1) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff.pause(61) == 1


def test_a_port_that_is_taken_is_named() -> None:
    """Guards against a web server that dies of it again and again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SupervisionError, match=rf"cannot listen on 127.0.0.1:{port}: .* --port"):
            require_free_port("127.0.0.1", port)
    with pytest.raises(SupervisionError, match=r"nowhere\.invalid"):
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
