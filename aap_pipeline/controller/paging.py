"""Keyset paging: by ascending id, after the last one read. Page numbers would skip rows when others are deleted."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aap_pipeline.controller import errors
from aap_pipeline.controller.answers import Answer
from aap_pipeline.controller.query import Params

if TYPE_CHECKING:
    from aap_pipeline.controller.client import ControllerClient

PAGE_SIZE = 200  # the controller's default maximum; it silently caps more
Row = dict[str, Any]
MAX_ID = 2**31 - 1
Failed = Callable[[errors.ControllerError], None]


@dataclass
class PageSize:
    """The adaptive page size of a list. Threads share it; a lost update does no harm.

    `rows` is halved when a page fails and doubled when one arrives, up to `most`. A size that fails right after half of
    it has `arrived` is more than the controller, or a proxy in between, can handle.
    """

    rows: int = PAGE_SIZE
    most: int = PAGE_SIZE
    arrived: int = 0

    def halve(self, failed: int) -> int:
        """Return half of the size that `failed`, to request instead."""
        half = max(failed // 2, 1)
        if half <= self.arrived < failed:
            self.most = half
        elif self.arrived >= failed:
            self.arrived = 0  # what worked before does not now
        self.rows = min(self.rows, half)
        return half

    def note(self, size: int) -> None:
        self.arrived = max(self.arrived, size)
        self.rows = max(self.rows, min(2 * size, self.most))


def count(client: "ControllerClient", path: str, params: Params | None = None) -> int:
    """Return the number of matching rows. Raises CorruptBody if the response has no count."""
    answer = client.get(path, {**(params or {}), "page_size": 1})
    return _count_of(answer, client.url_of(path))


def counted_page(
    client: "ControllerClient", path: str, params: Params | None, limit: int, after_id: int
) -> tuple[list[Any], int]:
    """Return up to `limit` rows with an id above `after_id`, ascending, and the controller's count of such rows.

    A page shorter than `limit` is not necessarily the last one: a controller may cap pages at a smaller size, and a
    page that fails repeatedly, or is larger than the limit on bodies, is requested in parts.

    A row without a valid id (`id_of`) is returned once, among its neighbours. At the end of a page that is not the last
    one it is left to the next page, which lists it again.
    """
    answer = _get(client, path, params, limit, after_id)
    where = client.url_of(path)
    rows, matching = _rows_of(answer, where, after_id), _count_of(answer, where)
    return (rows if len(rows) >= matching else _up_to_last_id(rows)), matching


def whole(client: "ControllerClient", path: str, params: Params | None = None, after_id: int = 0) -> list[Any]:
    """Return all rows of a list with an id above `after_id`, ascending; at least as many as the controller counted.

    They are dicts (Row), or HostSummaryRow records. Rows without a valid id are included, as in `counted_page`.

    A list with fewer rows is read once more from the start, because rows may be deleted while it is read. Raises
    IncompleteAnswer if it then still has fewer rows.
    """
    for _ in range(2):
        rows, promised = _whole_once(client, path, params, after_id)
        if len(rows) >= promised:
            return rows
        client.statistics.retried("incomplete")
    raise errors.IncompleteAnswer(
        f"The controller twice counted {promised} rows in {client.url_of(path)} but returned {len(rows)}, so none were "
        "stored. Try again; if the error persists, check the controller's database."
    )


def _whole_once(client: "ControllerClient", path: str, params: Params | None, after_id: int) -> tuple[list[Any], int]:
    rows, promised = counted_page(client, path, params, PAGE_SIZE, after_id)
    after_id = last_id(rows)
    while after_id and len(rows) < promised:
        answer = _get(client, path, {**(params or {}), "count_disabled": 1}, PAGE_SIZE, after_id)
        page = _rows_of(answer, client.url_of(path), after_id)
        rows = rows + (page if len(rows) + len(page) >= promised else _up_to_last_id(page))
        after_id = last_id(page)
    return rows, promised


def id_of(row: Any) -> int | None:
    """Return the controller's id of a row, a positive 32-bit integer; None if it is missing or anything else."""
    value = row.get("id") if isinstance(row, dict) else getattr(row, "id", None)
    return value if type(value) is int and 0 < value <= MAX_ID else None


def ids_of(rows: Iterable[Any]) -> list[int]:
    """Return the valid ids in `rows`."""
    return [number for row in rows if (number := id_of(row)) is not None]


def last_id(rows: Sequence[Any]) -> int:
    """Return the last valid id in `rows`, after which the next page begins; 0 if there is none."""
    return next((number for row in reversed(rows) if (number := id_of(row))), 0)


def _up_to_last_id(rows: list[Any]) -> list[Any]:
    """Return `rows` up to the last valid id; all of them if none has one."""
    following = next((index for index, row in enumerate(reversed(rows)) if id_of(row)), 0)
    return rows[: len(rows) - following]


def _get(client: "ControllerClient", path: str, params: Params | None, limit: int, after_id: int) -> Answer:
    """Read a page of `limit` rows, or of fewer, down to one, if so many fail repeatedly or are too large."""
    size = client.page_sizes[path.rstrip("/").rpartition("/")[2]]
    asked: dict[str, Any] = {**(params or {}), "order_by": "id", "page_size": min(limit, size.rows)}
    if after_id:
        asked["id__gt"] = after_id
    failures = 0

    def failed(error: errors.ControllerError) -> None:
        nonlocal failures
        failures += may_be_too_much(error)
        if failures > 1:  # a single failure may be chance
            asked["page_size"] = size.halve(asked["page_size"])

    while True:
        try:
            answer = client.get(path, asked, failed)
        except errors.BodyTooLarge:
            if asked["page_size"] == 1:
                raise
            client.statistics.retried("too large")
            asked["page_size"] = size.halve(asked["page_size"])
        else:
            size.note(asked["page_size"])
            return answer


def may_be_too_much(error: errors.ControllerError) -> bool:
    """Return whether a smaller page may succeed: after a 5xx, a timeout or a connection that ended early."""
    failed = isinstance(error, errors.ServerError | errors.Unreachable | errors.CorruptBody)
    return failed and not isinstance(error, errors.NotSent) and error.cause not in ("HTTP 425", "HTTP 429")


def _rows_of(answer: Answer, where: str, after_id: int) -> list[Any]:
    """Return the rows of a list. Raises CorruptBody unless their valid ids ascend from above `after_id`."""
    rows = answer.body.get("results")
    if not isinstance(rows, list):
        raise errors.CorruptBody(f"The response of {where} is not a list of results. Check that this is a controller.")
    last = after_id
    for number in ids_of(rows):
        if number <= last:
            raise errors.CorruptBody(
                f"The rows of {where} are not ordered by id as requested. Check that this is a controller."
            )
        last = number
    return rows


def _count_of(answer: Answer, where: str) -> int:
    number = answer.body.get("count")
    if type(number) is not int or number < 0:
        raise errors.CorruptBody(f"The response of {where} has no count of rows. Check that this is a controller.")
    return number
