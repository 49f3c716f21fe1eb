"""Lists by keyset: ascending id, from after the last one seen; never by page number, for rows come and go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aap_pipeline.controller.answers import Answer, Decode
from aap_pipeline.controller.errors import (
    BodyTooLarge,
    ControllerError,
    CorruptBody,
    IncompleteAnswer,
    NotSent,
    ServerError,
    Unreachable,
)
from aap_pipeline.controller.query import Params
from aap_pipeline.controller.statistics import Statistics
from aap_pipeline.controller.transport import decode

PAGE_SIZE = 200  # the controller's own default maximum; more is capped silently
Row = dict[str, Any]
_MAX_ID = 2**31 - 1
Instead = Callable[[ControllerError], Params]
"""The params for the next attempt, after one that failed with an error."""


@dataclass
class PageSize:
    """How many rows of a list to ask for at once, found by what arrives. Shared by threads: a lost update does no harm.

    `rows` is halved when a page fails and doubled when one arrives, up to `most`: a size that fails right after half of
    it has `arrived` is beyond what the controller, or a proxy on the way, can answer.
    """

    rows: int = PAGE_SIZE
    most: int = PAGE_SIZE
    arrived: int = 0

    def halve(self, failed: int) -> int:
        """Half of the size that `failed`, to be asked for instead."""
        half = max(failed // 2, 1)
        if half <= self.arrived < failed:
            self.most = half
        elif self.arrived >= failed:
            self.arrived = 0  # what worked before does not now
        self.rows = min(self.rows, half)
        return half

    def note(self, size: int) -> None:
        """A page of `size` rows was asked for and came."""
        self.arrived = max(self.arrived, size)
        self.rows = max(self.rows, min(2 * size, self.most))


class Asker(Protocol):
    """What paging needs of a client."""

    base_url: str
    statistics: Statistics

    @property
    def page_sizes(self) -> Mapping[str, PageSize]:
        """By the last word of a list's path; what is not there yet is made."""

    def get(
        self, path: str, params: Params | None = None, decode: Decode = decode, instead: Instead | None = None
    ) -> Answer:
        """The JSON object at `path`, as `decode` reads it; raises ControllerError.

        `instead` is called after an attempt that failed and returns the params for the next one.
        """

    def url_of(self, path: str) -> str:
        """The whole address of `path`, for messages."""


def count(client: Asker, path: str, params: Params | None = None) -> int:
    """How many rows match. Raises CorruptBody when the answer does not say."""
    answer = client.get(path, {**(params or {}), "page_size": 1})
    return _count_of(answer, client.url_of(path))


def counted_page(
    client: Asker, path: str, params: Params | None, limit: int, after_id: int, decode: Decode = decode
) -> tuple[list[Any], int]:
    """Up to `limit` rows with an id above `after_id`, ascending, and how many such rows the controller counts.

    A page shorter than `limit` is not the last one for certain: a controller may cap pages below what was asked, and
    a page that fails again and again, or whose answer is beyond the bound on bodies, is asked for in parts.

    A row without a valid id (`id_of`) has no place in the order. It is delivered among its neighbours, once: where it
    ends a page that is not the last one, it is left to the next page, which lists it again.
    """
    answer = _get(client, path, params, limit, after_id, decode)
    where = client.url_of(path)
    rows, matching = _rows_of(answer, where, after_id), _count_of(answer, where)
    return (rows if len(rows) >= matching else _up_to_last_id(rows)), matching


def whole(client: Asker, path: str, params: Params | None = None, decode: Decode = decode) -> list[Any]:
    """All rows of a list, by ascending id, at least as many as the controller counted on the first page.

    They are dicts (Row), or records with an `id` where `decode` makes such of a page's `results`; rows without a valid
    id are among them, as in `counted_page`.

    A list that falls short is asked for once more from the start, since rows may go while it is read.
    Raises IncompleteAnswer when it falls short again.
    """
    for _ in range(2):
        rows, promised = _whole_once(client, path, params, decode)
        if len(rows) >= promised:
            return rows
        client.statistics.retried("incomplete")
    raise IncompleteAnswer(
        f"The controller counts {promised} rows in {client.url_of(path)} but delivers {len(rows)}, twice: nothing of "
        "it is stored; run again, and look at the controller's database if it stays so."
    )


