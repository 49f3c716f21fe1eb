"""The sweep between a controller and a store in memory: its rules, one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aap_pipeline.controller.errors import ControllerError, CorruptBody, IncompleteAnswer, NotFound, ServerError
from aap_pipeline.documents.raw_documents import RawJob
from aap_pipeline.raw.completion import Completion
from aap_pipeline.raw.sweep import Sweep
from aap_pipeline.raw.window import Plan, Window
from aap_pipeline_tests.raw.fakes import MINUTE, NOW, Document, FakeController, FakeStore, job

WINDOW = Window(NOW - timedelta(days=90), NOW)
PLAN = Plan(WINDOW, moves_watermark=True)
FIRST = replace(PLAN, first=True)


def digest(document: Document) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


class Bench:
    """A sweep's surroundings."""

    def __init__(self, executor: ThreadPoolExecutor, **controller: Any) -> None:
        self.controller = FakeController(**controller)
        self.store = FakeStore()
        self.executor = executor

    def sweep(self, now: datetime = NOW, plan: Plan = PLAN, resume: datetime | None = None, **options: Any) -> Sweep:
        self.controller.log.clear()
        sweep = self.new(now, **options)
        sweep.run(plan, resume)
        return sweep

    def new(self, now: datetime = NOW, **options: Any) -> Sweep:
        return Sweep(self.controller, self.store, self.executor, digest, now, **options)


@pytest.fixture
def bench(executor: ThreadPoolExecutor) -> Bench:
    return Bench(executor)


@settings(deadline=None)
@given(
    moments=st.lists(st.integers(0, 40).map(lambda step: NOW - step * timedelta(microseconds=1)), max_size=60),
    limit=st.integers(1, 10),
)
def test_slices_are_whole_disjoint_and_small_or_one_instant(moments: list[datetime], limit: int) -> None:
    """Guards against a job between two slices or in both, and against a slice that could have been cut."""
    with ThreadPoolExecutor(4) as executor:
        bench = Bench(executor)
        bench.controller.add(*(job(number, moment) for number, moment in enumerate(moments, 1)))
        bench.sweep(slice_jobs=limit)
    pieces = list(itertools.starmap(Window, itertools.pairwise([WINDOW.after, *bench.store.ends])))
    assert pieces[-1].until == WINDOW.until
    within = [sum(piece.after < moment <= piece.until for moment in moments) for piece in pieces]
    assert sum(within) == len(moments) == len(bench.store.rows)
    assert all(jobs <= limit or not piece.divisible for piece, jobs in zip(pieces, within, strict=True))


@given(ids=st.sets(st.integers(1, 10_000), max_size=120), page_size=st.integers(1, 60), limit=st.integers(5, 50))
def test_every_job_is_stored_whatever_the_ids_and_the_page_cap(ids: set[int], page_size: int, limit: int) -> None:
    """Guards against a keyset that skips or repeats at the edges of pages."""
    with ThreadPoolExecutor(4) as executor:
        bench = Bench(executor, page_size=page_size)
        bench.controller.add(*(job(number, NOW - number * MINUTE) for number in ids))
        tally = bench.sweep(slice_jobs=limit).tally
    assert bench.store.rows.keys() == ids
    assert tally.jobs_seen == tally.jobs_stored == tally.jobs_counted == len(ids)
    assert bench.store.watermark == (NOW - min(ids) * MINUTE if ids else None)
    assert sorted(number for (number,) in bench.controller.asked("host_summaries")) == sorted(ids)


def test_known_jobs_cost_no_request(bench: Bench) -> None:
    """Guards against fetching the host summaries of the overlap again and again."""
    bench.controller.add(*(job(number) for number in range(1, 30)))
    bench.sweep()
    tally = bench.sweep().tally
    assert {entry[0] for entry in bench.controller.log} == {"page"}
    assert (tally.jobs_known, tally.jobs_stored, tally.done) == (29, 0, 29)


def test_a_changed_job_is_read_again(bench: Bench) -> None:
    """Guards against a stale copy of a job that the controller has corrected."""
    bench.controller.add(job(1), job(2))
    bench.sweep()
    bench.controller.add(job(2, name="renamed"))
    bench.sweep()
    assert bench.controller.asked("host_summaries") == [(2,)]
    assert orjson.loads(bench.store.rows[2].document)["name"] == "renamed"


