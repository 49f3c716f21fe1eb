"""What `aap-pipeline up` keeps running: PostgreSQL (unless external), code server, Dagster daemon and web server."""

from __future__ import annotations

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
from aap_pipeline.runtime.instance import dagster_environment
from aap_pipeline.settings import Settings

_TICK_SECONDS = 0.2
_START_TIMEOUT_SECONDS = 120.0
_MOST_DATABASE_RESTARTS = 5


class SupervisionError(PipelineError):
    """Something that `up` needs is not to be had."""


@dataclass(frozen=True)
class UpOptions:
    """What the command line of `up` says."""

    host: str
    port: int
    workspace: Path | None = None
    """A workspace.yaml with other people's code locations, beside the pipeline's."""
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"


class Supervisor:
    """Starts everything, watches it until `stop` is set, and stops it in the order that loses nothing.

    `say` prints one line for the person at the terminal.
    """

    def __init__(self, settings: Settings, options: UpOptions, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._options = options
        self._say = say
        self._server = EmbeddedServer(settings.postgres_directory) if settings.database_url is None else None
        self._code = CodeServer(settings.dagster_home)
        self._lock = FileLock(settings.dagster_home / "up.lock")
        self._children: list[Child] = []
        self._backoff = Backoff()
        self.stop = Event()

    @property
    def ui(self) -> str:
        """Address of the Dagster UI."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._options.host, self._options.host)  # noqa: S104
        return f"http://{host}:{self._options.port}"

    @property
    def _logs(self) -> Path:
        return self._settings.home.absolute() / "logs"

    def run(self) -> None:
        """Run until `stop` is set. Raises PipelineError with the one thing to mend, after stopping everything."""
        require_free_port(self._options.host, self._options.port)
        alert_settings()  # what is wrong here, or with the keys, would fail every sync later
        stale_after()
        cipher(self._settings)
        try:
            url = self._start_database()
            self._say(f"PostgreSQL   {describe(url)}{'' if self._server is None else ' (embedded)'}")
            with ExitStack() as serving:
                if (port := self._options.metrics_port) is not None:
                    serving.enter_context(metrics.serving(url, port, self._options.metrics_host))
                    self._say(f"Metrics      http://{self._options.metrics_host}:{port}/metrics")
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
        """Start Dagster's processes, the web server last. The others need the code server's answers."""
        if not self._lock.acquire(wait=False):
            raise SupervisionError(f"Another `aap-pipeline up` runs on {self._settings.home.absolute()}.")
        environment = dagster_environment(self._settings, url)
        environment.setdefault(UI_URL_VARIABLE, self.ui)  # for the links in alerts
        self._start_child("code server", "code-server.log", self._code.command, environment)
        _prepare_storage(environment, url)
        self._wait_until(self._code.listens, "code server")
        if self.stop.is_set():
            return
        own = [] if self._options.workspace is None else ["-w", str(self._options.workspace.absolute())]
        # Ours comes last, for of two locations of one name Dagster takes the last.
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
        """Until `ready`, or until `stop` is set. Raises SupervisionError if the child started last stays away."""
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not ready() and not self.stop.wait(_TICK_SECONDS):
            self._watch()
            if time.monotonic() > deadline:
                raise SupervisionError(
                    f"The {name} did not answer within {_START_TIMEOUT_SECONDS:.0f} s: {self._children[-1].last_line()}"
                )

    def _announce(self, url: str) -> None:
        self._wait_until(lambda: answers(self.ui), "web server")
        if self.stop.is_set():
            return
        self._say(f"Dagster UI   {self.ui}")
        for problem in broken_locations(self.ui):
            self._say(f"Not loaded   {problem}")
        self._say(f"Logs         {self._logs}")
        if self._server is not None:
            login = re.sub(":[^:@]*@", "@", url)  # without the password: what is said may end in a log
            self._say(f"psql, BI     PGPASSWORD=$(cat {self._server.password_file}) psql {login}")
        else:
            self._say("psql, BI     as AAP_PIPELINE_DATABASE_URL says; tables for BI are in the schema marts")
        self._say("Ctrl-C stops everything; the data stays.")

    def _watch(self) -> None:
        """One look at everything: say what died, start again what is due."""
        now = time.monotonic()
        if self._server is not None and not self._server.is_running():
            self._restart_database(self._server)
        for child in self._children:
            child.rotate_log()
            news = child.died(now)
            if news:
                self._say(news)
            if child.restart_at is not None and now >= child.restart_at:
                child.start(now)
                self._say(f"The {child.name} was started again.")

    def _restart_database(self, server: EmbeddedServer) -> None:
        """On the same port: Dagster's processes know it by that."""
        for attempt in range(1, _MOST_DATABASE_RESTARTS + 1):
            self._say(f"The embedded PostgreSQL is gone ({server.directory / 'postgres.log'}); it starts again.")
            try:
                server.start_again()
            except EmbeddedServerError as error:
                if attempt == _MOST_DATABASE_RESTARTS:
                    raise SupervisionError(f"The embedded PostgreSQL does not stay up: {error}") from error
                if self.stop.wait(self._backoff.pause(0)):
                    return
            else:
                self._say("The embedded PostgreSQL is back.")
                return

    def _stop_all(self) -> None:
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.wait()
        if self._server is not None:
            self._server.stop()  # last: runs that end still write that they did
        self._lock.release()


def _prepare_storage(environment: Mapping[str, str], url: str) -> None:
    """Create or upgrade Dagster's tables. Raises SupervisionError."""
    prepared = subprocess.run(
        [sys.executable, "-m", "aap_pipeline.runtime.instance"],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if prepared.returncode != 0:
        reason = (prepared.stderr.strip().splitlines() or ["no message"])[-1]
        raise SupervisionError(f"Dagster cannot prepare its tables in {describe(url)}, schema dagster: {reason}")


def require_free_port(host: str, port: int) -> None:
    """Raise SupervisionError if nothing can listen on `host`:`port`."""
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(address[0], address[1]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address[4])
    except OSError as error:
        raise SupervisionError(
            f"The web server cannot listen on {host}:{port}: {error.strerror}. Choose another with --port or --host, "
            "or stop what uses it."
        ) from error


def answers(address: str) -> bool:
    """Whether a Dagster web server answers at `address`."""
    try:
        with urllib.request.urlopen(f"{address}/server_info", timeout=2) as answer:  # noqa: S310 - http, our own
            return bool(answer.status == 200)
    except OSError:
        return False


def broken_locations(address: str) -> list[str]:
    """Code locations that the web server at `address` cannot load, each with the first line of why."""
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
        return []  # it has just died: `_watch` tells
    return [
        f"{entry['name']}: {entry['locationOrLoadError']['message'].strip().splitlines()[0]}"
        for entry in entries
        if "message" in (entry["locationOrLoadError"] or {})
    ]
