"""`aap-pipeline up` as a process of its own, and a view of every process below it."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from aap_pipeline.database.connection import connect
from aap_pipeline.embedded.server import EmbeddedServer
from aap_pipeline_tests.cli.processes import environment

_PATIENCE_SECONDS = 120.0
"""After which `up` is killed, so that words that never come fail a test in place of stopping the run."""
_DEFINITIONS = """
import time
import dagster as dg

@dg.asset
def quick() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"answer": 42})

@dg.asset
def endless() -> dg.MaterializeResult:
    time.sleep(600)
    return dg.MaterializeResult()

defs = dg.Definitions(
    assets=[quick, endless],
    jobs=[dg.define_asset_job("quick_job", "quick"), dg.define_asset_job("endless_job", "endless")],
)
"""
_LAUNCH = """
mutation Launch($location: String!, $job: String!, $tags: [ExecutionTag!]!) {
  launchRun(executionParams: {selector: {repositoryLocationName: $location, repositoryName: "__repository__",
    pipelineName: $job}, mode: "default", executionMetadata: {tags: $tags}}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
_RELOAD = """
mutation Reload($location: String!) {
  reloadRepositoryLocation(repositoryLocationName: $location) {
    ... on WorkspaceLocationEntry { locationOrLoadError { __typename } } } }
"""


class Web:
    """A Dagster web server, used as a person uses it."""

    def __init__(self, address: str) -> None:
        self.address = address

    def launch(self, job: str, location: str = "small", **tags: str) -> str:
        """Start a run of `job` through the web server, as a person in the UI does; its id."""
        pairs = [{"key": key, "value": value} for key, value in tags.items()]
        answer = self.ask(_LAUNCH, {"location": location, "job": job, "tags": pairs})["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def run_status(self, run_id: str) -> str:
        """Dagster's status of a run; the error while the web server finds its way back to a database that restarted."""
        query = "query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
        try:
            return str(self.ask(query, {"id": run_id})["runOrError"]["status"])
        except urllib.error.HTTPError as error:
            return str(error)

    def terminate(self, run_id: str) -> str:
        """End a run as a person in the UI does; the type of the answer."""
        query = "mutation End($id: String!) { terminateRun(runId: $id) { __typename } }"
        return str(self.ask(query, {"id": run_id})["terminateRun"]["__typename"])

    def switch_off(self, sensor: str) -> None:
        """Stop a sensor of the pipeline as a person in the UI does."""
        selector = {"repositoryLocationName": "aap_pipeline", "repositoryName": "__repository__", "sensorName": sensor}
        query = "query State($of: SensorSelector!) { sensorOrError(sensorSelector: $of) { ... on Sensor { id } } }"
        found = self.ask(query, {"of": selector})["sensorOrError"]["id"]
        answer = self.ask("mutation Stop($id: String!) { stopSensor(id: $id) { __typename } }", {"id": found})
        assert answer["stopSensor"]["__typename"] == "StopSensorMutationResult", answer

    def reload(self, location: str) -> str:
        """Ask a code location's server what it has, as the UI's button does; the type of what came of it."""
        found = self.ask(_RELOAD, {"location": location})["reloadRepositoryLocation"]
        return str(found["locationOrLoadError"]["__typename"])

    def ask(self, query: str, variables: dict[str, Any]) -> Any:
        """The data of a GraphQL answer."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(  # noqa: S310 - http, our own
            f"{self.address}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - http, our own
            return json.loads(answer.read())["data"]

    def succeeded(self, job: str) -> int:
        """How many runs of a job have succeeded; 0 while the web server does not answer yet."""
        query = """query Runs($of: RunsFilter!) { runsOrError(filter: $of) { ... on Runs { count } } }"""
        try:
            found = self.ask(query, {"of": {"pipelineName": job, "statuses": ["SUCCESS"]}})["runsOrError"]
        except (OSError, TimeoutError):
            return 0
        return int(found["count"])


class Up(Web):
    """One `aap-pipeline up` with `options` and `variables`, its home in `folder`; the same folder again is a second
    start.
    """

    def __init__(self, folder: Path, *options: str, **variables: str) -> None:
        self.home = folder / "home"
        self.port = free_port()
        super().__init__(f"http://127.0.0.1:{self.port}")
        self.environment = environment(self.home, **variables)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "aap_pipeline.cli", "up", "--port", str(self.port), *options],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output: list[str] = []

    def wait_until_ready(self) -> None:
        """Read what it says until it says how to stop it."""
        self.read_until("Ctrl-C stops everything")

    def read_until(self, text: str) -> str:
        """The first line with `text` that it says from now on."""
        assert self.process.stdout is not None
        ends = threading.Timer(_PATIENCE_SECONDS, self.process.kill)
        ends.start()
        try:
            for line in self.process.stdout:
                self.output.append(line)
                if text in line:
                    return line
        finally:
            ends.cancel()
        raise AssertionError(f"up ended without saying {text!r}: {''.join(self.output)}")

    def database_url(self) -> str:
        """URL of the embedded server that it runs, or of the external one that it was given."""
        if given := self.environment.get("AAP_PIPELINE_DATABASE_URL"):
            return given
        url = EmbeddedServer(self.home / "postgres").running_url()
        assert url is not None
        return url

    def run_tag(self, run_id: str, key: str) -> str | None:
        """The value of a run's tag, from the database: the web server does not tell hidden ones."""
        with connect(self.database_url()) as connection:
            question = "SELECT value FROM dagster.run_tags WHERE run_id = %s AND key = %s"
            row = connection.execute(question, [run_id, key]).fetchone()
        return str(row[0]) if row else None

    def processes(self) -> list[psutil.Process]:
        """Every process, below `up` or orphaned, whose environment or command line names this home."""
        found = []
        for process in psutil.process_iter():
            try:
                named = str(self.home) in (process.environ().get("AAP_PIPELINE_HOME"), process.cwd())
                named = named or str(self.home) in " ".join(process.cmdline())
                if named and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def find(self, word: str) -> psutil.Process:
        """The process whose command line has `word`."""
        return next(process for process in self.processes() if word in process.cmdline())


def process_of(url: str, run_id: str) -> psutil.Process | None:
    """The process that holds the lock of a run in the database at `url`, if there is one; `%` is any run.

    It is found by both ends of its connection: the kernel gives one local port to connections of several servers.
    """
    with connect(url) as connection:
        ends = connection.execute(
            "SELECT client_port, inet_server_port() FROM pg_stat_activity "
            "WHERE application_name LIKE 'aap_pipeline run ' || %s AND datname = current_database()",
            [run_id],
        ).fetchone()
    for each in psutil.net_connections("tcp4") if ends else []:
        if each.pid and each.laddr and each.raddr and (each.laddr.port, each.raddr.port) == ends:
            return psutil.Process(each.pid)
    return None


def small_location(folder: Path) -> tuple[str, str]:
    """Options of `up` for a code location of the test's own, which answers at once, and one that cannot be loaded."""
    (folder / "small_definitions.py").write_text(_DEFINITIONS)
    workspace = folder / "workspace.yaml"
    workspace.write_text(
        "load_from:\n  - python_module: {module_name: small_definitions, location_name: small, "
        f"working_directory: {folder}}}\n"
        "  - python_module: {module_name: no_such_module, location_name: broken}\n"
    )
    return "--workspace", str(workspace)


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Look until `condition` holds; an AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def free_port() -> int:
    """Return a port of loopback on which nothing listens.

    The port lies outside the range from which the system takes ports of its own choice (32768 and above), so that no
    connection of a test that runs at the same time takes it before its user listens.
    """
    while True:
        port = secrets.choice(range(10_000, 32_768))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
