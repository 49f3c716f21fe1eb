"""A list's answer: the page that a query asks for; `count`, `next`, `previous` as the controller writes them."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

import orjson

from aap_simulator import cost
from aap_simulator.answers import INVALID_PAGE, Answer, json_answer
from aap_simulator.query import MAX_PAGE_SIZE, BadQuery, parse
from aap_simulator.table import RowT, Table


@dataclass(slots=True)
class Tampering:
    """What faults do to a page: rows promised beyond those there are, rows dropped, another host in `next`."""

    promised: int = 0
    dropped: int = 0
    next_host: str = ""


UNTOUCHED = Tampering()


def page(
    table: Table[RowT],
    path: str,
    query_string: str,
    tampering: Tampering = UNTOUCHED,
    max_page_size: int = MAX_PAGE_SIZE,
) -> Answer:
    """Answer a list request over a table; 400, 403, 404 and 500 as the controller gives them."""
    try:
        query = parse(query_string, table.schema, max_page_size)
    except BadQuery as refused:
        return json_answer(refused.status, {"detail": refused.detail}, known_url=refused.status != 500)
    if query.count_disabled and query.page == "1" and (earliest := table.first_page_by_finish(query)) is not None:
        ids, kept = earliest
    else:
        ids = table.select(query)
        kept = len(ids)
    number = _page_number(query.page, len(ids), query.page_size)
    last = max(1, -(-len(ids) // query.page_size))
    if number is None or number > last or (query.count_disabled and number > 1):
        return json_answer(404, INVALID_PAGE)
    first = (number - 1) * query.page_size
    shown = ids[first : first + query.page_size]
    if tampering.dropped and shown:
        shown = shown[: -tampering.dropped]
    rows = b",".join([table.rows[id_].json for id_ in shown])
    price = cost.of_list(table.schema, query, kept, len(shown))
    if query.count_disabled:
        return Answer(200, b'{"results":[%b]}' % rows, cost=price)
    following = link(path, query_string, number + 1) if number < last else None
    if tampering.next_host:
        following = tampering.next_host + (following or link(path, query_string, number + 1))
    previous = link(path, query_string, number - 1) if number > 1 else None
    head = (len(ids) + tampering.promised, orjson.dumps(following), orjson.dumps(previous), rows)
    return Answer(200, b'{"count":%d,"next":%b,"previous":%b,"results":[%b]}' % head, cost=price)


def _page_number(text: str, rows: int, size: int) -> int | None:
    if text == "last":
        return max(1, -(-rows // size))
    try:
        number = int(text)
    except ValueError:
        return None
    return number if number > 0 else None


def link(path: str, query_string: str, number: int) -> str:
    """A relative link to another page: the query sorted by name, as recorded."""
    fields = parse_qs(query_string, keep_blank_values=True)
    fields["page"] = [str(number)]
    return f"{path}?{urlencode(sorted(fields.items()), doseq=True)}"
