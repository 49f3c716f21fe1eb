"""What a report says: totals, savings by job template, jobs over time; read from the marts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, LiteralString

from psycopg.errors import InvalidParameterValue
from psycopg.rows import dict_row

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import PipelineError

Row = Mapping[str, Any]

_DAYS_IN_A_DAILY_CHART = 92
_SHORTEST_STEP = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=28),
    "year": timedelta(days=365),
}
_MOST_STEPS = 100_000


class ReportError(PipelineError):
    """Dates and steps that do not make a report."""

    exit_status = 2


@dataclass(frozen=True)
class Summary:
    """A report from `from_date` to `to_date`, both included, in the reporting time zone. Money in `currency`.

    `rates` are what a minute costs everyone (`manual`, `automated`), or under cost_model subscription a person's hour
    and the platform's month (`hourly`, `subscription`).
    """

    from_date: date
    to_date: date
    currency: str
    symbol: str
    rates: dict[str, Decimal]
    totals: Row
    templates: Sequence[Row]
    granularity: str
    job_counts: Sequence[Row]
    in_quarantine: int
    """Documents that did not fit, and are in none of these figures."""


def summarize(
    connection: Connection,
    from_date: date | None = None,
    to_date: date | None = None,
    cluster_ids: Sequence[int] | None = None,
    granularity: str | None = None,
) -> Summary:
    """Read a report; without dates over everything there is, up to the day of the last run.

    Raises PipelineError when there is nothing yet, ReportError for dates or steps that do not make a report.
    """
    clusters = list(cluster_ids) if cluster_ids else None
    first, last = _range(connection, clusters)
    start = from_date or min(filter(None, (first, to_date)), default=None)
    end = to_date or max(filter(None, (last, from_date)), default=None)
    if start is None or end is None or (first is None and None in (from_date, to_date)):
        raise PipelineError("There are no savings yet: run `aap-pipeline sync` first, or `aap-pipeline demo`.")
    if start > end:
        raise ReportError(f"The report would end ({end}) before it begins ({start}): exchange the dates.")
    granularity = granularity or ("day" if end - start < timedelta(days=_DAYS_IN_A_DAILY_CHART) else "month")
    if (end - start) / _SHORTEST_STEP[granularity] > _MOST_STEPS:
        raise ReportError(
            f"From {start} to {end} are too many steps of one {granularity} for a chart: choose a shorter range, or "
            "longer steps with --by."
        )
    window = {"from_date": start, "to_date": end, "clusters": clusters, "granularity": granularity}
    currency, symbol = _currency(connection)
    return Summary(
        from_date=start,
        to_date=end,
        currency=currency,
        symbol=symbol,
        rates=dict(connection.execute(statement("reports/rates")).fetchall()),
        totals=_rows(connection, "reports/totals", window)[0],
        templates=_rows(connection, "reports/savings_by_template", window),
        granularity=granularity,
        job_counts=_rows(connection, "reports/job_counts", window),
        in_quarantine=in_quarantine(connection, clusters),
    )


class BadPeriod(PipelineError):
    """A range of days has no such name."""

    exit_status = 2


def named_period(connection: Connection, name: str) -> tuple[date, date]:
    """First and last day of a range of marts.period, such as last_quarter. Raises BadPeriod for unknown names."""
    try:
        with connection.transaction():
            [(first, last)] = connection.execute(statement("reports/period"), {"name": name}).fetchall()
    except InvalidParameterValue as error:
        raise BadPeriod(str(error.diag.message_primary)) from error
    if first is None:
        raise PipelineError("There are no savings yet: run `aap-pipeline sync` first, or `aap-pipeline demo`.")
    return first, last


def in_quarantine(connection: Connection, cluster_ids: Sequence[int] | None = None) -> int:
    """How many documents of these clusters, or of all, are in quarantine."""
    values = {"clusters": None if cluster_ids is None else list(cluster_ids)}
    row = connection.execute(statement("reports/in_quarantine"), values).fetchone()
    assert row is not None  # noqa: S101 - an aggregate
    return int(row[0])


def quarantine_line(documents: int) -> str:
    """A sentence for people on what is in quarantine; empty where nothing is."""
    if not documents:
        return ""
    counted = "1 document is" if documents == 1 else f"{documents:,} documents are"
    return f"{counted} in quarantine and in no figure: see `aap-pipeline rejected list`."


def _range(connection: Connection, clusters: list[int] | None) -> tuple[date | None, date | None]:
    row = connection.execute(statement("reports/range"), {"clusters": clusters}).fetchone()
    return (row[0], row[1]) if row else (None, None)


def _currency(connection: Connection) -> tuple[str, str]:
    row = connection.execute(statement("reports/currency")).fetchone()
    return (row[0], row[1]) if row else ("", "")


def _rows(connection: Connection, name: LiteralString, parameters: Mapping[str, object]) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return list(cursor.execute(statement(name), parameters))
