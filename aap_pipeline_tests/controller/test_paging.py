"""Keyset lists over a fake controller that caps pages, loses rows or ignores options."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aap_pipeline.controller.answers import Answer
from aap_pipeline.controller.errors import (
    BodyTooLarge,
    ControllerError,
    CorruptBody,
    IncompleteAnswer,
    NotSent,
    ServerError,
    Unreachable,
)
from aap_pipeline.controller.paging import Failed, PageSize, count, counted_page, last_id, may_be_too_much, whole
from aap_pipeline.controller.query import Params
from aap_pipeline.controller.statistics import Statistics


class FakeController:
    """Lists `ids` the way a controller does; `promised` is its count, `cap` its largest page, `fitting` how many rows
    stay within the bound on bodies, `bearable` how many a proxy on the way waits for, `odd` are the rows that it shows
    in place of some.
    """

    base_url = "https://aap.example.com"

    def __init__(
        self,
        ids: list[int],
        cap: int = 200,
        promised: int | None = None,
        counts_always: bool = False,
        fitting: int = 200,
        bearable: int = 200,
        odd: dict[int, Any] | None = None,
    ) -> None:
        self.ids = sorted(ids)
        self.cap = cap
        self.promised = promised
        self.counts_always = counts_always
        self.fitting = fitting
        self.bearable = bearable
        self.page_sizes: defaultdict[str, PageSize] = defaultdict(PageSize)
        self.odd = odd or {}
        self.statistics = Statistics()
        self.asked: list[dict[str, Any]] = []

    def url_of(self, path: str) -> str:
        return f"{self.base_url}/api/v2/{path}"

    def get(self, path: str, params: Params | None = None, failed: Failed | None = None) -> Answer:
        asked: dict[str, Any] = dict(params or {})
        self.asked.append(asked)
        left = [number for number in self.ids if number > asked.get("id__gt", 0)]
        for _ in range(RETRIES):
            if min(self.cap, asked["page_size"], len(left)) > self.bearable:
                assert failed is not None
                failed(ServerError("HTTP 504", cause="HTTP 504"))
                asked = dict(params or {})
                self.asked.append(asked)
        size = min(self.cap, asked["page_size"])
        if min(size, len(left)) > self.fitting:
            raise BodyTooLarge("too large")
        body: dict[str, Any] = {"results": [self.odd.get(number, {"id": number}) for number in left[:size]]}
        if self.counts_always or "count_disabled" not in asked:
            body["count"] = len(left) if self.promised is None else self.promised
            body["next"] = f"/api/v2/{path}?page=2" if len(left) > size else None
        return Answer(body, {})


class Scripted(FakeController):
    """Answers with one fixed body."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__([])
        self.body = body

    def get(self, path: str, params: Params | None = None, failed: Failed | None = None) -> Answer:
        return Answer(self.body, {})


RETRIES = 8
IDS = st.lists(st.integers(1, 2000), unique=True, max_size=60)


def by_counted_pages(controller: FakeController, size: int = 200, after: int = 0) -> list[int]:
    """All ids above `after`, read the way the sweep reads a slice."""
    return [row["id"] for row in rows_by_counted_pages(controller, size, after)]


def rows_by_counted_pages(controller: FakeController, size: int = 200, after: int = 0) -> list[Any]:
    """The same, as rows."""
    found: list[Any] = []
    while True:
        rows, matching = counted_page(controller, "jobs/", None, size, last_id(found) or after)
        found += rows
        if len(rows) >= matching:
            return found


@given(
    IDS,
    st.integers(1, 20),
    st.integers(1, 300),
    st.integers(1, 30),
    st.integers(1, 30),
    st.booleans(),
    st.integers(0, 500),
)
def test_pages_deliver_every_row_once_whatever_the_cap_and_whatever_is_too_much(
    ids: list[int], cap: int, size: int, fitting: int, bearable: int, counts: bool, after: int
) -> None:
    """A controller with MAX_PAGE_SIZE below what is asked makes a client that stops at a short page lose the rest."""
    controller = FakeController(ids, cap=cap, counts_always=counts, fitting=fitting, bearable=bearable)
    assert by_counted_pages(controller, size, after) == [number for number in sorted(ids) if number > after]


