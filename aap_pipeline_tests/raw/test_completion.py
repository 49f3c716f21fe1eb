"""The completion of listed jobs: what is complete when a slice ends, in whatever order workers get their turn."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aap_pipeline.controller.errors import ControllerError, NotFound, ServerError
from aap_pipeline.documents.raw_documents import RawJob
from aap_pipeline.raw.completion import Completion
from aap_pipeline_tests.raw.fakes import job


class Workers:
    """An executor whose work is done when the test says so, in the order that it says."""

    def __init__(self) -> None:
        self.work: list[tuple[Future[Any], Any, tuple[Any, ...]]] = []

    def submit(self, call: Any, *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.work.append((future, call, arguments))
        return future

    def do(self, index: int) -> None:
        future, call, arguments = self.work[index]
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(call(*arguments))
            except ControllerError as error:
                future.set_exception(error)


class Controller:
    """Fails for the jobs `failing` and does not find those `deleted`."""

    def __init__(self, failing: set[int], deleted: set[int]) -> None:
        self.failing, self.deleted = failing, deleted

    def host_summaries(self, number: int) -> list[Any]:
        if number in self.failing:
            raise ServerError("down")
        if number in self.deleted:
            raise NotFound("deleted")
        return []

    def jobs_by_ids(self, ids: list[int]) -> list[Any]:
        return []


@given(data=st.data(), slices=st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_a_slice_ends_only_when_all_jobs_up_to_its_end_are_complete(data: st.DataObject, slices: list[int]) -> None:
    """Guards against a watermark beyond a job that was skipped because a later one had failed."""
    numbers = range(1, sum(slices) + 1)
    failing = data.draw(st.sets(st.sampled_from(numbers), max_size=2))
    deleted = data.draw(st.sets(st.sampled_from(numbers), max_size=2)) - failing
    order = data.draw(st.permutations(range(len(numbers))))
    waits = data.draw(st.booleans())
    workers, written, ended = Workers(), set[int](), list[int]()

    def write(jobs: list[RawJob]) -> None:
        written.update(each.external_id or 0 for each in jobs)

    completion = Completion(Controller(failing, deleted), workers, 100, write)

    def end(last: int) -> None:
        write(completion.take())
        assert written | deleted >= set(range(1, last + 1))
        assert written <= set(range(1, last + 1))
        ended.append(last)

    begin = 0
    for length in slices:
        for number in range(begin + 1, begin + length + 1):
            completion.add(job(number), b"")
        begin += length
        completion.then(partial(end, begin))
    for index in order:
        workers.do(index)
    failed = False
    if waits:
        try:
            completion.wait()
        except ServerError:
            failed = True
    write(completion.abandon())
    assert failed is (waits and bool(failing))
    assert ended == sorted(ended)
    assert not written & (failing | deleted)
    if not failing:
        assert ended[-1] == begin
        assert completion.vanished == len(deleted)
