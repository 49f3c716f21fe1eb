"""The commands of the image and of `deploy/compose.yaml`, each as a process of this machine in place of a container."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from aap_pipeline_tests.runtime.running import Web, free_port, wait_for

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
_BIN = Path(sys.executable).parent

_ENTER = """
exec 9<"$1"; mount -o remount,bind,ro /; mount -t tmpfs tmpfs /tmp
[ -e "$1/deploy" ] || { mkdir -p "$1"; mount --no-canonicalize --bind /proc/self/fd/9 "$1"; }  # a checkout below /tmp
shift; exec "$@" 9<&-
"""
AS_CONTAINER = [
    *("unshare", "--mount", "sh", "-ec", _ENTER, "sh", str(DEPLOY.parent)),
    *("unshare", "--user", "--map-user=65532", "--map-group=65532"),
]
"""Run a command with a read-only root, a uid without a name, and an empty /tmp but for a checkout in it."""


def compose() -> dict[str, Any]:
    """`deploy/compose.yaml`, its anchors merged."""
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8")))


def image() -> dict[str, Any]:
    """What the Dockerfile sets for its last stage: CMD, HEALTHCHECK, ENV, EXPOSE, USER."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    last = text[text.rindex("\nFROM ") :]
    commands = re.findall(r"^(?:HEALTHCHECK .*)?CMD (\[.*\])$", last, re.MULTILINE)
    pairs = (pair.split("=", 1) for line in re.findall(r"^ENV (.*)$", last, re.MULTILINE) for pair in line.split())
    return {
        "healthcheck": yaml.safe_load(commands[0]),
        "command": yaml.safe_load(commands[1]),
        "environment": dict(pairs),
        "ports": re.findall(r"^EXPOSE (.*)$", last, re.MULTILINE)[0].split(),
        "user": re.findall(r"^USER (.*)$", last, re.MULTILINE)[0],
        "copied": re.findall(r"^COPY (deploy/.*) (/\S+)$", last, re.MULTILINE),
    }


@dataclass
class Stack:
    """Services of compose.yaml on the database at `url`; `folder` must be visible where /tmp is not."""

    folder: Path
    url: str
    key: str
    changes: dict[str, str] = field(default_factory=dict)
    prefix: list[str] = field(default_factory=list)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.code_port, self.web_port = free_port(), free_port()
        self.web = Web(f"http://127.0.0.1:{self.web_port}")
        workspace = (DEPLOY / "workspace.yaml").read_text(encoding="utf-8")
        workspace = workspace.replace("host: code", "host: 127.0.0.1").replace("4000", str(self.code_port))
        (self.folder / "workspace.yaml").write_text(workspace, encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        """What compose.yaml and the image set, with this stack's addresses."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AAP_", "DAGSTER"))}
        separator = "&" if "?" in self.url else "?"
        ours = {
            "AAP_PIPELINE_DATABASE_URL": self.url,
            "AAP_PIPELINE_ENCRYPTION_KEYS": self.key,
            "DAGSTER_POSTGRES_URL": f"{self.url}{separator}options=-csearch_path%3Ddagster",
            "DAGSTER_HOME": str(self.folder),
        }
        assert ours.keys() < compose()["x-pipeline"]["environment"].keys()
        image_environment = {name: value for name, value in image()["environment"].items() if name != "PATH"}
        path = f"{_BIN}{os.pathsep}{inherited['PATH']}"
        return {**inherited, **image_environment, "PATH": path, **ours, **self.changes}

    def command(self, service: str) -> list[str]:
        """The command of a service, with this stack's ports and workspace."""
        found = compose()["services"][service].get("command", image()["command"])
        swap = {"4000": str(self.code_port), "3000": str(self.web_port), "0.0.0.0": "127.0.0.1"}  # noqa: S104
        swap["/opt/dagster/workspace.yaml"] = str(self.folder / "workspace.yaml")
        return [*self.prefix, str(_BIN / found[0]), *(swap.get(each, each) for each in found[1:])]

    def run(self, service: str) -> None:
        """Run a service that ends by itself; it must succeed."""
        done = subprocess.run(self.command(service), env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{shlex.join(self.command(service))}: {done.stdout}{done.stderr}"

    def start(self, service: str) -> None:
        """Start a service, or start it again."""
        with (self.folder / f"{service}.log").open("ab") as log:
            self.processes[service] = subprocess.Popen(
                self.command(service),
                env=self.environment,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )

    def start_all(self) -> None:
        """Migrate, then start the code location, the web server and the daemon in the order of compose.yaml."""
        self.run("migrate")
        self.start("code")
        check = [part.replace("4000", str(self.code_port)) for part in image()["healthcheck"]]
        wait_for(lambda: subprocess.run(check, env=self.environment, capture_output=True).returncode == 0, 60)
        self.start("webserver")
        self.start("daemon")

    def kill(self, service: str) -> None:
        """Kill -9 a service with all of its processes, as the end of a container does."""
        process = self.processes.pop(service)
        everything = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for each in everything:
            each.kill()
        process.wait()
        psutil.wait_procs(everything, 10)

    def logs(self) -> str:
        """The last lines of all services, for a failed test."""
        return "\n".join(f"== {log.name}\n{log.read_text()[-3000:]}" for log in sorted(self.folder.glob("*.log")))


@contextmanager
def stopped_at_end(stack: Stack) -> Iterator[Stack]:
    """End every service."""
    try:
        yield stack
    except BaseException:
        print(stack.logs())  # noqa: T201
        raise
    finally:
        for service in list(stack.processes):
            stack.kill(service)
