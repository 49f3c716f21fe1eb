"""Parse the query string of a list as the controller does: filters, order, page, and the errors 400, 403 and 500."""

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from aap_simulator.clock import microseconds
from aap_simulator.schema import Schema

Value = Any
DEFAULT_PAGE_SIZE = 25
MAX_PAGE_SIZE = 200
RESERVED = frozenset({"page", "page_size", "order_by", "order", "count_disabled", "format"})
DATETIME = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d{1,6}\d*)?)?\s*(Z|[+-]\d{2}(:?\d{2})?)?)?", re.ASCII
)
TRUE, FALSE = ("true", "1"), ("false", "0")


class BadQuery(Exception):
    """The controller rejects the query: `status` and the body's `detail`."""

    def __init__(self, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition: `test` on the row's value of `field`, for a set of values on any of them."""

    field: str
    lookup: str
    operand: Value
    negated: bool
    test: Callable[[Value], bool]

    def holds(self, value: Value) -> bool:
        """Whether a row with this value passes."""
        passed = any(map(self.test, value)) if isinstance(value, tuple) else self.test(value)
        return passed is not self.negated


@dataclass(frozen=True, slots=True)
class Query:
    """All of `filters`, and any of `alternatives` if there are any; then sorted, then one page."""

    filters: tuple[Filter, ...]
    alternatives: tuple[Filter, ...]
    order: tuple[tuple[str, bool], ...]
    page: str
    page_size: int
    count_disabled: bool


def parse(query_string: str, schema: Schema, max_page_size: int = MAX_PAGE_SIZE) -> Query:
    """Read a query string; raises `BadQuery` with the controller's own words."""
    pairs = parse_qsl(query_string, keep_blank_values=True)
    filters: list[Filter] = []
    alternatives: list[Filter] = []
    plain = {"page": "1", "page_size": str(DEFAULT_PAGE_SIZE), "order_by": "", "count_disabled": ""}
    for key, value in pairs:
        if key in RESERVED:
            plain["order_by" if key == "order" else key] = value
        else:
            alternative, condition = _condition(key, value, schema)
            (alternatives if alternative else filters).append(condition)
    return Query(
        filters=tuple(filters),
        alternatives=tuple(alternatives),
        order=_order(plain["order_by"], schema),
        page=plain["page"],
        page_size=_page_size(plain["page_size"], max_page_size),
        count_disabled=bool(plain["count_disabled"]),
    )


def _page_size(text: str, most: int) -> int:
    try:
        size = int(text)
    except ValueError:
        raise BadQuery("A server error has occurred.", 500) from None
    return min(size, most) if size > 0 else DEFAULT_PAGE_SIZE


def _order(text: str, schema: Schema) -> tuple[tuple[str, bool], ...]:
    names = [name.strip() for name in text.split(",") if name.strip()] or list(schema.default_order)
    order = []
    for name in names:
        field = _known(name.removeprefix("-"), schema)
        if schema.fields[field] in ("json", "many_int", "many_str"):
            raise BadQuery(f"Ordering by {field} is not allowed.", 403)
        order.append((field, name.startswith("-")))
    return tuple(order)


def _known(field: str, schema: Schema) -> str:
    if field in schema.forbidden or field.split("__", 1)[0] in schema.forbidden:
        raise BadQuery(f"Filtering on {field} is not allowed.", 403)
    if field not in schema.fields:
        raise BadQuery(f"{schema.model} has no field named '{field.split('__', 1)[0]}'")
    return field


def _condition(key: str, text: str, schema: Schema) -> tuple[bool, Filter]:
    parts = key.split("__")
    negated = alternative = False
    while parts and parts[0] in ("not", "or", "chain"):
        negated = negated or parts[0] == "not"
        alternative = alternative or parts[0] == "or"
        parts.pop(0)
    lookup = parts.pop() if len(parts) > 1 and parts[-1] in LOOKUPS else "exact"
    if lookup == "exact" and text.lower() in ("null", "none"):
        lookup, text = "isnull", "true"
    field = _known("__".join(parts), schema)
    operand, test = _test(lookup, text, schema.fields[field])
    return alternative, Filter(field, lookup, operand, negated, test)


def _test(lookup: str, text: str, kind: str) -> tuple[Value, Callable[[Value], bool]]:
    if lookup == "isnull":
        wanted = _boolean(text)
        return wanted, lambda value: (value is None) is wanted
    if lookup == "in":
        if not text:
            raise BadQuery("cannot provide empty value for __in")
        operand = frozenset(_value(item, kind) for item in text.split(","))
        return operand, operand.__contains__
    if lookup in TEXT_LOOKUPS:
        compare, folded = TEXT_LOOKUPS[lookup]
        needle = text.lower() if folded else text
        return needle, lambda value: value is not None and compare(str(value).lower() if folded else str(value), needle)
    ordered = ORDERED_LOOKUPS[lookup]
    operand = _value(text, kind)
    return operand, lambda value: value is not None and ordered(value, operand)


def _boolean(text: str) -> bool:
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise BadQuery(f'Unable to interpret "{text}" as boolean')


def _value(text: str, kind: str) -> Value:
    if kind in ("int", "many_int"):
        try:
            return int(text)
        except ValueError:
            raise BadQuery(f'["“{text}” value must be an integer."]') from None
    if kind == "float":
        try:
            return float(text)
        except ValueError:
            raise BadQuery(f'["“{text}” value must be a decimal number."]') from None
    if kind == "bool":
        return _boolean(text)
    return _datetime(text) if kind == "datetime" else text


def _datetime(text: str) -> int:
    if not DATETIME.fullmatch(text):
        message = "value has an invalid format. It must be in YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ] format."
        raise BadQuery(f'["“{text}” {message}"]')
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = "value has the correct format (YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ]) but it is an invalid date/time."
        raise BadQuery(f'["“{text}” {message}"]') from None
    return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


ORDERED_LOOKUPS: dict[str, Callable[[Value, Value], bool]] = {
    "exact": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
TEXT_LOOKUPS: dict[str, tuple[Callable[[str, str], bool], bool]] = {
    "iexact": (operator.eq, True),
    "contains": (operator.contains, False),
    "icontains": (operator.contains, True),
    "startswith": (str.startswith, False),
    "istartswith": (str.startswith, True),
    "endswith": (str.endswith, False),
    "iendswith": (str.endswith, True),
}
LOOKUPS: frozenset[str] = frozenset({*ORDERED_LOOKUPS, *TEXT_LOOKUPS, "isnull", "in"})


def passes(filters: Iterable[Filter], alternatives: Iterable[Filter], value_of: Callable[[str], Value]) -> bool:
    """Whether a row passes all filters and, if there are alternatives, one of them; `value_of` reads its fields."""
    if not all(rule.holds(value_of(rule.field)) for rule in filters):
        return False
    return not alternatives or any(rule.holds(value_of(rule.field)) for rule in alternatives)
