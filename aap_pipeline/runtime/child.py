"""A supervised process: started under a guard, with its output in a file, restarted with backoff."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aap_pipeline.embedded.processes import die_with_parent

GRACE_SECONDS = 10.0
"""Time between terminating a process and killing it."""
_LONGEST_PAUSE_SECONDS = 60.0
_STABLE_SECONDS = 60.0
_LARGEST_LOG = 20_000_000


@dataclass
class Backoff:
    """Pauses between restarts: 1, 2, 4 … 60 s; from 1 s again after a minute without an exit."""

    failures: int = 0

    def pause(self, lived_seconds: float) -> float:
        """Return the seconds to wait after the exit of a process that ran for `lived_seconds`."""
        self.failures = 1 if lived_seconds >= _STABLE_SECONDS else self.failures + 1
        return min(2.0 ** (self.failures - 1), _LONGEST_PAUSE_SECONDS)


@dataclass
class Child:
    """A command to keep running; `name` is for messages.

    Start it from a long-lived thread: Linux sends the parent-death signal when the thread that forked exits.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)  # with the database's password
    log: Path
    started_at: float = 0.0
    restart_at: float | None = None
    backoff: Backoff = field(default_factory=Backoff)
    process: subprocess.Popen[bytes] | None = None

    def start(self, now: float) -> None:
        """Start the command under a guard; `now` in seconds of a monotonic clock."""
        self.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.rotate_log()
        guard = [sys.executable, "-m", "aap_pipeline.runtime.guard", str(os.getpid()), str(GRACE_SECONDS)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                [*guard, *self.command],
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal reaches `up` alone, which stops things in order
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        self.started_at, self.restart_at = now, None

    def rotate_log(self) -> None:
        """Copy a large log aside and truncate it. The process appends to the same file."""
        if self.log.exists() and self.log.stat().st_size > _LARGEST_LOG:
            shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
            os.truncate(self.log, 0)

    def poll_exit(self, now: float) -> str | None:
        """Return a message if the process has exited since the last call, and schedule its restart; else None."""
        if self.process is None or self.process.poll() is None:
            return None
        status = self.process.returncode
        self._kill_the_rest()
        self.process = None
        pause = self.backoff.pause(now - self.started_at)
        self.restart_at = now + pause
        killed_by = -status if status < 0 else status - 128  # < 0: signal to the guard; > 128: to the command
        how = f"was killed by signal {killed_by}" if killed_by > 0 else f"exited with status {status}"
        return f"The {self.name} {how} ({self.last_line()}). It restarts in {pause:.0f} s."

    def last_line(self) -> str:
        """Return the last line of the process's log, as a hint why it exited."""
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except FileNotFoundError:
            lines = []
        return f"{lines[-1].strip()[:200]} – see {self.log}" if lines else f"see {self.log}"

    def ask_to_stop(self) -> None:
        """Terminate the guard, which ends the process and its descendants."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait(self) -> None:
        """Wait until the guard and all its descendants are gone. After GRACE_SECONDS + 10 s they are killed."""
        if self.process is not None:
            try:
                self.process.wait(timeout=GRACE_SECONDS + 10)
            except subprocess.TimeoutExpired:
                self._kill_the_rest()
                self.process.wait()
            self.process = None

    def _kill_the_rest(self) -> None:
        """Kill the process group of a guard that was itself killed."""
        assert self.process is not None  # noqa: S101
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
