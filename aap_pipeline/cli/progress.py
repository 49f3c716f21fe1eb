"""Show the progress of runs: one bar per cluster on a terminal, lines in a log."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import progress as bar
from rich.console import Console
from rich.text import Text

from aap_pipeline.reports.output import counted, duration

_STAGES = {
    "waiting": "waiting for the controller or another sync",
    "raw": "reading from the controller",
    "core": "parsing",
    "marts": "computing savings",
    "done": "done",
}
_SECONDS_BETWEEN_LINES = 30.0


class RateColumn(bar.ProgressColumn):
    """Jobs/s over the last 30 s; empty until the first jobs are done."""

    def render(self, task: bar.Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="progress.data.speed")


class ShownProgress:
    """Draws `bars` on a terminal, or calls `write` with each line of a log."""

    def __init__(
        self,
        names: list[str],
        write: Callable[[str], object] = lambda _: None,
        console: Console | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.bars = bar.Progress(
            bar.SpinnerColumn(),
            bar.TextColumn("[bold]{task.fields[cluster]}", markup=True),
            bar.TextColumn("{task.description}"),
            bar.BarColumn(),
            bar.MofNCompleteColumn(),
            bar.TextColumn("jobs"),
            RateColumn(),
            bar.TimeRemainingColumn(compact=True),
            console=console,
            get_time=monotonic,
            transient=True,  # the printed outcomes replace the bars
        )
        self._write = write
        for name in names:
            self.bars.add_task(_STAGES["waiting"], total=None, cluster=name)
        self._tasks = dict(zip(names, self.bars.tasks, strict=True))

    def update(self, cluster: str, stage: str, done: int, total: int) -> None:
        """Show the progress of a run, as `orchestration.resources.Progress`."""
        task = self._tasks[cluster]
        if task.description != _STAGES[stage]:
            read = int(task.completed)
            self.bars.reset(task.id, description=_STAGES[stage], total=None)
            self._write(f"{cluster}: {_STAGES[stage]}")
            if stage not in ("raw", "core"):  # these count no jobs
                self.bars.update(task.id, completed=read, total=read)
        if stage == "raw":
            self.bars.update(task.id, completed=done, total=max(total, done))
        elif stage == "core":  # the number of jobs to parse is unknown
            self.bars.update(task.id, completed=done)

    def report(self) -> None:
        """Write a line per unfinished cluster, even if it has not changed."""
        for cluster, task in self._tasks.items():
            if task.description != _STAGES["done"]:
                self._write(f"{cluster}: {task.description}, {_pace(task)}")


def _pace(task: bar.Task) -> str:
    seconds = task.elapsed or 0.0
    if not task.completed or not seconds:
        return f"no job yet after {duration(seconds)}"
    rate = task.completed / seconds
    if not task.remaining:
        return f"{counted(int(task.completed), 'job')}, {rate:,.0f}/s"
    left = duration(task.remaining / rate)
    return f"{task.completed:,.0f} of {task.total:,.0f} jobs, {rate:,.0f}/s, about {left} left"


@contextmanager
def shown_progress(names: list[str]) -> Iterator[ShownProgress]:
    """Yield a listener that shows the progress of clusters `names` on stderr: bars on a terminal, else lines."""
    console = Console(stderr=True)
    if console.is_terminal:
        shown = ShownProgress(names, console=console)
        with shown.bars:
            yield shown
        return
    lines = ShownProgress(names, lambda line: console.print(line, highlight=False, markup=False, soft_wrap=True))
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
