"""The supervisor of `aap-pipeline up`: PostgreSQL (unless external), code server, Dagster daemon and web server."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import requests
import yaml

from aap_pipeline.alerts.settings import UI_URL_VARIABLE, alert_settings
from aap_pipeline.clusters.staleness import stale_after
from aap_pipeline.database.connection import describe
from aap_pipeline.database.encryption import cipher
from aap_pipeline.database.migrate import migrate, schema_state
from aap_pipeline.embedded.server import EmbeddedServer
from aap_pipeline.errors import PipelineError
from aap_pipeline.health import metrics
from aap_pipeline.orchestration.jobs import LOCATION
from aap_pipeline.runtime.child import GRACE_SECONDS, Child
from aap_pipeline.runtime.instance import prepare_dagster
from aap_pipeline.settings import Settings

_TICK_SECONDS = 0.2
_START_TIMEOUT_SECONDS = 120.0
_LONGEST_SOCKET_PATH = 107 if sys.platform.startswith("linux") else 103


@dataclass
class Supervisor:
    """Starts all processes, watches them until `stop` is set, and stops them in an order that loses no data.

    `write` prints one line on the terminal. `stop` ends `run`. The others are the command line options of `up`;
    `workspace` is a workspace.yaml with additional code locations. Raises PipelineError if the path of the home is too
    long.
    """

    settings: Settings
    write: Callable[[str], None]
    host: str
    port: int
    workspace: Path | None = None
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    stop: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self._server = EmbeddedServer(self.settings.postgres_directory) if self.settings.database_url is None else None
        self._socket = socket_of(self.settings.dagster_home)
        self._children: list[Child] = []
        self._logs = self.settings.home.absolute() / "logs"
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104
        self.ui_url = f"http://{host}:{self.port}"

    def run(self) -> None:
        """Run until `stop` is set. Raises PipelineError after stopping everything."""
        require_free_port(self.host, self.port)
        alert_settings()  # errors here, or in the keys, would fail every sync later
        stale_after()
        cipher(self.settings)
        try:
            url = self._start_database()
            self.write(f"PostgreSQL   {describe(url)}{'' if self._server is None else ' (embedded)'}")
            with ExitStack() as serving:
                if (port := self.metrics_port) is not None:
                    serving.enter_context(metrics.serving(url, port, self.metrics_host))
                    self.write(f"Metrics      http://{self.metrics_host}:{port}/metrics")
                self._start_dagster(url)
                self._announce(url)
                while not self.stop.wait(_TICK_SECONDS):
                    self._watch()
        finally:
            self._stop_all()

    def _start_database(self) -> str:
        if self._server is not None:
            url = self._server.start()
            migrate(url)
            return url
        assert self.settings.database_url is not None  # noqa: S101
        url = self.settings.database_url.get_secret_value()
        schema_state(url).require_newest()
        return url

    def _start_dagster(self, url: str) -> None:
        """Start Dagster's processes: first the code server, which the others need, last the web server.

        By default the web server and the daemon each start a code server, and the daemon replaces its own every minute
        (ADR 16). The shared one listens once it has imported everything, or exits with an error.
        """
        environment = prepare_dagster(self.settings, url)
        environment.setdefault(UI_URL_VARIABLE, self.ui_url)  # for the links in alerts
        _prepare_storage(environment)  # before the code server, which would create missing tables at the same time
        self._start_child("code server", "code-server.log", code_server(self._socket), environment)
        self._wait_until(lambda: listens(self._socket), "code server")
        if self.stop.is_set():
            return
        own = [] if self.workspace is None else ["-w", str(self.workspace.absolute())]
        # Ours is last, because Dagster uses the last of two locations with the same name.
        workspaces = [*own, "-w", str(write_workspace(self._socket))]
        daemon = ["dagster._daemon", "run", "--log-level", "warning", *workspaces]
        self._start_child("Dagster daemon", "daemon.log", daemon, environment)
        address = ["-h", self.host, "-p", str(self.port)]
        web = ["dagster_webserver", *address, "--dagster-log-level", "warning", *workspaces]
        self._start_child("web server", "webserver.log", web, environment)

    def _start_child(self, name: str, log: str, module: Sequence[str], environment: Mapping[str, str]) -> None:
        child = Child(name, [sys.executable, "-m", *module], environment, self._logs / log)
        child.start()
        self._children.append(child)

    def _wait_until(self, ready: Callable[[], bool], name: str) -> None:
        """Wait until `ready`, or until `stop` is set. Raises PipelineError after a timeout."""
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not ready() and not self.stop.wait(_TICK_SECONDS):
            self._watch()
            if time.monotonic() > deadline:
                raise PipelineError(
                    f"The {name} did not start within {_START_TIMEOUT_SECONDS:.0f} s: {self._children[-1].last_line()}"
                )

    def _announce(self, url: str) -> None:
        self._wait_until(lambda: is_web_server_up(self.ui_url), "web server")
        if self.stop.is_set():
            return
        self.write(f"Dagster UI   {self.ui_url}")
        self.write(f"Logs         {self._logs}")
        if self._server is not None:
            login = re.sub(":[^:@]*@", "@", url)  # without the password: the output may end up in a log
            self.write(f"psql, BI     PGPASSWORD=$(cat {self._server.password_file}) psql {login}")
        else:
            self.write("psql, BI     AAP_PIPELINE_DATABASE_URL; tables for BI tools are in the schema marts")
        self.write("Ctrl-C stops everything. The data is kept.")

    def _watch(self) -> None:
        """Check all processes once: report exits, and restart those whose pause is over."""
        now = time.monotonic()
        if self._server is not None and not self._server.is_running():
            self.write(f"The embedded PostgreSQL exited ({self._server.directory / 'postgres.log'}). It restarts.")
            self._server.start_again()
            self.write("The embedded PostgreSQL was restarted.")
        for child in self._children:
            child.rotate_log()
            news = child.poll_exit(now)
            if news:
                self.write(news)
            if child.restart_at is not None and now >= child.restart_at:
                child.start()
                self.write(f"The {child.name} was restarted.")

    def _stop_all(self) -> None:
        for child in self._children:
            child.ask_to_stop()
        deadline = time.monotonic() + GRACE_SECONDS
        for child in self._children:
            child.wait(deadline)
        if self._server is not None:
            self._server.stop()  # last, because runs that end still write their status


def socket_of(folder: Path) -> Path:
    """Return the path of the code server's socket in `folder`, the same at each start. Raises PipelineError.

    The server runs code for any client without a login, so a port on loopback would admit every local account.
    """
    path = folder.absolute() / "code-server.socket"
    if (length := len(os.fsencode(path))) > _LONGEST_SOCKET_PATH:
        raise PipelineError(
            f"{path} is too long for a socket ({length} bytes of at most {_LONGEST_SOCKET_PATH}). Set "
            "AAP_PIPELINE_HOME to a shorter path."
        )
    return path


def code_server(socket_path: Path) -> list[str]:
    """Return the module and the arguments of Dagster's gRPC server for this code location."""
    code = ["--module-name", "aap_pipeline.definitions", "--location-name", LOCATION]
    python = ["--empty-working-directory", "--use-python-environment-entry-point"]  # as Dagster starts its own
    return ["dagster", "api", "grpc", "--socket", str(socket_path), "--log-level", "warning", *code, *python]