@pytest.mark.parametrize("plan", [PLAN, FIRST])
def test_each_page_comes_first_then_its_pending_list_then_its_host_summaries(
    executor: ThreadPoolExecutor, plan: Plan
) -> None:
    """Guards against the one wrong order: summaries that arrive between two questions must not be missed."""
    bench = Bench(executor, page_size=2)
    bench.controller.add(*(job(number) for number in range(1, 7)))
    bench.sweep(plan=plan)
    position = bench.controller.log.index
    assert sorted(bench.controller.asked("pending")) == [(0, 2), (2, 4), (4, 6)]
    for before, last in bench.controller.asked("pending"):
        first = min(position(("host_summaries", number)) for number in range(before + 1, last + 1))
        assert position(("page", before)) < position(("pending", before, last)) < first


@pytest.mark.parametrize("plan", [PLAN, FIRST])
@pytest.mark.parametrize("parse_time", ["page", "pending", "host_summaries"])
def test_host_summaries_written_at_any_moment_are_not_missed(
    parse_time: str, plan: Plan, executor: ThreadPoolExecutor
) -> None:
    """Guards against a job that is stored as complete although its host summaries came a parse_time too late."""
    bench = Bench(executor, pending={1, 2, 3})
    bench.controller.add(*(job(number) for number in range(1, 4)))
    bench.controller.after[parse_time] = lambda controller: controller.pending.clear()
    bench.sweep(plan=plan)
    assert bench.store.rows.keys() == {1, 2, 3}
    for row in bench.store.rows.values():
        assert row.provisional or row.host_summaries == 2
    bench.sweep()
    assert all(row.host_summaries == 2 and not row.provisional for row in bench.store.rows.values())


def test_awaited_jobs_wait_until_their_deadline_and_are_then_final(bench: Bench) -> None:
    """Guards against waiting for ever for jobs that never had a host, and against giving up too early."""
    bench.controller.add(job(1, NOW), job(2, NOW - 119 * MINUTE), job(3, NOW - 120 * MINUTE))
    bench.controller.pending = {1, 2, 3}
    bench.sweep()
    assert {number: row.provisional for number, row in bench.store.rows.items()} == {1: True, 2: True, 3: False}
    assert all(row.unreported for row in bench.store.rows.values())
    bench.sweep()
    assert bench.controller.asked("host_summaries") == []
    assert len(bench.controller.asked("pending")) == 1
    later = NOW + MINUTE
    bench.sweep(now=later, plan=Plan(Window(NOW, later), moves_watermark=True))
    assert bench.store.waiting.keys() == {1}
    assert not bench.store.rows[2].provisional


def test_a_provisional_job_that_is_awaited_no_longer_is_read_again(bench: Bench) -> None:
    """Guards against taking whatever is stored for known: this one was said to be deleted, and is listed after all."""
    bench.controller.add(job(1), job(2))
    bench.controller.pending = {1}
    bench.sweep()
    bench.store.settle([1])
    bench.controller.pending.clear()
    bench.sweep()
    assert bench.controller.asked("host_summaries") == [(1,)]
    assert (bench.store.rows[1].provisional, bench.store.rows[1].host_summaries) == (False, 2)


def test_awaited_jobs_that_the_controller_deleted_are_settled(bench: Bench) -> None:
    """Guards against a job that stays provisional for ever because it is gone there."""
    bench.controller.add(job(1), job(2))
    bench.controller.pending = {1, 2}
    bench.sweep()
    del bench.controller.jobs[1]
    bench.sweep()
    assert bench.store.settled == {1}
    assert bench.store.waiting.keys() == {2}


def test_a_slice_that_falls_short_is_read_again(bench: Bench) -> None:
    """Guards against a row that one answer leaves out."""
    bench.controller.add(*(job(number) for number in range(1, 4)))
    bench.controller.withheld = 1
    bench.sweep()
    assert bench.store.rows.keys() == {1, 2, 3}


def test_a_row_left_out_is_noticed_even_if_another_appears(executor: ThreadPoolExecutor) -> None:
    """Guards against two mistakes that cancel out in the sum: one row withheld, one new."""
    bench = Bench(executor, withheld=3)
    bench.controller.add(*(job(number) for number in (1, 2, 30)))
    bench.controller.after["page"] = lambda controller: controller.add(job(4, NOW - 2 * MINUTE))
    bench.sweep()
    assert bench.store.rows.keys() == {1, 2, 4, 30}


