"""What a person sees of a sync that is under way."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from rich.progress import Progress

from aap_pipeline.cli.progress import RateColumn, ShownProgress, shown_progress


def test_the_rate_is_jobs_a_second() -> None:
    """Guards against a first sync of hours of which nobody can tell whether it moves."""
    seconds: Iterator[float] = iter(range(100))
    progress = Progress(get_time=lambda: next(seconds))
    task = progress.add_task("raw", total=5000)
    assert RateColumn().render(progress.tasks[0]).plain == ""
    for done in (1200, 2400, 3600):
        progress.update(task, completed=done)
    assert RateColumn().render(progress.tasks[0]).plain == "1,200/s"


def test_without_a_terminal_each_stage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards against a log of cron's that has a line for each job, or none at all."""
    with shown_progress(["prod"]) as progress:
        for done in range(3):
            progress.update("prod", "raw", done, 3)
        progress.update("prod", "core", 3, 3)
        progress.update("prod", "done", 1, 1)
    assert capsys.readouterr().err.splitlines() == ["prod: reading from the controller", "prod: parsing", "prod: done"]


def test_a_log_shows_every_30_s_how_far_each_cluster_is() -> None:
    """Guards against a first sync of an hour of which a CI log shows one line."""
    now = [1000.0]
    lines: list[str] = []
    progress = ShownProgress(["a", "b", "c"], lines.append, monotonic=lambda: now[0])
    now[0] += 30  # no controller has answered
    progress.report()
    assert lines == [f"{name}: waiting for the controller or another sync, no job yet after 30 s" for name in "abc"]
    progress.update("a", "raw", 0, 0)
    progress.update("b", "core", 0, 0)
    progress.update("c", "raw", 0, 0)
    lines.clear()
    now[0] += 30
    progress.update("a", "raw", 12_000, 60_000)
    progress.update("b", "core", 9_000, 9_000)
    progress.report()
    assert lines == [
        "a: reading from the controller, 12,000 of 60,000 jobs, 400/s, about 2 min left",
        "b: parsing, 9,000 jobs, 300/s",
        "c: reading from the controller, no job yet after 30 s",
    ]
    lines.clear()
    now[0] += 30  # nothing has moved
    progress.update("b", "done", 1, 1)
    progress.update("c", "raw", 60, 60)
    progress.report()
    assert lines == [
        "b: done",
        "a: reading from the controller, 12,000 of 60,000 jobs, 200/s, about 4 min left",
        "c: reading from the controller, 60 jobs, 1/s",
    ]


def test_progress_ends_with_its_block() -> None:
    """Guards against a thread that goes on printing below the outcomes, or holds up the end of the command."""
    with pytest.raises(KeyboardInterrupt), shown_progress([]):
        raise KeyboardInterrupt
    assert "progress" not in {thread.name for thread in threading.enumerate()}
