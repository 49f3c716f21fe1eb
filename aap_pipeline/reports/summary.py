"""The data of a report: figures, also of the previous period, and savings by template, organization and time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString

from psycopg.errors import NoDataFound
from psycopg.rows import dict_row

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import BadInput, PipelineError
from aap_pipeline.reports.output import counted
from aap_pipeline.reports.question import FILTERS, Question, days_of, ids_of, period_before

FigureRow = dict[str, Any]

_DAYS_IN_A_DAILY_CHART = 92
_MOST_DAYS_BY_THE_HOUR, _MOST_DAYS = 4_000, 100_000
_STEPS = (("day", 31), ("week", 184), ("month", 1100), ("quarter", 3700))  # of the savings over time, up to days
_RECORDED = "_as_recorded"


class Table(list[FigureRow]):
    """Rows, and the names of their columns, even of no rows."""

    def __init__(self, rows: Iterable[FigureRow], columns: Sequence[str] = ()) -> None:
        super().__init__(rows)
        self.columns = columns


@dataclass(frozen=True)
class Summary:
    """A report from `from_date` to `to_date`, both inclusive, in the reporting time zone. Money is in `currency`.

    Money is as recorded if the question requests it. `before` are the totals of the previous period, None if it is
    before the first run. `rates` are the global rates: `manual` and `automated` per minute or, under cost_model
    subscription, `hourly` and `subscription` (per month). `own_rates` are those of clusters and organizations.
    `payback` covers each template's whole history.
    """

    from_date: date
    to_date: date
    currency: str
    symbol: str
    filters: dict[str, tuple[str, ...]]
    as_recorded: bool
    made_at: datetime
    rates: dict[str, Decimal]
    own_rates: Sequence[FigureRow]
    settings: FigureRow
    totals: FigureRow
    before_from: date
    before_to: date
    before: FigureRow | None
    before_begins: date | None
    """The first day with runs, if the previous period begins before it."""
    templates: Sequence[FigureRow]
    organizations: Sequence[FigureRow]
    step: str
    over_time: Sequence[FigureRow]
    hosts_by_month: Sequence[FigureRow]
    users: Sequence[FigureRow]
    projects: Sequence[FigureRow]
    payback: Sequence[FigureRow]
    freshness: Sequence[FigureRow]
    granularity: str
    job_counts: Sequence[FigureRow]
    in_quarantine: int
    """Quarantined documents, which are in none of these figures."""

    def tables(self) -> dict[str, Table]:
        """Return every table by name, for files. `totals` has a second row for the previous period."""
        totals = [{"from_date": self.from_date, "to_date": self.to_date, **self.totals}]
        if self.before:
            totals.append({"from_date": self.before_from, "to_date": self.before_to, **self.before})
        found = {name: rows for name, rows in vars(self).items() if isinstance(rows, Table)}
        return {"totals": Table(totals, list(totals[0]))} | found


def summarize(connection: Connection, question: Question | None = None) -> Summary:
    """Read a report. Default days: the first and the last day with a run.

    Raises PipelineError if there are no savings yet, BadInput for dates, grain or names that are not valid.
    """
    question = question or Question()
    ids = ids_of(connection, question)
    data_begins, start, end = _range(connection, question, ids["clusters"])
    granularity = question.granularity or ("day" if end - start < timedelta(_DAYS_IN_A_DAILY_CHART) else "month")
    if (end - start).days > (_MOST_DAYS_BY_THE_HOUR if granularity == "hour" else _MOST_DAYS):
        raise BadInput(
            f"From {start} to {end} there are too many bars of one {granularity} for a chart. Use a shorter range, or "
            "a coarser --by."
        )
    step = next((step for step, days in _STEPS if end - start < timedelta(days)), "year")
    before_from, before_to = period_before(start, end, question.period)
    known = data_begins is not None and before_to >= data_begins
    # Figures are converted by the rate of the last day of their period, and the earliest such day must have one.
    currency, symbol = _currency(connection, question.currency, before_to if known else start)
    window: dict[str, Any] = {**ids, "from_date": start, "to_date": end, "currency": question.currency}

    def rows(name: LiteralString, **changes: object) -> Table:
        with connection.cursor(row_factory=dict_row) as cursor:
            found = list(cursor.execute(statement(name), window | changes))
            columns = [column.name for column in cursor.description or ()]
        return Table([_as_recorded(row) for row in found] if question.as_recorded else found, columns)

    templates, organizations = rows("reports/savings_by_template"), rows("reports/savings_by_organization")
    for table in (templates, organizations):
        table.sort(key=lambda row: -row["savings"])
    shown = [row["job_template_id"] for row in templates]
    rates = rows("reports/rates")
    return Summary(
        from_date=start,
        to_date=end,
        currency=currency,
        symbol=symbol,
        filters={name: getattr(question, name) for name in FILTERS if getattr(question, name)},
        as_recorded=question.as_recorded,
        made_at=datetime.now(UTC),
        rates={row["rate_type"]: row["value"] for row in rates if row["name"] is None},
        own_rates=Table([row for row in rates if row["name"] is not None], rates.columns),
        settings=rows("reports/settings", shown=shown)[0],
        totals=rows("reports/totals")[0],
        before_from=before_from,
        before_to=before_to,
        before=rows("reports/totals", from_date=before_from, to_date=before_to)[0] if known else None,
        before_begins=data_begins if known and data_begins and data_begins > before_from else None,
        templates=templates,
        organizations=organizations,
        step=step,
        over_time=rows("reports/over_time", step=step),
        hosts_by_month=rows("reports/over_time", step=step if step in ("quarter", "year") else "month"),
        users=rows("reports/top_users"),
        projects=rows("reports/top_projects"),
        payback=rows("reports/payback", shown=shown),
        freshness=rows("reports/freshness"),
        granularity=granularity,
        job_counts=rows("reports/job_counts", granularity=granularity),
        in_quarantine=in_quarantine(connection, ids["clusters"]),
    )


def in_quarantine(connection: Connection, cluster_ids: list[int] | None) -> int:
    """Count the quarantined documents of these clusters (None: all)."""
    [(documents,)] = connection.execute(statement("reports/in_quarantine"), {"clusters": cluster_ids}).fetchall()
    return int(documents)


def quarantine_line(documents: int) -> str:
    """Return a sentence about quarantined documents; empty if there are none."""
    if not documents:
        return ""
    found = counted(documents, "document is", "documents are")
    return f"{found} in quarantine and not in these figures. Run `aap-pipeline rejected list`."


def _range(connection: Connection, question: Question, clusters: list[int] | None) -> tuple[date | None, date, date]:
    """Return the first day with runs, and the report's first and last day."""
    [(first, last)] = connection.execute(statement("reports/range"), {"clusters": clusters}).fetchall()
    from_date, to_date = question.from_date, question.to_date
    if question.period:
        from_date, to_date = days_of(connection, question.period)
    start = from_date or min(filter(None, (first, to_date)), default=None)
    end = to_date or max(filter(None, (last, from_date)), default=None)
    if start is None or end is None or (first is None and None in (from_date, to_date)):
        raise PipelineError("There are no savings yet. Run `aap-pipeline sync` or `aap-pipeline demo`.")
    if start > end:
        raise BadInput(f"The report would end ({end}) before it begins ({start}). Exchange the dates.")
    return first, start, end


def _currency(connection: Connection, wanted: str | None, day: date) -> tuple[str, str]:
    """Return ISO code and symbol of a currency (default: the configured one). Raises BadInput without a rate."""
    try:
        with connection.transaction():
            values = {"currency": wanted, "day": day}
            row = connection.execute(statement("reports/currency"), values).fetchone()
    except NoDataFound:
        configured, _ = _currency(connection, None, day)
        raise BadInput(
            f"There is no exchange rate to {wanted!r} on {day}. Run "
            f"`aap-pipeline settings fx set {configured} {wanted} RATE --date {day}`."
        ) from None
    return (row[0], row[1]) if row else ("", "")


def _as_recorded(row: FigureRow) -> FigureRow:
    """Return the row with its money as recorded under the plain names, and the resulting ratio."""
    row = row | {name.removesuffix(_RECORDED): value for name, value in row.items() if name.endswith(_RECORDED)}
    if "roi" in row:
        row["roi"] = row["savings"] / row["automated_costs"] if row["automated_costs"] else None
    return row
