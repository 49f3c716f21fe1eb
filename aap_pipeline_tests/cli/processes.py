"""The command line as a process of its own, and a view of every process that it started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from aap_pipeline.controller.manners import UNLIMITED


def environment(home: Path, **changes: str) -> dict[str, str]:
    """This process's, with a home of its own and no database but those of `changes`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AAP_", "DAGSTER"))}
    return {**inherited, "AAP_PIPELINE_HOME": str(home), "PYTHONUNBUFFERED": "1", **changes}


def start(arguments: list[str], variables: Mapping[str, str], **options: Any) -> subprocess.Popen[str]:
    """`aap-pipeline ARGUMENTS` in a process group of its own, as a shell starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "aap_pipeline.cli", *arguments],
        env=dict(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def import_clusters(
    variables: Mapping[str, str], folder: Path, entries: Sequence[Mapping[str, Any]], cwd: Path | None = None
) -> None:
    """`aap-pipeline clusters import` of `entries` on loopback; the file, which holds tokens, is kept in `folder`."""
    file = folder / "clusters.json"
    file.touch(0o600)
    limits = vars(UNLIMITED).items()
    loopback = {"protocol": "http", "address": "127.0.0.1", **{name: value for name, value in limits if value}}
    on_loopback = [{**loopback, **entry} for entry in entries]
    file.write_text(json.dumps({"clusters": on_loopback}), encoding="utf-8")  # JSON is YAML
    command = [sys.executable, "-m", "aap_pipeline.cli", "clusters", "import", str(file)]
    subprocess.run(command, env=dict(variables), check=True, stdout=subprocess.DEVNULL, cwd=cwd)


def finish(arguments: list[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    process = start(arguments, variables)
    out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def left_running(home: Path) -> list[psutil.Process]:
    """Every process whose environment, working directory or command line names `home`."""
    found = []
    for process in psutil.process_iter():
        try:
            named = process.environ().get("AAP_PIPELINE_HOME") == str(home) or process.cwd().startswith(str(home))
            if (named or str(home) in " ".join(process.cmdline())) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in found if process.pid != os.getpid()]
