"""How the daemon starts runs: each in a process of its own, forked from one that has imported everything (ADR 14).

Dagster's default launcher starts a Python process per run and waits for its imports: 2 s of CPU per run, one run after
the other. A fork takes milliseconds.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dagster import DefaultRunLauncher
from dagster._grpc.types import ExecuteRunArgs

from aap_pipeline.runtime.forks import forks

if TYPE_CHECKING:
    from dagster._core.instance.ref import InstanceRef
    from dagster._core.launcher import LaunchRunContext

PROCESS_TAG = ".dagster/aap_pipeline_process"
"""Tag with the identity of the run's process (`process_identity`). The web server reads it to terminate the run. The UI
hides tags with this prefix."""

_DEFINITIONS = "aap_pipeline.definitions"


class ForkingRunLauncher(DefaultRunLauncher):
    """Forks the runs of this code location on this machine. All others start as with Dagster's launcher."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the run, tag it with the identity of its process for `terminate`, and return."""
        run, origin = context.dagster_run, context.job_code_origin
        if origin is None or not _can_fork(context):
            super().launch_run(context)
            return
        instance = _quiet(self._instance.get_ref())
        arguments = ExecuteRunArgs(job_origin=origin, run_id=run.run_id, instance_ref=instance)
        command = arguments.get_command_args()[-1]
        process = forks().Process(target=_execute, args=(command,), name=f"run {run.run_id}")
        process.start()
        self._instance.add_run_tags(run.run_id, {PROCESS_TAG: process_identity(process.pid or 0)})

    def terminate(self, run_id: str) -> bool:
        """Ask the run's process to end, from any process of its machine; False if there is none to ask."""
        run = self._instance.get_run_by_id(run_id)
        name = run.tags.get(PROCESS_TAG, "") if run is not None else ""
        pid = int(name.partition("/")[0] or 0)
        if run is None or run.is_finished or not pid or process_identity(pid) != name:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        self._instance.report_run_canceling(run)
        os.kill(pid, signal.SIGINT)
        return True


def process_identity(pid: int) -> str:
    """Identify a process of this machine as `pid/start/boot`, with the start in ticks since boot, because pids recur.

    `start` is empty if there is no such process.
    """
    start = boot = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        start = "" if fields[0] in ("Z", "X") else fields[19]
    return f"{pid}/{start}/{boot}"


def _quiet(instance: InstanceRef) -> InstanceRef:
    """The instance, for a run that writes what is worth reading to the log that it inherits, the daemon's.

    Every event is in Dagster's event log anyway. By default each of them is written out as well, 140 lines a run, among
    which nobody finds a warning, and which push older ones out of a log that is bounded.
    """
    logs = {"python_log_level": "INFO", **(instance.settings.get("python_logs") or {})}  # type: ignore[dict-item]
    return instance._replace(settings={**instance.settings, "python_logs": logs})


def _can_fork(context: LaunchRunContext) -> bool:
    """Return whether this process has imported the run's code: the same module and Python, behind `up`'s socket.

    A code server behind a port may run in another container of the same image.
    """
    origin, job = context.job_code_origin, context.dagster_run.remote_job_origin
    if origin is None or job is None:
        return False
    here = getattr(job.repository_origin.code_location_origin, "socket", None) is not None
    code = origin.repository_origin
    ours = getattr(code.code_pointer, "module", None) == _DEFINITIONS
    return here and ours and code.executable_path == sys.executable


def _execute(arguments: str) -> None:
    """`dagster api execute_run ARGUMENTS`, in a new process."""
    from dagster._cli.api import execute_run_command

    execute_run_command.main([arguments], standalone_mode=False)