def test_a_slice_that_stays_short_fails_and_keeps_the_watermark(bench: Bench) -> None:
    """Guards against a watermark beyond a job that never came."""
    bench.controller.add(*(job(number, NOW - number * MINUTE) for number in range(1, 10)))
    bench.controller.add(job(10, NOW - timedelta(days=80)))

    def short(controller: FakeController) -> None:
        controller.withheld = 1000

    bench.controller.after["host_summaries"] = short
    with pytest.raises(IncompleteAnswer, match="counts"):
        bench.sweep(slice_jobs=5)
    assert bench.store.watermark == NOW - timedelta(days=80)
    bench.controller.withheld = 0
    bench.sweep(slice_jobs=5)
    assert bench.store.rows.keys() == set(range(1, 11))


def test_a_row_that_is_counted_and_left_out_of_the_middle_is_missed(bench: Bench) -> None:
    """Guards against a watermark beyond a job that no page holds, though each page looks whole."""
    bench.controller.add(*(job(number) for number in range(1, 6)))
    bench.controller.left_out = {3}
    with pytest.raises(IncompleteAnswer, match=r"counts 5 jobs .* returned 4"):
        bench.sweep()
    assert bench.store.watermark is None
    assert bench.store.rows.keys() == {1, 2, 4, 5}


def test_what_is_done_meanwhile_is_done_before_anything_is_stored(bench: Bench) -> None:
    """Guards against jobs whose templates are not there yet, and against waiting for one list before the next."""
    bench.controller.add(job(1))
    seen: list[int] = []
    bench.new().run(PLAN, meanwhile=lambda: seen.append(len(bench.store.rows)))
    assert seen == [0]
    assert bench.store.rows.keys() == {1}


def test_a_first_sync_asks_who_is_pending_while_other_things_are_stored(bench: Bench) -> None:
    """Guards against a first sync that waits for one answer before it does anything else."""
    bench.controller.add(job(1, WINDOW.after + MINUTE))
    asked = Event()
    bench.controller.after["pending"] = lambda _: asked.set()
    waited: list[bool] = []
    bench.new().run(FIRST, meanwhile=lambda: waited.append(asked.wait(10)))
    assert waited == [True]


def test_a_first_page_that_only_tells_the_count_asks_nobody_who_is_pending(bench: Bench) -> None:
    """Guards against a question about a window of a million jobs that is read in pieces anyway."""
    bench.controller.add(*(job(number, NOW - number * MINUTE) for number in range(1, 6)))
    bench.sweep(plan=FIRST, slice_jobs=2)
    asked = bench.controller.asked("pending")
    assert asked
    assert all(upto - after < 5 for after, upto in asked)


def test_jobs_deleted_while_the_slice_is_read_are_not_missing(executor: ThreadPoolExecutor) -> None:
    """Guards against a sync that never gets past a clean-up."""
    bench = Bench(executor, page_size=4)
    bench.controller.add(*(job(number) for number in range(1, 10)))
    bench.controller.after["page"] = lambda controller: controller.jobs.pop(9)
    bench.controller.after["pending"] = lambda controller: controller.jobs.pop(2)
    tally = bench.sweep().tally
    assert bench.store.rows.keys() == {1, *range(3, 9)}
    assert (tally.vanished, tally.done) == (1, 8)


def test_a_job_wrongly_said_to_be_gone_is_an_error(bench: Bench) -> None:
    """Guards against dropping a job because its host summaries were not found once."""
    bench.controller.add(job(1), job(2))
    bench.controller.not_found = {2}
    with pytest.raises(IncompleteAnswer, match="HTTP 404"):
        bench.sweep()
    assert bench.store.watermark is None
    assert bench.store.rows.keys() == {1}


