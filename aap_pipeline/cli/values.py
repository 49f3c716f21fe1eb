"""Parameter types of the command line: days, times, numbers, files and ranges of days."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import click

from aap_pipeline.errors import PipelineError
from aap_pipeline.raw.window import parse_time


class Whole(click.IntRange):
    """A whole number within inclusive bounds."""

    name = "whole number"  # click's messages would name it "integer range"


def day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a valid day. Use 2026-01-31.") from None


day_option = partial(click.option, type=day, metavar="DAY")
"""An option for a day: its names and help."""


def time(value: str) -> datetime:
    """Parse a time in ISO 8601 as aware UTC. The default zone is UTC."""
    try:
        found = parse_time(value)
    except PipelineError as error:
        raise click.BadParameter(str(error)) from None
    if found is None:
        raise click.BadParameter("The value is empty. Use 2026-01-31 or 2026-01-31T06:00:00+01:00.")
    return found


def text(value: str) -> str:
    """Reject an empty value, as an unset shell variable gives it."""
    if not value.strip():
        raise click.BadParameter("The value is empty.")
    return value


def file(value: str) -> Path:
    """Return the path. An empty value is an error, not the working directory."""
    return Path(text(value))


def with_options(options: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    """Return a decorator that adds `options` to a command, in their order in its help."""

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


def require_range(first: date | None, last: date | None, options: tuple[str, str]) -> None:
    """Raise UsageError if `first` is after `last` or in the future. `options` are the names of the two options.

    A day that has begun in any time zone is not in the future.
    """
    if first and last and first > last:
        raise click.UsageError(f"{options[0]} {first} is after {options[1]} {last}. Exchange them.")
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    if first and first > tomorrow:
        raise click.UsageError(f"{options[0]} {first} is in the future. Use a day up to today.")
