"""The parameters of a report: days or a named range, filters by name, and the previous period for comparison."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from dateutil.relativedelta import relativedelta
from psycopg.errors import InvalidParameterValue

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import BadInput, PipelineError

FILTERS: Final = {
    "clusters": "cluster",
    "organizations": "organization",
    "job_templates": "job_template",
    "projects": "project",
    "inventories": "inventory",
    "labels": "label",
}
"""The filters, as in the marts' functions, and the kind of name of each."""

_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Question:
    """Days (both inclusive) or a named `period`, and filters by name. Saved reports are stored in this form.

    `as_recorded`: money by the rates and minutes of each run's day. `granularity`: grain of the chart of jobs.
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


def currency_code(text: str) -> str:
    """Return an ISO code in capitals. Raises BadInput if it is not three letters."""
    if not re.fullmatch("[A-Za-z]{3}", text):
        raise BadInput(f"{text!r} is not a valid currency. Use an ISO code of three letters, such as EUR.")
    return text.upper()


def days_of(connection: Connection, period: str) -> tuple[date, date]:
    """Return first and last day of a named range: last-quarter, this-fiscal-year, last-30-days, month-to-date, ….

    Quarters and years are those of the fiscal year. Raises BadInput for unknown names.
    """
    try:
        with connection.transaction():
            values = {"name": _normal(period)}
            [(first, last)] = connection.execute(statement("reports/period"), values).fetchall()
    except InvalidParameterValue:
        raise BadInput(
            f"{period!r} is not a valid range. Use today, yesterday, all, last-30-days, week-to-date, month-to-date, "
            "quarter-to-date, year-to-date, or this- or last- with week, month, quarter or year."
        ) from None
    if first is None:
        raise PipelineError("There are no savings yet. Run `aap-pipeline sync` or `aap-pipeline demo`.")
    return first, last


def period_before(first: date, last: date, period: str | None = None) -> tuple[date, date]:
    """Return the days with which `first` to `last` are compared.

    For a range up to today, such as month-to-date: the same days of the previous month, quarter or year. For whole
    months, except in a range of N days: as many months before. Else: as many days before. The first day of the
    calendar, 0001-01-01, stands for days before it.
    """
    name = _normal(period or "")
    part = name.removeprefix("this_") if name.startswith("this_") else ""
    try:
        end = last + _DAY
        if part in _MONTHS:
            back = relativedelta(months=_MONTHS[part])
            return first - back, end - back - _DAY if end.day == 1 else last - back
        if first.day == end.day == 1 and not name.endswith("_days"):
            return first - relativedelta(end, first), first - _DAY
        days = timedelta(7) if part else end - first
        return first - days, last - days
    except (ValueError, OverflowError):  # beyond the years 1 to 9999
        return date.min, date.min


def ids_of(connection: Connection, question: Question) -> dict[str, list[int] | None]:
    """Return ids for the marts' functions; None without a filter. The cluster filter restricts the other names.

    Raises BadInput for an unknown name, with similar ones, and for an ambiguous name, with all candidates.
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
        [row for row in rows if row[2] == wanted != row[1]]
        or [row for row in rows if row[1] == wanted]  # a name without its cluster may be older than its namesakes
        or [row for row in rows if folded in (row[1].casefold(), row[2].casefold())]
    )
    if len(found) > 1 and not narrowed:
        names = ", ".join(f"{row[2]!r}" for row in found)
        raise BadInput(f"The {words} name {wanted!r} is ambiguous: {names}. Use one of these, or --cluster NAME.")
    if found:
        return [row[0] for row in found]
    known = list(dict.fromkeys(row[2] for row in rows))
    similar = ", ".join(f"{name[:80]!r}" for name in difflib.get_close_matches(wanted, known, n=5))
    listing = f'To list the names, run `aap-pipeline sql "TABLE marts.dim_{kind}"`.'
    remedy = f"Similar names: {similar}." if similar else listing
    raise BadInput(f"There is no {words} {wanted!r}. {remedy}")


def _normal(period: str) -> str:
    """Return the period in the spelling of marts.period."""
    name = period.strip().lower().replace("-", "_").replace("fiscal_", "")
    return re.sub(r"^(week|month|quarter|year)_to_date$", r"this_\1", name)
