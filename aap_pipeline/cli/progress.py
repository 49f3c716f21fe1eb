"""Show the progress of runs: one bar per cluster on a terminal, lines in a log."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

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

from aap_pipeline.reports.output import duration

_STAGES = {"raw": "reading from the controller", "core": "parsing", "marts": "computing savings", "done": "done"}
_WAITING = "waiting for the controller or another sync"
_SECONDS_BETWEEN_LINES = 30.0


class RateColumn(ProgressColumn):
    """Jobs/s over the last 30 s; empty until the first jobs are done."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="progress.data.speed")


class TerminalProgress:
    """A `ProgressListener` that draws bars on a terminal."""

    def __init__(self, names: list[str], console: Console) -> None:
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("[bold]{task.fields[cluster]}", markup=True),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("jobs"),
            RateColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,  # the printed outcomes replace the bars
        )
        width = max(map(len, names), default=0)
        self._tasks = {name: self.bars.add_task("waiting", total=None, cluster=name.ljust(width)) for name in names}
        self._read: dict[str, int] = {}

    def update(self, cluster: str, stage: str, done: int, total: int) -> None:
        task = self._tasks.get(cluster)
        if task is None:
            return
        if stage == "raw":
            self._read[cluster] = max(total, done)
        # The number of jobs to parse is unknown, and the last stage counts no jobs.
        completed, all_of_it = (done, None) if stage == "core" else (done, max(total, done))
        if stage not in ("raw", "core"):
            completed = all_of_it = self._read.get(cluster, 0)
        self.bars.update(task, description=_STAGES.get(stage, stage), completed=completed, total=all_of_it)


@dataclass
class _Stage:
    name: str
    began: float  # by `monotonic`, s
    done: int = 0
    total: int = 0


class LineProgress:
    """A `ProgressListener` for logs: one line when a stage begins, and every 30 s one per unfinished cluster."""

    def __init__(
        self, names: list[str], write: Callable[[str], object], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._names = names
        self._write = write
        self._monotonic = monotonic
        self._stages = {name: _Stage(_WAITING, monotonic()) for name in names}
        self._lock = threading.Lock()

    def update(self, cluster: str, stage: str, done: int, total: int) -> None:
        if cluster not in self._names:
            return
        with self._lock:
            current = self._stages[cluster]
            if current.name != stage:
                current = self._stages[cluster] = _Stage(stage, self._monotonic())
                self._write(f"{cluster}: {_STAGES.get(stage, stage)}")
            current.done, current.total = done, total

    def report(self) -> None:
        """Print the progress of each unfinished cluster, even if it has not changed."""
        with self._lock:
            for cluster, stage in self._stages.items():
                if stage.name != "done":
                    self._write(f"{cluster}: {_STAGES.get(stage.name, stage.name)}, {self._pace(stage)}")

    def _pace(self, stage: _Stage) -> str:
        seconds = self._monotonic() - stage.began
        if not stage.done or seconds <= 0:
            return f"no job yet after {duration(seconds)}"
        rate = stage.done / seconds
        if stage.name != "raw" or stage.total <= stage.done:  # the number of jobs to parse is unknown
            return f"{stage.done:,} jobs, {rate:,.0f}/s"
        left = duration((stage.total - stage.done) / rate)
        return f"{stage.done:,} of {stage.total:,} jobs, {rate:,.0f}/s, about {left} left"


@contextmanager
def shown_progress(names: list[str]) -> Iterator[TerminalProgress | LineProgress]:
    """Yield a listener that shows the progress of clusters `names` on stderr: bars on a terminal, else lines."""
    console = Console(stderr=True)
    if console.is_terminal:
        shown = TerminalProgress(names, console)
        with shown.bars:
            yield shown
        return
    lines = LineProgress(names, lambda line: console.print(line, highlight=False, markup=False, soft_wrap=True))
    ended = threading.Event()

    def report_regularly() -> None:
        while not ended.wait(_SECONDS_BETWEEN_LINES):
            lines.report()

    reporter = threading.Thread(target=report_regularly, name="progress", daemon=True)
    reporter.start()
    try:
        yield lines
    finally:
        ended.set()
        reporter.join()