def write_workspace(socket_path: Path) -> Path:
    """Write the workspace.yaml for Dagster's other processes, and return its path."""
    entry = {"grpc_server": {"socket": str(socket_path), "location_name": LOCATION}}
    file = socket_path.with_name("workspace.yaml")
    file.write_text(yaml.safe_dump({"load_from": [entry]}), encoding="utf-8")
    return file


def listens(socket_path: Path) -> bool:
    """Return whether a server accepts connections on the socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(socket_path)) == 0


def _prepare_storage(environment: Mapping[str, str]) -> None:
    """Create or upgrade Dagster's tables, in a process that imports Dagster. Raises PipelineError."""
    command = [sys.executable, "-c", "from aap_pipeline.runtime.instance import prepare_storage as p; p()"]
    prepared = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)  # noqa: S603
    if prepared.returncode != 0:
        raise PipelineError(prepared.stderr.strip().rpartition(f"{PipelineError.__name__}: ")[2])


def require_free_port(host: str, port: int) -> None:
    """Raise PipelineError if nothing can listen on `host`:`port`."""
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(address[0], address[1]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address[4])
    except OSError as error:
        raise PipelineError(
            f"The web server cannot listen on {host}:{port}: {error.strerror}. Use another --port or --host, or stop "
            "the program that uses it."
        ) from error


def is_web_server_up(address: str) -> bool:
    """Return whether a Dagster web server responds at `address`."""
    try:
        return requests.get(f"{address}/server_info", timeout=2).ok
    except requests.RequestException:
        return False
