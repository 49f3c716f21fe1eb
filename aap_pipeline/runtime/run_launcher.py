"""How the daemon starts runs: each in a process of its own, forked from one that has imported everything (ADR 14).

Dagster's default launcher starts a Python for each run, and the daemon waits until it has imported Dagster: two seconds
of a core a run, one run after the other. A fork takes milliseconds.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from dagster import DefaultRunLauncher
from dagster._grpc.types import ExecuteRunArgs

from aap_pipeline.orchestration.run_liveness import PROCESS_TAG, is_gone, process_of, process_tag, this_process
from aap_pipeline.runtime.forks import forks

if TYPE_CHECKING:
    from dagster._core.instance.ref import InstanceRef
    from dagster._core.launcher import LaunchRunContext
    from dagster._core.origin import JobPythonOrigin

_DEFINITIONS = "aap_pipeline.definitions"


class ForkingRunLauncher(DefaultRunLauncher):
    """Forks the runs of this code location; those of other people's locations start as Dagster has it."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the run, name its process in its tags, by which `terminate` finds it, and return."""
        run, origin = context.dagster_run, context.job_code_origin
        if origin is None or not _is_ours(origin):
            super().launch_run(context)
            return
        instance = _quiet(self._instance.get_ref())
        arguments = ExecuteRunArgs(job_origin=origin, run_id=run.run_id, instance_ref=instance)
        command = arguments.get_command_args()[-1]
        process = forks().Process(target=_execute, args=(command,), name=f"run {run.run_id}")
        process.start()
        self._instance.add_run_tags(run.run_id, process_tag(run.run_id, process.pid))

    def terminate(self, run_id: str) -> bool:
        """Ask the run's process to end, from any process of its machine; False if there is none to ask."""
        run = self._instance.get_run_by_id(run_id)
        process = process_of(run_id, run.tags.get(PROCESS_TAG)) if run is not None else None
        if run is None or run.is_finished or process is None:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        here = this_process()
        if process.host != here.host or is_gone(process, here):
            return False
        self._instance.report_run_canceling(run)
        os.kill(process.pid, signal.SIGINT)
        return True


def _quiet(instance: InstanceRef) -> InstanceRef:
    """The instance, for a run that writes what is worth reading to the log that it inherits, the daemon's.

    Every event is in Dagster's event log anyway. By default each of them is written out as well, 140 lines a run, among
    which nobody finds a warning, and which push older ones out of a log that is bounded.
    """
    logs = {"python_log_level": "INFO", **(instance.settings.get("python_logs") or {})}  # type: ignore[dict-item]
    return instance._replace(settings={**instance.settings, "python_logs": logs})


def _is_ours(origin: JobPythonOrigin) -> bool:
    repository = origin.repository_origin
    ours = getattr(repository.code_pointer, "module", None) == _DEFINITIONS
    return ours and repository.executable_path == sys.executable


def _execute(arguments: str) -> None:
    """`dagster api execute_run ARGUMENTS`, in a new process."""
    from dagster._cli.api import execute_run_command

    execute_run_command.main([arguments], standalone_mode=False)
