"""What an answer costs a real controller, fitted to measurements on AWX 24.6.2 with 105,063 finished jobs (2 cores).

The database's share grows with the rows that a filter by date keeps, for AWX then joins and sorts all of them; with the
rows that it counts; and with the rows that it serves. A web worker is busy for as long as the answer takes.
`test_cost.py` holds the model against the measurements.
"""

from dataclasses import dataclass

from aap_simulator.query import Query
from aap_simulator.schema import Schema

_FEW = 2000
"""Up to so many rows a sort or a count costs more per row: it is then done where it was found by an index."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one answer: of the controller's database, and of a web worker in all."""

    database: float
    worker: float


@dataclass(frozen=True, slots=True)
class _List:
    """What one list costs: per request, and per row served; milliseconds, the worker's without its database's."""

    request: float
    row: float
    database_request: float = 3.4
    database_row: float = 0.1


_LISTS = {
    "Job": _List(300.0, 13.2),
    "JobHostSummary": _List(71.0, 1.05, 1.0, 0.07),
    "Host": _List(60.0, 18.5, 3.4, 1.27),
    "JobTemplate": _List(60.0, 31.6, 3.4, 1.0),
}
_ANY_LIST = _List(60.0, 15.0)
_JOIN = 35.0
"""Milliseconds of the database for a filter of jobs by their host summaries."""

PING = Cost(0.0003, 0.032)
ACCOUNT = Cost(0.001, 0.060)
OBJECT = Cost(0.005, 0.120)


def of_list(schema: Schema, query: Query, kept: int, served: int) -> Cost:
    """The cost of one page of a list: `kept` rows match the query, `served` of them are on the page."""
    prices = _LISTS.get(schema.model, _ANY_LIST)
    filters = (*query.filters, *query.alternatives)
    database = prices.database_request + prices.database_row * served
    if any(schema.fields[rule.field] in ("datetime", "json") for rule in filters):
        database += _per_row(kept, 0.08, 0.022)
        if not query.count_disabled:
            database += _per_row(kept, 0.06, 0.02)
    elif not query.count_disabled:
        database += _per_row(kept, 0.02, 0.002)
    if any(rule.field.startswith("job_host_summaries__") for rule in filters):
        database += _JOIN
    return Cost(database / 1000, (prices.request + prices.row * served + database) / 1000)


def _per_row(rows: int, each: float, each_beyond: float) -> float:
    return each * min(rows, _FEW) + each_beyond * max(rows - _FEW, 0)
