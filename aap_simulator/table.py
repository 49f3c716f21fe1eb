"""Rows kept as the bytes that are sent. They are found by bisection over `id` and `finished`, else by a scan."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Generic, TypeVar

import orjson

from aap_simulator.clock import microseconds, parse
from aap_simulator.query import Filter, Query, Value, passes
from aap_simulator.schema import Schema

FINISHED = frozenset({"successful", "failed", "error", "canceled"})
RANGES = frozenset({"exact", "gt", "gte", "lt", "lte"})


def compact(document: dict[str, Any]) -> bytes:
    """Return `document` as JSON in no more memory than it needs. What orjson returns keeps a buffer of 1 to 16 kB."""
    return bytes(memoryview(orjson.dumps(document)))


class Row:
    """One document as bytes; `values` are its fields that filters have asked for, in comparable form."""

    __slots__ = ("id", "json", "values")

    def __init__(self, id_: int, json: bytes) -> None:
        self.id = id_
        self.json = json
        self.values: dict[str, Value] = {}

    def document(self) -> dict[str, Any]:
        """The row's document, decoded anew."""
        document: dict[str, Any] = orjson.loads(self.json)
        return document

    def replace(self, document: dict[str, Any]) -> None:
        """Put another document in the row's place, under the same id."""
        self.json = compact(document)
        self.values = {}

    def read(self, field: str, schema: Schema) -> Value:
        """A field's value in comparable form: datetimes in microseconds, sets as tuples; remembered."""
        try:
            return self.values[field]
        except KeyError:
            value = self.values[field] = self.extract(field, schema)
            return value

    def extract(self, field: str, schema: Schema) -> Value:
        """A field's value, from the document."""
        document = self.document()
        name, _, sub = field.partition("__")
        if sub:
            summary = document["summary_fields"].get(name)
            return summary.get(sub) if summary else None
        value = document.get(name)
        if value is not None and schema.fields[field] == "datetime":
            return microseconds(parse(value))
        return value


RowT = TypeVar("RowT", bound=Row)


