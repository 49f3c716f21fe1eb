"""Runs that the daemon has launched, before their first step."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from dagster import DagsterInstance, DagsterInvariantViolationError, DagsterRun, DagsterRunStatus
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher import LaunchRunContext
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

from aap_pipeline.definitions import defs
from aap_pipeline.orchestration.jobs import update_cluster
from aap_pipeline.runtime import run_launcher


class Idle:
    """Stands for a process of `forks()` that has not come to its first step."""

    def __init__(self, **_: object) -> None:
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start a process that does nothing until it is interrupted."""
        self.child = subprocess.Popen(["sleep", "600"])

    @property
    def pid(self) -> int:
        """As a Process of multiprocessing has it."""
        assert self.child is not None
        return self.child.pid


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    """One whose runs our launcher starts."""
    launcher = {"module": run_launcher.__name__, "class": run_launcher.ForkingRunLauncher.__name__}
    with DagsterInstance.local_temp(str(tmp_path), overrides={"run_launcher": launcher}) as found:
        yield found


def context(
    run: DagsterRun,
    module: str = "aap_pipeline.definitions",
    python: str = sys.executable,
) -> LaunchRunContext:
    """What Dagster gives a launcher for a run of `module`, but for a workspace."""
    code = JobPythonOrigin(run.job_name, RepositoryPythonOrigin(python, ModuleCodePointer(module, "defs")))
    return cast("LaunchRunContext", SimpleNamespace(dagster_run=run, job_code_origin=code, workspace=None))


@pytest.mark.parametrize(
    "code",
    [{"module": "theirs.definitions"}, {"python": "/usr/bin/another-python"}],
)
def test_only_runs_of_this_module_and_python_are_forked(instance: DagsterInstance, code: dict[str, str]) -> None:
    """Guards against a fork of the wrong code, which another code location of `up --workspace` serves."""
    run = instance.create_run_for_job(defs.resolve_job_def(update_cluster.name), status=DagsterRunStatus.STARTING)
    with pytest.raises(DagsterInvariantViolationError, match="requires a workspace"):  # as Dagster's own launcher does
        instance.run_launcher.launch_run(context(run, **code))


@pytest.mark.usefixtures("starts_server")
def test_a_run_is_found_from_its_launch_on(instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a run that nobody can end while its process has not come to its first step."""
    started: list[Idle] = []
    forks = SimpleNamespace(Process=lambda **options: started.append(Idle(**options)) or started[-1])  # type: ignore[func-returns-value]
    monkeypatch.setattr(run_launcher, "forks", lambda: forks)
    run = instance.create_run_for_job(defs.resolve_job_def(update_cluster.name), status=DagsterRunStatus.STARTING)
    launcher = instance.run_launcher
    launcher.launch_run(context(run))
    [idle] = started
    assert idle.child is not None
    try:
        assert launcher.terminate(run.run_id)
        assert idle.child.wait(timeout=30) == -signal.SIGINT
    finally:
        idle.child.kill()
        idle.child.wait()
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is DagsterRunStatus.CANCELING
