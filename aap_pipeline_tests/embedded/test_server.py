"""The embedded server lives exactly as long as it should, whatever happens to its starter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from aap_pipeline.database.connection import connect
from aap_pipeline.database.errors import DatabaseUnreachable, EmbeddedServerError
from aap_pipeline.embedded.server import EmbeddedServer
from aap_pipeline.embedded.shared_server import embedded_server

pytestmark = pytest.mark.usefixtures("starts_server")

_HOLD = """
import sys
from pathlib import Path
from aap_pipeline.embedded.shared_server import embedded_server
with embedded_server(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""

_NO_ENTRY = (
    "The embedded PostgreSQL cannot start: user id 1000620000 has no entry in /etc/passwd. Add one with echo "
    '"aap:x:$(id -u):$(id -g)::/tmp:/bin/sh" >> /etc/passwd, or set AAP_PIPELINE_DATABASE_URL to an external server.\n'
)


def _hold(directory: Path) -> subprocess.Popen[str]:
    """Another process that uses the server on `directory` until its standard input is closed."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().startswith("postgresql://")
    return holder


def _release(holder: subprocess.Popen[str]) -> None:
    holder.communicate("", timeout=30)


def test_data_port_and_password_stay_between_starts(tmp_path: Path) -> None:
    """Guards against data that is gone with the process, and against BI tools that must be told a new address."""
    with embedded_server(tmp_path / "server") as first, connect(first) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with embedded_server(tmp_path / "server") as second, connect(second) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    assert first == second
    with pytest.raises(DatabaseUnreachable, match="refused"):
        connect(second)


def test_a_killed_parent_leaves_no_process_and_the_next_start_works(tmp_path: Path) -> None:
    """Guards against orphans that hold the data directory, and against a start while the old server still stops."""
    holder = _hold(tmp_path / "server")
    postmaster = next(child for child in psutil.Process(holder.pid).children() if child.name() == "postgres")
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with embedded_server(tmp_path / "server") as url, connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not postmaster.is_running() or postmaster.status() == psutil.STATUS_ZOMBIE


def test_a_postmaster_that_was_killed_does_not_keep_the_next_from_starting(tmp_path: Path) -> None:
    """Guards against a stale postmaster.pid that still says ready, and whose number another process has by now."""
    server = EmbeddedServer(tmp_path / "server")
    server.start()
    stale = server.data / "postmaster.pid"
    postmaster = psutil.Process(int(stale.read_text().splitlines()[0]))
    family = [postmaster, *postmaster.children(recursive=True)]
    postmaster.kill()
    psutil.wait_procs(family, timeout=30)
    assert not server.is_running()
    server.stop()
    lines = stale.read_text().splitlines()
    assert lines[7].strip() == "ready"
    stale.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert EmbeddedServer(tmp_path / "server").running_url() is None
    with embedded_server(tmp_path / "server") as url:
        connect(url).close()


def test_two_commands_share_one_server_and_the_starter_waits_for_the_other(tmp_path: Path) -> None:
    """Guards against a command whose server goes away because another command, which had started it, is done."""
    starter, user = _hold(tmp_path / "server"), None
    try:
        user = _hold(tmp_path / "server")
        assert starter.stdin is not None
        starter.stdin.close()
        url = EmbeddedServer(tmp_path / "server").running_url()
        assert url is not None
        connect(url).close()
        assert starter.poll() is None
    finally:
        if user is not None:
            _release(user)
        starter.wait(timeout=30)
        assert starter.stdout is not None
        starter.stdout.close()
    assert EmbeddedServer(tmp_path / "server").running_url() is None


def test_a_second_instance_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    """Guards against two supervisors of one data directory."""
    with embedded_server(tmp_path / "server"), pytest.raises(EmbeddedServerError, match="Another instance uses"):
        EmbeddedServer(tmp_path / "server").start()


def test_a_place_that_cannot_be_written_is_named() -> None:
    """Guards against a traceback on a read-only disk; /proc is one that root cannot write to either."""
    with pytest.raises(EmbeddedServerError, match=r"Cannot write to /proc/1/server: .* Set AAP_PIPELINE_HOME"):
        EmbeddedServer(Path("/proc/1/server")).start()


@pytest.mark.parametrize(
    ("uid", "traced", "expected"),
    [
        (65534, 1, ("42\n", "")),
        (1_000_620_000, 1, ("42\n", "")),  # as OpenShift gives it: no passwd entry, but a namespace of its own
        (1_000_620_000, 0, ("", _NO_ENTRY)),  # a process that may not write its /proc files has no such namespace
    ],
)
def test_any_user_can_run_it_or_is_told_why_not(uid: int, traced: int, expected: tuple[str, str]) -> None:
    """Guards against a server that only starts as root, or only as someone else, or only with a passwd entry."""
    if os.geteuid() != 0:
        pytest.skip("Only root can become another user.")
    home = Path("/tmp") / f"aap-pipeline-test-{os.getpid()}"  # noqa: S108 - pytest's own folders are root's alone
    home.mkdir(mode=0o700)
    os.chown(home, uid, 0)
    program = (
        "import ctypes, os, sys; from pathlib import Path\n"
        "import psycopg, aap_pipeline.embedded.shared_server, aap_pipeline.database.connection as c\n"
        "uid, traced = int(sys.argv[2]), int(sys.argv[3])\n"
        "os.environ.pop('HOME', None); os.setgroups([]); os.setgid(0); os.setuid(uid)\n"
        "ctypes.CDLL(None).prctl(4, traced, 0, 0, 0)\n"  # PR_SET_DUMPABLE
        "try:\n"
        "    with aap_pipeline.embedded.shared_server.embedded_server(Path(sys.argv[1])) as url:\n"
        "        print(c.connect(url).execute('SELECT 42').fetchone()[0])\n"
        "except aap_pipeline.database.errors.EmbeddedServerError as error:\n"
        "    sys.exit(str(error))\n"
    )
    command = [sys.executable, "-c", program, str(home), str(uid), str(traced)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    finally:
        subprocess.run(["rm", "-rf", str(home)], check=True)
    assert (done.stdout, done.stderr) == expected
