"""The query engine against a naive one that scans documents: every filter, order and page the client may use."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aap_simulator.clock import wire
from aap_simulator.pages import link, page
from aap_simulator.query import BadQuery, parse
from aap_simulator.schema import JOBS
from aap_simulator.synthetic import SyntheticWorld, synthetic

UNTIL = datetime(2026, 3, 1, tzinfo=UTC)
WORLD: SyntheticWorld = synthetic(seed=3, jobs=150, days=20, templates=6, organizations=3, hosts=12, until=UNTIL)
DOCUMENTS = [row.document() for row in WORLD.jobs]
IDS = [document["id"] for document in DOCUMENTS]
STAMPS = sorted({document["finished"] for document in DOCUMENTS if document["finished"]})

# A prefix (not__, or__) and a condition (field, lookup, text).
Rule = tuple[str, tuple[str, str, str]]

ids = st.sampled_from([0, *IDS, 10**6])
stamps = st.sampled_from([*STAMPS, wire(UNTIL - timedelta(days=40)), wire(UNTIL)])
comparisons = st.sampled_from(["gt", "gte", "lt", "lte", "exact"])
conditions = st.one_of(
    st.tuples(st.just("id"), comparisons, ids.map(str)),
    st.tuples(st.just("finished"), comparisons, stamps),
    st.tuples(
        st.just("status"), st.sampled_from(["exact", "in"]), st.sampled_from(["successful", "failed", "running"])
    ),
    st.tuples(st.just("status"), st.just("in"), st.sampled_from(["failed,error", "new,pending,waiting,running"])),
    st.tuples(
        st.sampled_from(["finished", "started", "job_template"]), st.just("isnull"), st.sampled_from(["true", "0"])
    ),
    st.tuples(st.just("id"), st.just("in"), st.lists(ids, min_size=1, max_size=9).map(lambda v: ",".join(map(str, v)))),
    st.tuples(st.just("name"), st.just("icontains"), st.sampled_from(["patch", "ü", "zz"])),
    st.tuples(st.just("organization"), st.just("exact"), st.sampled_from(["1", "2", "99"])),
)
prefixes = st.sampled_from(["", "", "", "not__", "or__", "or__not__"])
orders = st.lists(
    st.sampled_from(["id", "-id", "finished", "-finished", "name", "-name", "modified", "status"]),
    max_size=3,
    unique=True,
)


def _value(document: dict[str, Any], field: str) -> Any:
    value = document[field]
    return datetime.fromisoformat(value) if value and field in ("finished", "started", "modified") else value


def _typed(field: str, text: str) -> Any:
    if field in ("finished", "started"):
        return datetime.fromisoformat(text)
    return int(text) if field in ("id", "organization") else text


def _matches(document: dict[str, Any], field: str, lookup: str, text: str) -> bool:
    value = _value(document, field)
    if lookup == "isnull":
        return bool((value is None) == (text == "true"))
    if value is None:
        return False
    if lookup == "in":
        return value in [_typed(field, item) for item in text.split(",")]
    if lookup == "icontains":
        return text.lower() in value.lower()
    wanted = _typed(field, text)
    outcomes = {
        "exact": value == wanted,
        "gt": value > wanted,
        "gte": value >= wanted,
        "lt": value < wanted,
        "lte": value <= wanted,
    }
    return bool(outcomes[lookup])


def _naive(rules: list[Rule], order: list[str]) -> list[int]:
    found = []
    for document in DOCUMENTS:
        outcomes = [(prefix, _matches(document, *rule) != ("not__" in prefix)) for prefix, rule in rules]
        alternatives = [held for prefix, held in outcomes if prefix.startswith("or__")]
        if all(held for prefix, held in outcomes if not prefix.startswith("or__")) and (
            not alternatives or any(alternatives)
        ):
            found.append(document)
    for name in reversed(order or ["id"]):
        field = name.removeprefix("-")
        present = [document for document in found if document[field] is not None]
        absent = [document for document in found if document[field] is None]
        present.sort(key=lambda document: _value(document, field), reverse=name.startswith("-"))
        found = absent + present if name.startswith("-") else present + absent
    return [document["id"] for document in found]


def _query(rules: list[Rule], **fields: Any) -> str:
    pairs = [(f"{prefix}{field}__{lookup}", text) for prefix, (field, lookup, text) in rules]
    return urlencode([*pairs, *fields.items()])


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(prefixes, conditions), max_size=4), orders, st.integers(1, 60))
def test_every_query_pages_through_exactly_what_a_scan_finds(rules: list[Rule], order: list[str], size: int) -> None:
    """Guards against an index that answers a filter it does not, overlapping pages, a wrong count."""
    expected = _naive(rules, order)
    fetched: list[int] = []
    query: str | None = _query(rules, order_by=",".join(order), page_size=size)
    while query is not None:
        body = orjson.loads(page(WORLD.jobs, "/api/v2/jobs/", query).body)
        assert body["count"] == len(expected)
        fetched += [row["id"] for row in body["results"]]
        query = body["next"].split("?", 1)[1] if body["next"] else None
    assert fetched == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.just(""), conditions), max_size=2), st.integers(1, 60))
def test_keyset_pages_find_the_same_rows_as_offset_pages(rules: list[Rule], size: int) -> None:
    """Guards the paging that the sweep relies on: `order_by=id&id__gt=LAST&count_disabled=1`."""
    fetched: list[int] = []
    while True:
        keyset = [*rules, ("", ("id", "gt", str(fetched[-1] if fetched else 0)))]
        query = _query(keyset, order_by="id", page_size=size, count_disabled=1)
        body = orjson.loads(page(WORLD.jobs, "/api/v2/jobs/", query).body)
        assert list(body) == ["results"]
        if not body["results"]:
            break
        fetched += [row["id"] for row in body["results"]]
    assert fetched == _naive(rules, ["id"])


def test_hundreds_of_jobs_with_one_finish_time_are_one_range() -> None:
    """Guards the bounds of the `finished` index: with equal stamps, `gt` leaves all out and `gte` takes all in."""
    stamps_of_jobs = [document["finished"] for document in DOCUMENTS]
    common = max(set(stamps_of_jobs) - {None}, key=stamps_of_jobs.count)
    assert stamps_of_jobs.count(common) >= 20
    counts = {}
    for lookup in ("gt", "gte"):
        query = urlencode({f"finished__{lookup}": common, "page_size": 1})
        counts[lookup] = orjson.loads(page(WORLD.jobs, "/", query).body)["count"]
    assert counts["gte"] - counts["gt"] == stamps_of_jobs.count(common)


@pytest.mark.parametrize(
    ("query", "status", "detail"),
    [
        ("finished__gt=2026-02-30", 400, "but it is an invalid date/time."),
        ("failed=maybe", 400, 'Unable to interpret "maybe" as boolean'),
        ("elapsed__gt=x", 400, "must be a decimal number."),
        ("id=1.5", 400, "“1.5” value must be an integer."),
        ("order_by=labels", 403, "Ordering by labels is not allowed."),
        ("artifacts__icontains=x", 403, "Filtering on artifacts is not allowed."),
    ],
)
def test_a_query_the_controller_refuses_says_why(query: str, status: int, detail: str) -> None:
    """Guards the refusals that were not recorded."""
    with pytest.raises(BadQuery) as caught:
        parse(query, JOBS)
    assert caught.value.status == status
    assert detail in caught.value.detail


def test_page_sizes_are_capped_and_absurd_ones_ignored() -> None:
    """Guards the silent cap that makes a client which asks for 1,000 lose 800."""
    assert [parse(query, JOBS).page_size for query in ("", "page_size=1000", "page_size=0", "page_size=-3")] == [
        25,
        200,
        25,
        25,
    ]


def test_links_to_other_pages_are_sorted_and_escaped_as_recorded() -> None:
    """Guards the form of `next`."""
    query = "page_size=5&order_by=finished,id&finished__gt=2026-10-01T00:00:00Z"
    expected = "/jobs/?finished__gt=2026-10-01T00%3A00%3A00Z&order_by=finished%2Cid&page=2&page_size=5"
    assert link("/jobs/", query, 2) == expected


def test_a_row_moves_in_the_index_when_its_job_finishes() -> None:
    """Guards the index against changes: a job that finishes, and one that is deleted."""
    world = synthetic(seed=1, jobs=0, history=False, until=UNTIL)
    world.clock.freeze(UNTIL)
    job = world.start_job()

    def count(query: str) -> int:
        return int(orjson.loads(page(world.jobs, "/", query).body)["count"])

    assert (count("finished__isnull=true"), count("finished__gt=2020-01-01")) == (1, 0)
    world.clock.advance(timedelta(seconds=9))
    world.finish_job(job)
    assert (count("finished__isnull=true"), count("finished__gt=2020-01-01")) == (0, 1)
    world.delete_job(job)
    assert count("") == 0