def sizes(controller: FakeController) -> list[int]:
    """The page sizes asked for, in order."""
    return [asked["page_size"] for asked in controller.asked]


def test_a_page_that_is_too_large_is_asked_for_in_parts() -> None:
    """Two hundred jobs with long extra_vars can exceed what an answer may hold: such a cluster would stand still."""
    controller = FakeController(list(range(1, 401)), fitting=60)
    assert [row["id"] for row in whole(controller, "jobs/")] == list(range(1, 401))
    assert sizes(controller) == [200, 100, 50, 100, *[50] * 7]
    assert controller.statistics.retries_by_cause == {"too large": 3}


def test_a_page_that_a_proxy_does_not_wait_for_is_asked_for_in_parts() -> None:
    """Guards against a cluster that stands still behind an impatient proxy, and against a failure for each page."""
    controller = FakeController(list(range(1, 401)), bearable=60)
    assert [row["id"] for row in whole(controller, "jobs/")] == list(range(1, 401))
    assert sizes(controller) == [200, 200, 100, 50, 100, 100, *[50] * 7]


def test_pages_grow_again_after_an_outage() -> None:
    """Guards against a minute without the controller that makes the rest of a long sync many times slower."""
    controller = FakeController(list(range(1, 2001)))
    assert by_counted_pages(controller, after=1000)
    controller.bearable = 12
    assert counted_page(controller, "jobs/", None, 200, 0)[0][-1] == {"id": 12}
    controller.bearable, controller.asked = 200, []
    by_counted_pages(controller)
    assert sizes(controller)[:6] == [24, 48, 96, 192, 200, 200]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 200)), max_size=60))
def test_whatever_happens_a_page_has_at_least_one_row_and_at_most_as_many_as_a_controller_sends(
    events: list[tuple[bool, int]],
) -> None:
    """Guards against a size of zero, which a controller takes for its default."""
    size = PageSize()
    for arrived, rows in events:
        if arrived:
            size.note(min(rows, size.rows))
        else:
            assert 1 <= size.halve(rows) <= max(rows // 2, 1)
        assert 1 <= size.rows <= 200


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ServerError("x", cause="HTTP 502"), True),
        (ServerError("x", cause="HTTP 408"), True),
        (ServerError("x", cause="HTTP 429"), False),
        (Unreachable("x", cause="timeout"), True),
        (NotSent("x"), False),
        (CorruptBody("x", cause="cut off"), True),
    ],
)
def test_only_what_a_smaller_page_may_avoid_makes_pages_smaller(error: ControllerError, expected: bool) -> None:
    """Guards against small pages for a controller that is down or wants to be asked less often."""
    assert may_be_too_much(error) is expected


def test_a_single_row_that_is_too_large_is_an_error() -> None:
    """There is nothing left to ask for less of."""
    with pytest.raises(BodyTooLarge):
        whole(FakeController([1, 2], fitting=0), "jobs/")


@given(IDS, st.integers(1, 20), st.integers(1, 30))
def test_whole_lists_deliver_every_row_once_whatever_the_cap(ids: list[int], cap: int, fitting: int) -> None:
    """The same, for lists that are held against their count."""
    controller = FakeController(ids, cap=cap, fitting=fitting)
    assert [row["id"] for row in whole(controller, "organizations/")] == sorted(ids)


def test_a_list_that_fits_on_one_page_costs_one_request() -> None:
    """Host summaries are fetched job by job: a second request for each would halve the speed of a sync."""
    controller = FakeController([3, 5])
    assert len(whole(controller, "jobs/1/job_host_summaries/")) == 2
    assert controller.asked == [{"page_size": 200, "order_by": "id"}]


def test_no_list_is_ever_asked_for_by_page_number() -> None:
    """Offset pages shift when cleanup_jobs deletes rows, and rows are skipped."""
    controller = FakeController(list(range(1, 700)))
    whole(controller, "job_templates/")
    by_counted_pages(controller)
    assert all("page" not in asked for asked in controller.asked)


