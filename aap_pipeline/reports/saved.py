"""Saved reports and their schedules: table pipeline.saved_report."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import PipelineError
from aap_pipeline.reports.question import Question

SCHEDULES: Final[dict[str, Callable[[date], date]]] = {
    "daily": lambda today: today,
    "weekly": lambda today: today - timedelta(today.weekday()),
    "monthly": lambda today: today.replace(day=1),
    "quarterly": lambda today: today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1),
}
"""The last due day of each schedule: today, Monday, the first of the month or quarter."""

_HOUR: Final = timedelta(hours=6)


@dataclass(frozen=True)
class SavedReport:
    """A named report. With a schedule it is created and mailed automatically, last for the day `done_for`."""

    name: str
    question: Question
    schedule: str | None = None
    mail_to: tuple[str, ...] = ()
    saved_at: datetime | None = None
    done_for: date | None = None

    def due_for(self, now: datetime) -> date | None:
        """Return the day for which the report is due at `now`, in the reporting time zone; None: it is not due.

        Reports are due from 06:00 on, and only for days after they were saved.
        """
        if self.schedule is None:
            return None
        day = SCHEDULES[self.schedule]((now - _HOUR).date())
        since = max(filter(None, (self.done_for, self.saved_at and self.saved_at.astimezone(now.tzinfo).date())))
        return day if day > since else None


def save(connection: Connection, report: SavedReport) -> None:
    """Store the report, replacing one with the same name. The caller commits."""
    values = {
        "name": report.name,
        "question": msgspec.json.encode(report.question).decode(),
        "schedule": report.schedule,
        "mail_to": list(report.mail_to),
    }
    connection.execute(statement("reports/save_report"), values)


def saved_reports(connection: Connection, name: str | None = None) -> list[SavedReport]:
    """Return all saved reports by name, or the one with that name."""
    return [
        SavedReport(found, msgspec.convert(question, Question), schedule, tuple(mail_to), saved_at, done_for)
        for found, question, schedule, mail_to, saved_at, done_for in connection.execute(
            statement("reports/saved_reports"), {"name": name}
        )
    ]


def saved_report(connection: Connection, name: str) -> SavedReport:
    """Return the saved report. Raises PipelineError if it does not exist."""
    for found in saved_reports(connection, name):
        return found
    raise PipelineError(f"There is no saved report {name!r}. To list them, run `aap-pipeline report list`.")


def note_done(connection: Connection, name: str, day: date) -> None:
    """Note that the report was created and mailed for `day`. The caller commits."""
    connection.execute(statement("reports/note_report_done"), {"name": name, "day": day})


def delete(connection: Connection, name: str) -> None:
    """Delete the saved report. Raises PipelineError if it does not exist. The caller commits."""
    saved_report(connection, name)
    connection.execute(statement("reports/delete_report"), {"name": name})
