"""The run launcher of the daemon: forks each run from a process that has imported everything (ADR 14).

Dagster's default launcher starts a Python process per run and waits for its imports: 2 s of CPU per run, one run after
the other. A fork takes milliseconds.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import time
from contextlib import suppress
from multiprocessing.context import ForkServerContext
from typing import TYPE_CHECKING

import psutil
from dagster import DefaultRunLauncher
from dagster._grpc.types import ExecuteRunArgs

from aap_pipeline.embedded.processes import when_parent_ends
from aap_pipeline.runtime.child import GRACE_SECONDS

if TYPE_CHECKING:
    from dagster._core.launcher import LaunchRunContext

PROCESS_TAG = ".dagster/aap_pipeline_process"
"""Tag with the identity of the run's process (`process_identity`). The web server reads it to terminate the run. The UI
hides tags with this prefix."""

_DEFINITIONS = "aap_pipeline.definitions"

IMPORTED_ONCE = (_DEFINITIONS, "aap_pipeline.runtime.storage", "dagster._cli.api", "upath.implementations.local")
"""Modules to import before forking: with their own imports, all that a run needs. Dagster imports the last one with
each instance, which takes 0.1 s."""


class ForkingRunLauncher(DefaultRunLauncher):
    """Forks the runs of this code location on this machine. Starts all others as Dagster's default launcher does."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the run, tag it with the identity of its process for `terminate`, and return."""
        run, origin = context.dagster_run, context.job_code_origin
        code = origin.repository_origin if origin else None
        module = getattr(code.code_pointer, "module", None) if code else None
        if origin is None or (module, origin.repository_origin.executable_path) != (_DEFINITIONS, sys.executable):
            super().launch_run(context)
            return
        arguments = ExecuteRunArgs(job_origin=origin, run_id=run.run_id, instance_ref=self._instance.get_ref())
        command = arguments.get_command_args()[-1]
        process = forks().Process(target=_execute, args=(command,), name=f"run {run.run_id}")
        process.start()
        self._instance.add_run_tags(run.run_id, {PROCESS_TAG: process_identity(process.pid or 0)})

    def terminate(self, run_id: str) -> bool:
        """Interrupt the run's process, from any process of its machine. Returns whether there was one to interrupt.

        A run that was not forked here is left to Dagster's launcher.
        """
        run = self._instance.get_run_by_id(run_id)
        name = run.tags.get(PROCESS_TAG, "") if run is not None else ""
        pid = int(name.partition("/")[0] or 0)
        if run is None or run.is_finished or not pid or process_identity(pid) != name:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        self._instance.report_run_canceling(run)
        os.kill(pid, signal.SIGINT)
        return True


def forks() -> ForkServerContext:
    """Return a multiprocessing context whose fork server has imported the pipeline.

    The server starts with the first fork and exits with this process.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED_ONCE))
    return context


def process_identity(pid: int) -> str:
    """Identify a process of this machine as `pid/hash`, because pids recur; empty if there is no such process.

    psutil hashes the id and the start of the process in ticks since boot, so that every process computes the same hash.
    """
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return f"{pid}/{hash(process)}"
    return ""


def _execute(arguments: str) -> None:
    """Run `dagster api execute_run ARGUMENTS` in this forked process, which ends with the daemon."""
    gc.freeze()  # what the fork server imported
    when_parent_ends(_end)
    from dagster._cli.api import execute_run_command

    execute_run_command.main([arguments], standalone_mode=False)


def _end() -> None:
    """Interrupt this process, and kill it if that takes too long."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
