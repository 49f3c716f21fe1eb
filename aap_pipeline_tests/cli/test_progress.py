"""What a person sees of a sync that is under way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rich.progress import Progress

from aap_pipeline.cli.progress import RateColumn, TerminalProgress


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
    with TerminalProgress(["prod"]) as progress:
        for done in range(3):
            progress.update("prod", "raw", done, 3)
        progress.update("prod", "core", 3, 3)
        progress.update("unknown", "raw", 1, 1)
    assert capsys.readouterr().err.splitlines() == ["prod: reading from the controller", "prod: parsing"]