def _whole_once(client: Asker, path: str, params: Params | None, decode: Decode) -> tuple[list[Any], int]:
    rows, promised = counted_page(client, path, params, PAGE_SIZE, 0, decode)
    after_id = last_id(rows)
    while after_id and len(rows) < promised:
        answer = _get(client, path, {**(params or {}), "count_disabled": 1}, PAGE_SIZE, after_id, decode)
        page = _rows_of(answer, client.url_of(path), after_id)
        rows = rows + (page if len(rows) + len(page) >= promised else _up_to_last_id(page))
        after_id = last_id(page)
    return rows, promised


def id_of(row: Any) -> int | None:
    """The controller's id of a row, a positive 32-bit integer; None where it is missing or anything else."""
    value = row.get("id") if isinstance(row, dict) else getattr(row, "id", None)
    return value if type(value) is int and 0 < value <= _MAX_ID else None


def last_id(rows: Sequence[Any]) -> int:
    """The last valid id in `rows`, after which the next page begins; 0 where there is none."""
    return next((number for row in reversed(rows) if (number := id_of(row))), 0)


def _up_to_last_id(rows: list[Any]) -> list[Any]:
    """`rows` without those that follow the last valid id; all of them where none has one."""
    following = next((index for index, row in enumerate(reversed(rows)) if id_of(row)), 0)
    return rows[: len(rows) - following]


def _get(client: Asker, path: str, params: Params | None, limit: int, after_id: int, decode: Decode) -> Answer:
    """A page of `limit` rows; of fewer, down to one, where so many fail repeatedly or make too large an answer."""
    size = client.page_sizes[path.rstrip("/").rpartition("/")[2]]
    asked: dict[str, Any] = {**(params or {}), "order_by": "id", "page_size": min(limit, size.rows)}
    if after_id:
        asked["id__gt"] = after_id
    failures = 0

    def instead(error: ControllerError) -> Params:
        nonlocal failures
        failures += may_be_too_much(error)
        if failures > 1:  # one may be chance
            asked["page_size"] = size.halve(asked["page_size"])
        return asked

    while True:
        try:
            answer = client.get(path, asked, decode, instead)
        except BodyTooLarge:
            if asked["page_size"] == 1:
                raise
            client.statistics.retried("too large")
            asked["page_size"] = size.halve(asked["page_size"])
        else:
            size.note(asked["page_size"])
            return answer


def may_be_too_much(error: ControllerError) -> bool:
    """Whether a smaller page may arrive: a 5xx, a time-out, a connection that ended early."""
    failed = isinstance(error, ServerError | Unreachable | CorruptBody)
    return failed and not isinstance(error, NotSent) and error.cause not in ("HTTP 425", "HTTP 429")


def _rows_of(answer: Answer, where: str, after_id: int) -> list[Any]:
    """The rows of a list; raises CorruptBody unless their valid ids ascend from above `after_id`."""
    rows = answer.body.get("results")
    if not isinstance(rows, list):
        raise CorruptBody(f"The answer of {where} is no list of results: check that this is a controller.")
    last = after_id
    for number in filter(None, map(id_of, rows)):
        if number <= last:
            raise CorruptBody(
                f"The rows of {where} are not in the order of their ids, as asked for: nothing of it can be trusted."
            )
        last = number
    return rows


def _count_of(answer: Answer, where: str) -> int:
    number = answer.body.get("count")
    if type(number) is not int or number < 0:
        raise CorruptBody(f"The answer of {where} holds no count of rows: check that this is a controller.")
    return number