def test_what_arrived_before_a_failure_is_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against asking again for thousands of jobs after one request failed."""
    bench.controller.add(*(job(number) for number in range(1, 41)))
    real = bench.controller.host_summaries

    def failing(number: int) -> list[Document]:
        if number == 30:
            raise ServerError("down", cause="HTTP 503")
        return real(number)

    monkeypatch.setattr(bench.controller, "host_summaries", failing)
    with pytest.raises(ServerError):
        bench.sweep(in_flight=4)
    assert set(range(1, 30)) <= bench.store.rows.keys()
    assert bench.store.watermark is None
    monkeypatch.setattr(bench.controller, "host_summaries", real)
    bench.sweep()
    assert {number for (number,) in bench.controller.asked("host_summaries")} <= set(range(30, 41))


def test_what_is_under_way_is_handed_on_before_more_is_asked_for(bench: Bench) -> None:
    """Guards against a whole page of answers in memory: workers bound what is asked at once, not what has arrived."""
    completion = Completion(bench.controller, bench.executor, 3, lambda _: None)
    bench.controller.add(*(job(number) for number in range(1, 41)))
    handed_on = 0
    for added, row in enumerate(bench.controller.jobs.values(), 1):
        completion.add(row, b"", provisional=False, unreported=False)
        handed_on += len(completion.take())
        assert added - handed_on <= 3


def test_a_backfill_resumes_where_it_stopped(bench: Bench) -> None:
    """Guards against reading the months again that a killed backfill has read."""
    bench.controller.add(job(1, NOW - timedelta(days=50)), job(2, NOW - timedelta(days=5)))
    bench.sweep(resume=NOW - timedelta(days=10))
    assert bench.store.rows.keys() == {2}
    assert bench.store.done_to == NOW


def test_a_sweep_that_is_to_pause_ends_with_its_slice(bench: Bench) -> None:
    """Guards against a pause that loses the slice before it, and against one at the end that says something is left."""
    bench.controller.add(*(job(number, NOW - timedelta(days=20 - number)) for number in range(1, 11)))
    sweep = Sweep(bench.controller, bench.store, bench.executor, digest, NOW, slice_jobs=4)
    sweep.pause = lambda _: True
    pauses, resume = 0, None
    while sweep.run(PLAN, resume).paused:
        pauses, resume, sweep.tally.paused = pauses + 1, bench.store.done_to, False
    assert bench.store.rows.keys() == set(range(1, 11))
    assert pauses >= 2
    assert bench.store.done_to == NOW


def test_a_list_that_does_not_move_on_is_an_error(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against an endless loop over a proxy's cached page."""
    bench.controller.add(job(1), job(2))
    monkeypatch.setattr(bench.controller, "jobs_page", lambda *_: ([job(1)], 2))
    with pytest.raises(CorruptBody, match="not sorted"):
        bench.sweep()


def test_cut_labels_are_fetched_and_whole_ones_are_not(bench: Bench) -> None:
    """Guards against a request a job for labels that the row already shows."""
    whole = {"labels": {"count": 2, "results": [{"id": 1}, {"id": 2}]}}
    cut = {"labels": {"count": 15, "results": [{"id": number} for number in range(6, 16)]}}
    bench.controller.add(job(1, summary_fields=whole), job(2, summary_fields=cut))
    bench.sweep()
    assert bench.controller.asked("labels") == [(2,)]
    labels = orjson.loads(bench.store.rows[2].document)["summary_fields"]["labels"]
    assert labels["count"] == 15
    assert [label["id"] for label in labels["results"]] == [*range(6, 16), *range(1, 6)]


@given(
    ids=st.sets(st.integers(1, 60), min_size=1, max_size=40),
    page_size=st.integers(1, 20),
    limit=st.integers(3, 50),
    odd=st.lists(st.sampled_from([{"id": None}, {"id": "7"}, {"id": 1.5}, {"id": -7}, {"id": [1]}, {}]), max_size=40),
    start=st.integers(0, 20),
    every=st.integers(1, 3),
)
def test_jobs_without_a_valid_id_are_stored_once_and_hold_up_no_other(
    ids: set[int], page_size: int, limit: int, odd: list[Document], start: int, every: int
) -> None:
    """Guards against one listed job without an id that stops its cluster for good, or comes back with each sync."""
    with ThreadPoolExecutor(4) as executor:
        bench = Bench(executor, page_size=page_size)
        bench.controller.add(*(job(number, NOW - number * MINUTE) for number in ids))
        nameless = sorted(ids)[start::every]  # where each is one, whole pages
        bench.controller.shown = {
            number: {**bench.controller.jobs[number], "id": None, "name": f"odd {number}", **change}
            for number, change in zip(nameless, odd, strict=False)
        }
        kept = ids - bench.controller.shown.keys()
        tally = bench.sweep(slice_jobs=limit).tally
        assert bench.store.rows.keys() == kept
        names = [orjson.loads(row.document)["name"] for row in bench.store.nameless]
        assert sorted(names) == sorted(row["name"] for row in bench.controller.shown.values())
        assert tally.jobs_seen == tally.jobs_counted == len(ids)
        assert bench.store.watermark == NOW - min(ids) * MINUTE
        again = bench.sweep(slice_jobs=limit).tally
        assert (again.jobs_known, again.jobs_stored) == (len(ids), 0)


