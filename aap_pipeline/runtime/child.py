"""A supervised process: its output goes to a file, and it is restarted when it exits."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from aap_pipeline.embedded.processes import die_with_parent

GRACE_SECONDS = 10.0
"""Time between terminating a process and killing it."""
_PAUSE_SECONDS = 5.0
"""Time between the exit of a process and its restart."""
_LARGEST_LOG = 20_000_000


@dataclass
class Child:
    """A command to keep running; `name` is for messages.

    It and the processes that it starts are a process group. Start it from a long-lived thread: Linux sends the
    parent-death signal when the thread that forked exits.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)  # with the database's password
    log: Path
    restart_at: float | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.rotate_log()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal reaches `up` alone, which stops things in order
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
        self.restart_at = None

    def rotate_log(self) -> None:
        """Copy a large log aside and truncate it. The process appends to the same file."""
        if self.log.exists() and self.log.stat().st_size > _LARGEST_LOG:
            shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
            os.truncate(self.log, 0)

    def poll_exit(self, now: float) -> str | None:
        """Return a message if the process has exited since the last call, and schedule its restart; else None.

        `now` is in seconds of a monotonic clock. Processes that it started are killed.
        """
        if self.process is None or self.process.poll() is None:
            return None
        status = self.process.returncode
        self._signal_group(signal.SIGKILL)
        self.process = None
        self.restart_at = now + _PAUSE_SECONDS
        # A killed process wrote no reason: its last line would mislead.
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"exited with status {status}"
        hint = f"see {self.log}" if status < 0 else self.last_line()
        return f"The {self.name} {how} ({hint}). It restarts in {_PAUSE_SECONDS:.0f} s."

    def last_line(self) -> str:
        """Return the last line of the process's log, as a hint why it exited."""
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except FileNotFoundError:
            lines = []
        return f"{lines[-1].strip()[:200]} – see {self.log}" if lines else f"see {self.log}"

    def ask_to_stop(self) -> None:
        """Terminate the process, which ends those that it started."""
        if self.process is not None:
            self.process.terminate()

    def wait(self, deadline: float) -> None:
        """Wait until the process and those that it started are gone. Kill those that remain at `deadline`."""
        if self.process is None:
            return
        while time.monotonic() < deadline and (self.process.poll() is None or self._signal_group(0)):
            time.sleep(0.05)
        self._signal_group(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def _signal_group(self, number: int) -> bool:
        """Send signal `number` (0: none) to the process and those that it started; return whether any exists."""
        assert self.process is not None  # noqa: S101
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)
            return True
        return False