class Table(Generic[RowT]):
    """Rows of one list under one schema; not locked, the world that owns it locks."""

    def __init__(self, schema: Schema, rows: Iterable[RowT] = (), *, finished: bool = False) -> None:
        self.schema = schema
        self.rows: dict[int, RowT] = {row.id: row for row in rows}
        self.ids: list[int] = sorted(self.rows)
        self.finished: list[tuple[int, int]] | None = None
        if finished:
            stamps = ((self.read(row, "finished"), row.id) for row in self.rows.values())
            self.finished = sorted(stamp for stamp in stamps if stamp[0] is not None)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[RowT]:
        """The rows by id."""
        return (self.rows[id_] for id_ in self.ids)

    def read(self, row: RowT, field: str) -> Value:
        """A field of a row in comparable form."""
        return row.read(field, self.schema)

    def add(self, row: RowT) -> None:
        """Insert a row under a new id."""
        if row.id in self.rows:
            raise ValueError(f"{self.schema.model} {row.id} exists already")
        self.rows[row.id] = row
        insort(self.ids, row.id)
        self._index(row)

    def remove(self, id_: int) -> RowT:
        """Take a row out; KeyError if there is none."""
        row = self.rows.pop(id_)
        del self.ids[bisect_left(self.ids, id_)]
        self._unindex(row)
        return row

    def update(self, row: RowT, document: dict[str, Any]) -> None:
        """Replace a row's document and keep the indexes right."""
        self._unindex(row)
        row.replace(document)
        self._index(row)

    def _index(self, row: RowT) -> None:
        if self.finished is not None and (stamp := self.read(row, "finished")) is not None:
            insort(self.finished, (stamp, row.id))

    def _unindex(self, row: RowT) -> None:
        if self.finished is not None and (stamp := self.read(row, "finished")) is not None:
            del self.finished[bisect_left(self.finished, (stamp, row.id))]

    def select(self, query: Query) -> Sequence[int]:
        """The ids of the rows that match, in the query's order."""
        low, high, id_filters = _id_bounds(query.filters)
        first, last = bisect_left(self.ids, low), bisect_right(self.ids, high)
        found: Sequence[int] = self.ids[first:last]
        applied = id_filters
        order: tuple[tuple[str, bool], ...] = (("id", False),)
        if self.finished is not None:
            begin, end, finished_filters = _finished_bounds(query.filters)
            start, stop = bisect_left(self.finished, (begin, -1)), bisect_left(self.finished, (end, -1))
            if finished_filters and stop - start <= len(found):
                pairs = self.finished[start:stop]
                applied, order = finished_filters, (("finished", False), ("id", False))
                if query.order == (("finished", True),):
                    # Nearly free, for it is sorted the other way round; ties stay by id.
                    pairs.sort(key=itemgetter(0), reverse=True)
                    order = query.order
                found = [id_ for _, id_ in pairs]
                if id_filters:
                    found = [id_ for id_ in found if low <= id_ <= high]
                    applied = finished_filters | id_filters
        remaining = [rule for rule in query.filters if rule not in applied]
        if query.alternatives or remaining:
            found = [id_ for id_ in found if passes(remaining, query.alternatives, partial(self.read, self.rows[id_]))]
        return found if query.order == order[: len(query.order)] else self._sorted(found, query.order)

    def first_page_by_finish(self, query: Query) -> tuple[Sequence[int], int] | None:
        """Return the first page by finish time and the number of rows in its bounds.

        None if the query cannot be answered from the index on `finished`, as PostgreSQL would, at no cost per job.
        """
        if self.finished is None or query.alternatives or [field for field, _ in query.order] != ["finished"]:
            return None
        begin, end, applied = _finished_bounds(query.filters)
        statuses = (rule.operand for rule in query.filters if (rule.field, rule.lookup) == ("status", "in"))
        if not applied and not any(operand <= FINISHED for operand in statuses):
            return None  # rows without a finish time belong to the list, too
        start, stop = bisect_left(self.finished, (begin, -1)), bisect_left(self.finished, (end, -1))
        rest = [rule for rule in query.filters if rule not in applied]
        descending = query.order[0][1]
        found: list[int] = []
        for index in reversed(range(start, stop)) if descending else range(start, stop):
            number = self.finished[index][1]
            if passes(rest, (), partial(self.read, self.rows[number])):
                found.append(number)
                if len(found) == query.page_size:
                    break
        return found, stop - start

    def _sorted(self, ids: Sequence[int], order: tuple[tuple[str, bool], ...]) -> Sequence[int]:
        """Sorted as PostgreSQL does: null after everything, before everything when descending; ties by id."""
        if order[0] == ("id", False):
            return sorted(ids)
        if order[0] == ("id", True):
            return sorted(ids, reverse=True)
        found = sorted(ids)
        for field, descending in reversed(order):
            values = {id_: self.read(self.rows[id_], field) for id_ in found}
            blank = next((type(value)() for value in values.values() if value is not None), 0)
            keys = {id_: (value is None, blank if value is None else value) for id_, value in values.items()}
            found.sort(key=keys.__getitem__, reverse=descending)
        return found


def _id_bounds(filters: tuple[Filter, ...]) -> tuple[int, int, frozenset[Filter]]:
    """The lowest and highest id that can match, and the filters that these bounds answer."""
    low, high, used = 0, 2**63, set()
    for rule in filters:
        if rule.field == "id" and rule.lookup in RANGES and not rule.negated:
            used.add(rule)
            if rule.lookup in ("gt", "gte", "exact"):
                low = max(low, rule.operand + (rule.lookup == "gt"))
            if rule.lookup in ("lt", "lte", "exact"):
                high = min(high, rule.operand - (rule.lookup == "lt"))
    return low, high, frozenset(used)


def _finished_bounds(filters: tuple[Filter, ...]) -> tuple[int, int, frozenset[Filter]]:
    """The half-open range of `finished`, in microseconds, and the filters that it answers."""
    begin, end, used = -(2**62), 2**62, set()
    for rule in filters:
        if rule.field != "finished" or rule.negated:
            continue
        if rule.lookup == "isnull" and rule.operand is False:
            used.add(rule)
        elif rule.lookup in RANGES:
            used.add(rule)
            if rule.lookup in ("gt", "gte", "exact"):
                begin = max(begin, rule.operand + (rule.lookup == "gt"))
            if rule.lookup in ("lt", "lte", "exact"):
                end = min(end, rule.operand + (rule.lookup != "lt"))
    return begin, max(begin, end), frozenset(used)