def test_fewer_rows_than_counted_are_asked_for_again_and_then_refused() -> None:
    """An answer that promises 10 hosts and delivers 8 would be stored as complete."""
    controller = FakeController([1, 2, 3], promised=4)
    with pytest.raises(
        IncompleteAnswer, match=r"counted 4 rows in https://aap\.example\.com/api/v2/labels/ but"
    ) as raised:
        whole(controller, "labels/")
    assert raised.value.transient
    assert sum("count_disabled" not in asked for asked in controller.asked) == 2


def test_rows_that_arrive_while_a_list_is_read_are_welcome() -> None:
    """More than counted is no fault."""
    assert len(whole(FakeController([1, 2, 3], promised=2), "labels/")) == 3


def test_an_empty_list_is_an_answer() -> None:
    """A job may legitimately have no hosts."""
    assert whole(FakeController([]), "labels/") == []
    assert counted_page(FakeController([]), "jobs/", None, 200, 0) == ([], 0)


def test_counting_asks_for_one_row_only() -> None:
    """A page of 200 jobs costs half a second at the controller."""
    controller = FakeController(list(range(1, 12)))
    assert count(controller, "jobs/", {"status": "failed"}) == 11
    assert controller.asked == [{"status": "failed", "page_size": 1}]


@pytest.mark.parametrize("body", [{}, {"results": None}, {"results": {}}, {"detail": "x"}])
def test_a_body_without_results_is_corrupt_not_empty(body: dict[str, Any]) -> None:
    """`.get("results", [])` is how every known product loses a page in silence."""
    scripted = Scripted({"count": 0, **body})
    for read in (lambda: whole(scripted, "x/"), lambda: by_counted_pages(scripted)):
        with pytest.raises(CorruptBody):
            read()


@pytest.mark.parametrize("number", [None, "3", -1, True, 1.0])
def test_a_count_that_is_no_number_is_corrupt(number: object) -> None:
    """None would compare as complete somewhere, or raise a TypeError far away."""
    with pytest.raises(CorruptBody, match="no count"):
        count(Scripted({"count": number, "results": []}), "jobs/")


NO_ID = st.sampled_from([None, "7", 7.0, -7, 0, True, {"id": 7}, [7], 2**31, 10**30])


@given(st.sets(st.integers(1, 400), max_size=40), st.integers(2, 20), st.integers(2, 40), st.data())
def test_rows_without_a_valid_id_are_delivered_once_among_their_neighbours(
    ids: set[int], cap: int, size: int, data: st.DataObject
) -> None:
    """Guards against one odd row that stops its cluster, hides what follows it, or is counted twice."""
    nameless = [number for number in sorted(ids)[::2] if data.draw(st.booleans())]  # never two side by side
    shown = st.fixed_dictionaries({"name": st.just("odd")}, optional={"id": NO_ID}) | st.sampled_from([None, 5, "x"])
    odd = {number: data.draw(shown) for number in nameless}
    expected = [odd.get(number, {"id": number}) for number in sorted(ids)]
    assert rows_by_counted_pages(FakeController(sorted(ids), cap=cap, odd=odd), size) == expected
    assert whole(FakeController(sorted(ids), cap=cap, odd=odd), "labels/") == expected


def test_a_page_of_rows_without_ids_ends_a_list_that_then_falls_short() -> None:
    """Guards against a loop, and against a list that is called whole although nothing could be asked for after it."""
    controller = FakeController(list(range(1, 7)), cap=2, odd={3: {}, 4: {}})
    with pytest.raises(IncompleteAnswer, match=r"counted 6 rows in .*/labels/ but returned 4"):
        whole(controller, "labels/")


@pytest.mark.parametrize("ids", [[2, 1], [1, 1], [3, None, 3], [2, "9", 1]])
def test_rows_out_of_order_are_refused(ids: list[object]) -> None:
    """A proxy that drops order_by or id__gt would make keyset paging skip rows, or loop for ever."""
    body = {"count": len(ids), "results": [{"id": number} for number in ids]}
    for read in (lambda: whole(Scripted(body), "x/"), lambda: by_counted_pages(Scripted(body))):
        with pytest.raises(CorruptBody, match="not ordered by id"):
            read()


def test_a_controller_that_ignores_the_keyset_does_not_loop_for_ever() -> None:
    """The same page again and again would otherwise be endless."""
    with pytest.raises(CorruptBody):
        by_counted_pages(Scripted({"count": 5, "results": [{"id": 1}]}), size=1)
