"""The ways of docs/deployment.md to run the pipeline, each with its real processes, which can be killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import yaml

from aap_pipeline.database.encryption import new_key
from aap_pipeline.database.migrate import migrate
from aap_pipeline.embedded.processes import die_with_parent
from aap_pipeline.embedded.server import EmbeddedServer
from aap_pipeline_tests.deploy.stack import DEPLOY, Stack, stopped_at_end
from aap_pipeline_tests.runtime.running import Web, free_port, process_of, wait_for
from aap_pipeline_tests.servers import server

WAYS = ("up", "dev", "processes", "pooled", "celery")
_END_SECONDS = 60.0
Register = Callable[[Mapping[str, str]], None]
"""Adds the controllers to the registry of an installation, given its environment."""


@dataclass
class Deployed:
    """A deployment under way."""

    url: str
    """Of its database, which keeps it over a restart."""
    web: Web
    tops: Callable[[], list[int]] = field(repr=False)
    """Process ids of its services, and of PostgreSQL if it is on this machine."""
    kills: Mapping[str, Callable[[], None]] = field(repr=False)
    """What is killed (-9), in this order; what does not come back by itself is started again."""

    def processes(self) -> list[psutil.Process]:
        """Return the processes of all services."""
        found = []
        for pid in self.tops():
            with suppress(psutil.NoSuchProcess):
                found += [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        return found

    def find(self, word: str) -> psutil.Process:
        """Return the process whose command line has `word`."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):  # a run that has ended meanwhile
                if word in process.cmdline():
                    return process
        raise LookupError(f"No process of the deployment has {word!r} in its command line.")


@contextmanager
def deployed(way: str, folder: Path, variables: Mapping[str, str], register: Register) -> Iterator[Deployed]:
    """One of WAYS with its files in `folder`, from when its web server answers; all of it is gone after the block."""
    if way == "up":
        with _up(folder, variables, register) as found:
            yield found
        return
    with server(folder / "postgres") as postgres, postgres.database() as url:
        kind = {"dev": _Dev, "processes": _Processes, "pooled": _Pooled, "celery": _Celery}[way]
        stack = kind(folder, url, new_key(), {"AAP_PIPELINE_HOME": str(folder / "home"), **variables})
        with stopped_at_end(stack):
            migrate(url)
            register(stack.environment)
            stack.start_all()
            wait_for(lambda: _answers(stack.web), 120)
            ours = [*_listening(urlsplit(url).port), *stack.others()]
            kills = {"run": lambda: _kill_run(url), **stack.kills()}
            yield Deployed(url, stack.web, lambda: [*ours, *(each.pid for each in stack.processes.values())], kills)


@contextmanager
def _up(folder: Path, variables: Mapping[str, str], register: Register) -> Iterator[Deployed]:
    home, port = folder / "home", free_port()
    environment = {**os.environ, **variables, "AAP_PIPELINE_HOME": str(home)}
    environment.pop("AAP_PIPELINE_DATABASE_URL", None)
    register(environment)
    command = [sys.executable, "-m", "aap_pipeline.cli", "up", "--port", str(port)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent(signal.SIGTERM)
    ) as child:
        try:
            assert child.stdout is not None
            if not any("http://" in line for line in child.stdout):  # the web server answers: everything is up
                raise SystemExit("`aap-pipeline up` ended before its web server answered; its message is above.")
            url = EmbeddedServer(home / "postgres").running_url()
            assert url is not None
            found = Deployed(url, Web(f"http://127.0.0.1:{port}"), lambda: [child.pid], {})
            found.kills = {
                "PostgreSQL": lambda: found.find("-D").send_signal(signal.SIGINT),
                "daemon": lambda: found.find("dagster._daemon").kill(),
            }
            yield found
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(timeout=_END_SECONDS)


class _Processes(Stack):
    """Web server, daemon and code location by the commands of `deploy/compose.yaml`."""

    instance = "dagster.yaml"

    def start_all(self) -> None:
        shutil.copy(DEPLOY / self.instance, self.folder / "dagster.yaml")
        super().start_all()

    def again(self, service: str) -> None:
        """Kill a service and start it again, as an orchestrator does."""
        self.kill(service)
        self.start(service)

    def others(self) -> list[int]:
        """Return the ids of processes that are not services of ours."""
        return []

    def kills(self) -> dict[str, Callable[[], None]]:
        return {"daemon": lambda: self.again("daemon")}


class _Pooled(_Processes):
    """The same with the storage of `up`, which keeps its connections."""

    def start_all(self) -> None:
        given = {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}
        storage = {"module": "aap_pipeline.runtime.storage", "class": "PooledPostgresStorage", "config": given}
        (self.folder / "pooled.yaml").write_text(
            yaml.safe_dump(
                yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8")) | {"storage": {"custom": storage}}
            )
        )
        self.instance = str(self.folder / "pooled.yaml")
        super().start_all()


class _Celery(_Processes):
    """The same with runs as tasks of two workers."""

    instance = "celery/dagster.yaml"

    def start_all(self) -> None:
        port = free_port()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self.processes["redis"] = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.changes |= {
            "CELERY_BROKER_URL": f"redis://127.0.0.1:{port}/0",
            "CELERY_RESULT_BACKEND": f"redis://127.0.0.1:{port}/1",
        }
        super().start_all()
        for worker in ("worker-1", "worker-2"):
            self.start(worker)

    def kills(self) -> dict[str, Callable[[], None]]:
        return {"worker": lambda: self.again("worker-1"), **super().kills()}


class _Dev(_Processes):
    """`dagster dev` in a folder with the files of a clone that Dagster reads."""

    def start_all(self) -> None:
        for name in ("dagster.yaml", "pyproject.toml", "workspace.yaml"):
            shutil.copy(DEPLOY.parent / name, self.folder)
        self.start("dev")

    @property
    def environment(self) -> dict[str, str]:
        found = super().environment
        return {name: value for name, value in found.items() if not name.startswith("DAGSTER")} | {
            "PWD": str(self.folder)
        }

    def command(self, service: str) -> list[str]:
        return [str(Path(sys.executable).parent / "dagster"), service, "--port", str(self.web_port)]

    def kills(self) -> dict[str, Callable[[], None]]:
        return {"daemon": self._kill_daemon}

    def _kill_daemon(self) -> None:
        """Kill the daemon, at which `dagster dev` ends; start it again."""
        top = self.processes["dev"]
        for process in psutil.Process(top.pid).children(recursive=True):
            if "dagster._daemon" in process.cmdline():
                process.kill()
        top.wait(_END_SECONDS)
        self.start("dev")


def _answers(web: Web) -> bool:
    with suppress(OSError):
        return bool(web.ask("{ version }", {}))
    return False


def _listening(port: int | None) -> list[int]:
    """Return the process of this machine that listens on `port`: the first one, which started the others."""
    listening = [each for each in psutil.net_connections("tcp4") if each.status == psutil.CONN_LISTEN and each.laddr]
    found = [each.pid for each in listening if each.laddr.port == port and each.pid]
    return [min(found)] if found else []


def _kill_run(url: str) -> None:
    """Kill the process of the next run: the one that holds a run's lock."""
    while (run := process_of(url, "%")) is None:
        time.sleep(0.05)
    run.kill()
