"""Progress of a run on a person's terminal: a line a cluster."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_STAGES = {"raw": "reading from the controller", "core": "parsing", "marts": "computing savings", "done": "done"}


class RateColumn(ProgressColumn):
    """Jobs a second over the last half minute; nothing before the first are done."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="progress.data.speed")


class TerminalProgress:
    """A `ProgressListener` that draws bars on stderr; where that is no terminal, a line for each stage as it begins."""

    def __init__(self, names: list[str]) -> None:
        console = Console(stderr=True)
        self._drawn = console.is_terminal
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("[bold]{task.fields[cluster]}", markup=True),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("jobs"),
            RateColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
            disable=not self._drawn,
            transient=True,  # the outcomes that follow say it all
        )
        self._console = console
        width = max(map(len, names), default=0)
        self._tasks = {
            name: self._progress.add_task("waiting", total=None, cluster=name.ljust(width)) for name in names
        }
        self._read: dict[str, int] = {}
        self._told: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, cluster: str, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` jobs of `cluster` have passed `stage`."""
        task = self._tasks.get(cluster)
        if task is None:
            return
        if stage == "raw":
            self._read[cluster] = max(total, done)
        # How much there is to parse is not known, and the last stage counts no jobs.
        completed, all_of_it = (done, None) if stage == "core" else (done, max(total, done))
        if stage not in ("raw", "core"):
            completed = all_of_it = self._read.get(cluster, 0)
        self._progress.update(task, description=_STAGES.get(stage, stage), completed=completed, total=all_of_it)
        with self._lock:
            if not self._drawn and (cluster, stage) not in self._told:
                self._told.add((cluster, stage))
                self._console.print(f"{cluster}: {_STAGES.get(stage, stage)}", highlight=False)