class Broken(Exception):
    """An error that no part of the sweep expects."""


class FailingController(FakeController):
    """Fails at some requests: {(kind, how many of the kind came before): error}. Deletes a job at others."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.fails: dict[tuple[str, int], type[Exception]] = {}
        self.deletes: dict[int, int] = {}

    def _asked(self, kind: str, *what: Any) -> None:
        before, total = len(self.asked(kind)), len(self.log)
        super()._asked(kind, *what)
        gone = self.deletes.pop(total, 0)
        with self._lock:  # another dict, because workers iterate over this one
            self.jobs = {number: row for number, row in self.jobs.items() if number != gone}
        if error := self.fails.pop((kind, before), None):
            raise error("broken")


class MortalStore(FakeStore):
    """Dies at some transactions: before the commit of number step // 2, or right after it."""

    def __init__(self, dies: set[int]) -> None:
        super().__init__()
        self.dies, self.steps = dies, 0

    def finish_slice(self, jobs: Sequence[RawJob], until: datetime, newest: datetime | None) -> None:
        with self._dying():
            super().write(jobs)
            self.watermark = max(filter(None, (self.watermark, newest)), default=None)

    def write(self, jobs: Sequence[RawJob]) -> None:
        with self._dying():
            super().write(jobs)

    @contextmanager
    def _dying(self) -> Iterator[None]:
        self.steps += 2
        if self.steps - 2 in self.dies:
            raise Broken
        yield
        if self.steps - 1 in self.dies:
            raise Broken


@settings(deadline=None)
@given(
    ids=st.lists(st.integers(1, 500), unique=True, min_size=5, max_size=60),
    gaps=st.lists(st.sampled_from((0, 1, 60, 7200)), min_size=60, max_size=60),
    fails=st.dictionaries(
        st.tuples(
            st.sampled_from(("page", "pending", "count", "host_summaries", "host_summaries", "by_ids")),
            st.integers(0, 30),
        ),
        st.sampled_from((ServerError, Broken, NotFound, CorruptBody)),
        max_size=6,
    ),
    deletes=st.dictionaries(st.integers(0, 60), st.integers(0, 59), max_size=4),
    dies=st.sets(st.integers(0, 30), max_size=3),
    pending=st.sets(st.integers(0, 59), max_size=4),
    limit=st.integers(2, 20),
    first=st.booleans(),
)
def test_no_failure_leaves_a_job_behind_the_watermark(
    ids: list[int],
    gaps: list[int],
    fails: dict[tuple[str, int], type[Exception]],
    deletes: dict[int, int],
    dies: set[int],
    pending: set[int],
    limit: int,
    first: bool,
) -> None:
    """Guards against a slice that ends, by a failure of any kind and at any place, without one of its jobs."""
    controller, store = FailingController(page_size=7), MortalStore(dies)
    moments = [NOW - timedelta(seconds=sum(gaps[: index + 1])) for index in range(len(ids))]
    controller.add(*map(job, ids, moments))
    controller.pending = {ids[index % len(ids)] for index in pending}
    controller.fails = dict(fails)
    controller.deletes = {total: ids[index % len(ids)] for total, index in deletes.items()}
    for _ in range(len(fails) + len(dies) + 1):
        controller.log.clear()
        begin = store.watermark - 10 * MINUTE if store.watermark else WINDOW.after
        plan = Plan(Window(begin, NOW), moves_watermark=True, first=first and store.watermark is None)
        with ThreadPoolExecutor(4) as executor, suppress(ControllerError, Broken):
            Sweep(controller, store, executor, digest, NOW, limit, in_flight=5).run(plan)
        behind = {
            number
            for number, row in controller.jobs.items()
            if datetime.fromisoformat(row["finished"]) <= (store.watermark or WINDOW.after)
        }
        assert behind <= store.rows.keys()
        assert controller.pending & behind <= store.waiting.keys() | {
            number
            for number in behind
            if datetime.fromisoformat(controller.jobs[number]["finished"]) <= NOW - 120 * MINUTE
        }
    assert store.rows.keys() >= controller.jobs.keys()
