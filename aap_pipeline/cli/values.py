"""Parameter types of the command line: days, times, numbers, files and ranges of days."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from aap_pipeline.errors import PipelineError
from aap_pipeline.raw.window import parse_time


class Day(click.ParamType[date]):
    """A calendar day, 2026-01-31."""

    name = "day"

    def convert(self, value: str | date, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """See click.ParamType."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a valid day. Use 2026-01-31.", param, ctx)


class Time(click.ParamType[datetime]):
    """A time in ISO 8601, as aware UTC. The default zone is UTC."""

    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """See click.ParamType."""
        try:
            found = value if isinstance(value, datetime) else parse_time(value)
        except PipelineError as error:
            self.fail(str(error), param, ctx)
        return found or self.fail("The value is empty. Use 2026-01-31 or 2026-01-31T06:00:00+01:00.", param, ctx)


class Whole(click.IntRange):
    """A whole number within inclusive bounds."""

    name = "whole number"  # click's messages would name it "integer range"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:  # noqa: ARG002 - click's signature
        """See click.ParamType."""
        return "N" if isinstance(param, click.Option) else None


class Word(click.ParamType[str]):
    """Text that is not empty, as an unset shell variable is."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """See click.ParamType."""
        return value if value.strip() else self.fail("The value is empty.", param, ctx)


class File(click.ParamType[Path]):
    """The path of a file. An empty value is an error, not the working directory."""

    name = "path"

    def convert(self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """See click.ParamType."""
        return Path(value) if str(value).strip() else self.fail("The value is empty.", param, ctx)


def require_range(first: date | None, last: date | None, options: tuple[str, str]) -> None:
    """Raise UsageError if `first` is after `last` or in the future. `options` are the names of the two options.

    A day that has begun in any time zone is not in the future.
    """
    if first and last and first > last:
        raise click.UsageError(f"{options[0]} {first} is after {options[1]} {last}. Exchange them.")
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    if first and first > tomorrow:
        raise click.UsageError(f"{options[0]} {first} is in the future. Use a day up to today.")
