"""The supervisor of `aap-pipeline up`: PostgreSQL (unless external), code server, Dagster daemon and web server."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from aap_pipeline.alerts.settings import UI_URL_VARIABLE, alert_settings
from aap_pipeline.clusters.staleness import stale_after
from aap_pipeline.database.connection import describe
from aap_pipeline.database.encryption import cipher
from aap_pipeline.database.errors import EmbeddedServerError
from aap_pipeline.database.migrate import migrate, schema_state
from aap_pipeline.embedded.file_locks import FileLock
from aap_pipeline.embedded.server import EmbeddedServer
from aap_pipeline.errors import PipelineError
from aap_pipeline.health import metrics
from aap_pipeline.runtime.child import Backoff, Child
from aap_pipeline.runtime.code_server import CodeServer
from aap_pipeline.runtime.instance import prepare_dagster
from aap_pipeline.settings import Settings

_TICK_SECONDS = 0.2
_START_TIMEOUT_SECONDS = 120.0
_MOST_DATABASE_RESTARTS = 5


@dataclass(frozen=True)
class UpOptions:
    """The command line options of `up`."""

    host: str
    port: int
    workspace: Path | None = None
    """A workspace.yaml with additional code locations."""
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"


class Supervisor:
    """Starts all processes, watches them until `stop` is set, and stops them in an order that loses no data.

    `write` prints one line on the terminal.
    """

    def __init__(self, settings: Settings, options: UpOptions, write: Callable[[str], None]) -> None:
        self._settings = settings
        self._options = options
        self._write = write
        self._server = EmbeddedServer(settings.postgres_directory) if settings.database_url is None else None
        self._code = CodeServer(settings.dagster_home)
        self._lock = FileLock(settings.dagster_home / "up.lock")
        self._children: list[Child] = []
        self._backoff = Backoff()
        self.stop = Event()

    @property
    def ui_url(self) -> str:
        """Address of the Dagster UI."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._options.host, self._options.host)  # noqa: S104
        return f"http://{host}:{self._options.port}"

    @property
    def _logs(self) -> Path:
        return self._settings.home.absolute() / "logs"

    def run(self) -> None:
        """Run until `stop` is set. Raises PipelineError after stopping everything."""
        require_free_port(self._options.host, self._options.port)
        alert_settings()  # errors here, or in the keys, would fail every sync later
        stale_after()
        cipher(self._settings)
        try:
            url = self._start_database()
            self._write(f"PostgreSQL   {describe(url)}{'' if self._server is None else ' (embedded)'}")
            with ExitStack() as serving:
                if (port := self._options.metrics_port) is not None:
                    serving.enter_context(metrics.serving(url, port, self._options.metrics_host))
                    self._write(f"Metrics      http://{self._options.metrics_host}:{port}/metrics")
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
        assert self._settings.database_url is not None  # noqa: S101
        url = self._settings.database_url.get_secret_value()
        schema_state(url).require_newest()
        return url

    def _start_dagster(self, url: str) -> None:
        """Start Dagster's processes: first the code server, which the others need, last the web server."""
        if not self._lock.acquire(wait=False):
            raise PipelineError(
                f"Another `aap-pipeline up` uses {self._settings.home.absolute()}. Stop it, or set AAP_PIPELINE_HOME."
            )
        environment = prepare_dagster(self._settings, url)
        environment.setdefault(UI_URL_VARIABLE, self.ui_url)  # for the links in alerts
        self._start_child("code server", "code-server.log", self._code.command, environment)
        _prepare_storage(environment, url)
        self._wait_until(self._code.listens, "code server")
        if self.stop.is_set():
            return
        own = [] if self._options.workspace is None else ["-w", str(self._options.workspace.absolute())]
        # Ours is last, because Dagster uses the last of two locations with the same name.
        workspaces = [*own, "-w", str(self._code.write_workspace())]
        daemon = [sys.executable, "-m", "dagster._daemon", "run", "--log-level", "warning", *workspaces]
        self._start_child("Dagster daemon", "daemon.log", daemon, environment)
        address = ["-h", self._options.host, "-p", str(self._options.port)]
        web = [sys.executable, "-m", "dagster_webserver", *address, "--dagster-log-level", "warning", *workspaces]
        self._start_child("web server", "webserver.log", web, environment)

    def _start_child(self, name: str, log: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        child = Child(name, command, environment, self._logs / log)
        child.start(time.monotonic())
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
        self._write(f"Dagster UI   {self.ui_url}")
        for problem in broken_locations(self.ui_url):
            self._write(f"Not loaded   {problem}")
        self._write(f"Logs         {self._logs}")
        if self._server is not None:
            login = re.sub(":[^:@]*@", "@", url)  # without the password: the output may end up in a log
            self._write(f"psql, BI     PGPASSWORD=$(cat {self._server.password_file}) psql {login}")
        else:
            self._write("psql, BI     AAP_PIPELINE_DATABASE_URL; tables for BI tools are in the schema marts")
        self._write("Ctrl-C stops everything. The data is kept.")

    def _watch(self) -> None:
        """Check all processes once: report exits, and restart what is due."""
        now = time.monotonic()
        if self._server is not None and not self._server.is_running():
            self._restart_database(self._server)
        for child in self._children:
            child.rotate_log()
            news = child.poll_exit(now)
            if news:
                self._write(news)
            if child.restart_at is not None and now >= child.restart_at:
                child.start(now)
                self._write(f"The {child.name} was restarted.")

    def _restart_database(self, server: EmbeddedServer) -> None:
        """Restart it on the same port, which Dagster's processes use."""
        for attempt in range(1, _MOST_DATABASE_RESTARTS + 1):
            self._write(f"The embedded PostgreSQL exited ({server.directory / 'postgres.log'}). It restarts.")
            try:
                server.start_again()
            except EmbeddedServerError as error:
                if attempt == _MOST_DATABASE_RESTARTS:
                    raise PipelineError(f"The embedded PostgreSQL keeps exiting: {error}") from error
                if self.stop.wait(self._backoff.pause(0)):
                    return
            else:
                self._write("The embedded PostgreSQL was restarted.")
                return

    def _stop_all(self) -> None:
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.wait()
        if self._server is not None:
            self._server.stop()  # last, because runs that end still write their status
        self._lock.release()


def _prepare_storage(environment: Mapping[str, str], url: str) -> None:
    """Create or upgrade Dagster's tables. Raises PipelineError."""
    command = [sys.executable, "-m", "dagster", "instance", "migrate"]
    prepared = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)  # noqa: S603
    if prepared.returncode != 0:
        reason = (prepared.stderr.strip().splitlines() or ["no message"])[-1]
        raise PipelineError(f"Dagster cannot prepare its tables in {describe(url)}, schema dagster: {reason}")


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
        with urllib.request.urlopen(f"{address}/server_info", timeout=2) as answer:  # noqa: S310 - http, our own
            return bool(answer.status == 200)
    except OSError:
        return False


def broken_locations(address: str) -> list[str]:
    """Return the code locations that the web server at `address` cannot load, with the first line of the error."""
    query = (
        "{workspaceOrError{... on Workspace{locationEntries{name locationOrLoadError{... on PythonError{message}}}}}}"
    )
    request = urllib.request.Request(  # noqa: S310 - http, our own
        f"{address}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            entries = json.load(answer)["data"]["workspaceOrError"]["locationEntries"]
    except OSError:
        return []  # it has just died; `_watch` reports that
    return [
        f"{entry['name']}: {entry['locationOrLoadError']['message'].strip().splitlines()[0]}"
        for entry in entries
        if "message" in (entry["locationOrLoadError"] or {})
    ]
