"""What a report is asked for: days or a named range, filters by name; and the period before, to compare with."""

from __future__ import annotations

import difflib
import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from psycopg.errors import InvalidParameterValue

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import PipelineError

FILTERS: Final = {
    "clusters": "cluster",
    "organizations": "organization",
    "job_templates": "job_template",
    "projects": "project",
    "inventories": "inventory",
    "labels": "label",
}
"""The filters of a question, which are also those of the marts' functions, and the kind of name that each takes."""

_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


class ReportError(PipelineError):
    """Dates, steps or names that do not make a report."""

    exit_status = 2


@dataclass(frozen=True, kw_only=True)
class Question:
    """Days (both included) or a named `period`, and filters by name. A saved report is stored as this.

    `as_recorded`: money by the rates and minutes of each run's day. `granularity`: steps of the chart of jobs.
    """

    period: str | None = None
    from_date: date | None = None
    to_date: date | None = None
    clusters: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    job_templates: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    inventories: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    as_recorded: bool = False
    currency: str | None = None
    granularity: str | None = None


def days_of(connection: Connection, period: str) -> tuple[date, date]:
    """First and last day of a named range: last-quarter, this-fiscal-year, last-30-days, month-to-date, ….

    Quarters and years are those of the fiscal year. Raises ReportError for unknown names.
    """
    try:
        with connection.transaction():
            values = {"name": _normal(period)}
            [(first, last)] = connection.execute(statement("reports/period"), values).fetchall()
    except InvalidParameterValue:
        raise ReportError(
            f"{period!r} is not a range. Use today, yesterday, all, last-30-days, week-to-date, month-to-date, "
            "quarter-to-date, year-to-date, or this- or last- with week, month, quarter or year."
        ) from None
    if first is None:
        raise PipelineError("There are no savings yet: run `aap-pipeline sync` first, or `aap-pipeline demo`.")
    return first, last


def period_before(first: date, last: date, period: str | None = None) -> tuple[date, date]:
    """The days to compare `first` to `last` with.

    Whole months: as many months before. A range up to today, such as month-to-date: the same days of the month,
    quarter or year before. Else as many days before.
    """
    part = re.fullmatch("this_(.*)", _normal(period or ""))
    if first.day == 1 and (last + timedelta(1)).day == 1:
        return _shifted(first, -_month_number(last) + _month_number(first) - 1), first - timedelta(1)
    if part and part[1] in _MONTHS:
        return _shifted(first, -_MONTHS[part[1]]), _shifted(last, -_MONTHS[part[1]])
    days = timedelta(7) if part else last - first + timedelta(1)
    return first - days, last - days


def ids_of(connection: Connection, question: Question) -> dict[str, list[int] | None]:
    """Ids for the marts' functions; None where a filter is not given. Clusters narrow what the other names mean.

    Raises ReportError for an unknown name, with similar ones, and for a name that several have, with all of them.
    """
    ids: dict[str, list[int] | None] = dict.fromkeys(FILTERS)
    for attribute, kind in FILTERS.items():
        if wanted := getattr(question, attribute):
            rows = connection.execute(
                statement("reports/names"), {"kind": kind, "clusters": ids["clusters"]}
            ).fetchall()
            found = [_ids(kind, name, rows, narrowed=ids["clusters"] is not None) for name in wanted]
            ids[attribute] = sorted({each for ids_of_name in found for each in ids_of_name})
    return ids


def _ids(kind: str, wanted: str, rows: Sequence[tuple[int, str, str]], *, narrowed: bool) -> list[int]:
    words = kind.replace("_", " ")
    folded = wanted.casefold()
    found = (
        [row for row in rows if row[2] == wanted]
        or [row for row in rows if row[1] == wanted]
        or [row for row in rows if folded in (row[1].casefold(), row[2].casefold())]
    )
    if len(found) > 1 and not narrowed:
        names = ", ".join(f"{row[2]!r}" for row in found)
        raise ReportError(f"Several have the {words} name {wanted!r}: {names}. Use one of these, or --cluster.")
    if found:
        return [row[0] for row in found]
    known = list(dict.fromkeys(row[2] for row in rows))
    similar = difflib.get_close_matches(wanted, known, n=5) or known[:10]
    shown = ", ".join(f"{name[:80]!r}" for name in similar) or "none yet"
    raise ReportError(f"There is no {words} {wanted!r}. There is: {shown}.")


def _normal(period: str) -> str:
    """As marts.period spells it."""
    name = period.strip().lower().replace("-", "_").replace("fiscal_", "")
    return re.sub(r"^(week|month|quarter|year)_to_date$", r"this_\1", name)


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _shifted(day: date, months: int) -> date:
    """The same day of another month, or that month's last."""
    year, month = divmod(_month_number(day) + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
