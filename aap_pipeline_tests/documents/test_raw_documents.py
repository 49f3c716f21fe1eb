"""Documents on their way into a raw row: whole but for their links, told apart from what jsonb cannot hold."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aap_pipeline.controller.host_summaries import HostSummaryRow, decode_host_summaries
from aap_pipeline.controller.paging import id_of
from aap_pipeline.controller.transport import decode
from aap_pipeline.documents.raw_documents import (
    RawDocument,
    encode,
    finished_of,
    labels_are_cut,
    raw_job,
    raw_job_without_id,
    unstorable,
)
from aap_pipeline.raw.rare_things import store_listing
from aap_pipeline_tests.raw.fakes import NOW, job
from aap_pipeline_tests.recorded import job_documents, organization_documents, template_documents

PRODUCTS = ["aap_24", "aap_25", "awx"]
MISSING = object()
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec=None)), inner, max_size=3),
    max_leaves=12,
)


def storable(value: object) -> bool:
    """Whether PostgreSQL can hold `value` in a jsonb: by its own rules, not by the text."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return all(storable(key) and storable(item) for key, item in value.items())
    return all(map(storable, value)) if isinstance(value, list) else True


@given(st.dictionaries(st.text(st.characters(codec=None)), values, max_size=4))
def test_any_document_is_encoded_and_what_jsonb_cannot_hold_is_told_apart(document: dict[str, Any]) -> None:
    """Guards against one strange artifact that fails a whole batch, and against good documents in quarantine."""
    found = unstorable(encode(document))
    if (
        storable(document)
        and "NaN" not in repr(document)
        and "nan" not in repr(document)
        and "inf" not in repr(document)
    ):
        assert found is None
    if not storable(document):
        assert found is not None


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("\0", False),
        ("\ud83d", False),
        ("\udc00 tail", False),
        ("\\u0000 as text", True),
        ("\\\\u0000", True),
        ("🚀 emoji", True),
        ("NaN, Infinity and other words", True),
    ],
)
@pytest.mark.parametrize("number", [1, 2**70])
def test_unstorable_text_is_known_by_its_characters(text: str, fits: bool, number: int) -> None:
    """Guards against an escaped backslash taken for an escape, and an emoji beside a huge number for half a pair."""
    assert (unstorable(encode({"artifacts": {text: text}, "n": number})) is None) is fits


def test_numbers_that_json_does_not_know() -> None:
    """Guards against a NaN in the artifacts that stops a sync: it becomes null, as every browser writes it."""
    assert json.loads(encode({"n": float("nan"), "m": float("inf")})) == {"n": None, "m": None}
    assert json.loads(encode({"n": float("nan"), "big": 2**70, "s": "NaN"})) == {"n": None, "big": 2**70, "s": "NaN"}
    assert unstorable(encode({"n": float("nan"), "text": "\ud800"})) is not None


def test_a_raw_job_is_the_row_as_received_with_its_host_summaries() -> None:
    """Guards against a document that is not what the controller sent."""
    row = job(7, unknown={"a": 2**70}, summary_fields={"labels": {"count": 1, "results": [{"id": 1}]}})
    made = raw_job(row, [{"id": 1}, {"id": 2}], None, b"digest")
    assert json.loads(made.document) == {**row, "job_host_summaries": [{"id": 1}, {"id": 2}]}
    assert (made.external_id, made.host_summaries, made.finished, made.provisional) == (7, 2, NOW - MINUTE, False)


def test_a_raw_job_is_kept_without_what_it_says_twice() -> None:
    """Guards against half of each document being links and copies, and against dropping anything else."""
    row = job(7, related={"labels": "/api/v2/jobs/7/labels/"}, url="/api/v2/jobs/7/", job=3, unknown={"url": "kept"})
    links = {"url": "/api/v2/job_host_summaries/1/", "related": {"job": "/api/v2/jobs/7/"}}
    host = {"host": {"id": 4, "name": "web1"}, "unknown": {"related": {}}}
    summaries = [{"id": 1, "job": 7, **links, "summary_fields": {**host, "job": {"id": 7, "name": "job"}}}]
    made = json.loads(raw_job(row, summaries, None, b"digest").document)
    kept = {key: value for key, value in row.items() if key not in ("related", "url")}
    assert made == {**kept, "job_host_summaries": [{"id": 1, "job": 7, "summary_fields": host}]}
    assert "related" in row, "the sweep still reads the row"


@pytest.mark.parametrize("odd", [None, 5, [], True])
def test_nonsense_in_place_of_a_link_or_a_copy_is_kept(odd: object) -> None:
    """Guards against hiding from whoever looks into quarantine what a controller really sent."""
    row = job(7, related=odd, url=odd)
    summaries = [
        {"id": 1, "related": odd, "url": odd, "summary_fields": odd},
        {"id": 2, "summary_fields": {"job": odd}},
    ]
    made = json.loads(raw_job(row, [dict(summary) for summary in summaries], None, b"digest").document)
    assert made == {**row, "job_host_summaries": summaries}


def summaries_of(product: str) -> list[dict[str, Any]]:
    """Recorded host summaries, each a copy."""
    found = [summary for row in job_documents(product) for summary in row["job_host_summaries"]]
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


@pytest.mark.parametrize("product", PRODUCTS)
def test_host_summaries_of_recorded_controllers_are_usual(product: str) -> None:
    """Guards against a field forgotten in HostSummaryRow, which would make every page of a controller slow to read."""
    page = decode_host_summaries(json.dumps({"count": 1, "next": None, "results": summaries_of(product)}).encode())
    assert page["results"]
    assert {type(row) for row in page["results"]} == {HostSummaryRow}


@given(
    product=st.sampled_from(PRODUCTS),
    where=st.tuples(st.integers(0, 2), st.sampled_from([(), ("summary_fields",), ("summary_fields", "host")])),
    key=st.sampled_from(["id", "url", "related", "summary_fields", "job", "host", "ok", "failed", "name", "new"]),
    value=values | st.just(MISSING),
)
def test_a_document_is_the_same_however_its_host_summaries_were_read(
    product: str, where: tuple[int, tuple[str, ...]], key: str, value: object
) -> None:
    """Guards against a value lost or altered on the faster way, which only usual pages may take."""
    rows = summaries_of(product)
    part = rows[where[0]]
    for step in where[1]:
        part = part.setdefault(step, {})
    if value is MISSING:
        part.pop(key, None)
    else:
        part[key] = value
    body = json.dumps({"count": 3, "next": None, "results": rows}).encode()
    fast, plain = (
        raw_job(job(7), read(body)["results"], None, b"").document for read in (decode_host_summaries, decode)
    )
    assert json.loads(fast) == json.loads(plain)


@pytest.mark.parametrize("name", ["x" * 9, "\ud800", 2**70])
def test_host_summaries_are_kept_beside_whatever_the_job_holds(name: object) -> None:
    """Guards against a job that cannot be written because its own text is odd."""
    rows = summaries_of("awx")
    page = decode_host_summaries(json.dumps({"count": len(rows), "results": rows}).encode())
    made = json.loads(raw_job(job(7, name=name), page["results"], None, b"").document)
    assert [row["id"] for row in made["job_host_summaries"]] == [row["id"] for row in rows]
    assert made["name"] == name


@pytest.mark.parametrize("product", PRODUCTS)
def test_links_name_no_id_that_the_rest_of_the_document_lacks(product: str) -> None:
    """Guards against dropping with the links what recorded controllers say nowhere else."""
    jobs = job_documents(product)
    summaries = [summary for row in jobs for summary in row["job_host_summaries"]]
    for document in [*jobs, *summaries, *template_documents(product), *organization_documents(product)]:
        links = json.dumps([document.get("url"), document.get("related")])
        rest = json.dumps({key: value for key, value in document.items() if key not in ("url", "related")})
        assert set(re.findall(r"/(\d+)/", links)) <= set(re.findall(r": (\d+)", rest))


MINUTE = NOW - (finished_of(job(1)) or NOW)


@pytest.mark.parametrize("value", [None, 0, -1, 2**31, "7", 7.0, True])
def test_what_is_no_id_is_none(value: object) -> None:
    """Guards against an id that the column cannot hold."""
    assert id_of({"id": value}) is None


@pytest.mark.parametrize("value", [None, 5, "yesterday", "2026-01-01T00:00:00", "0001-01-01T00:00:00+23:00"])
def test_what_is_no_moment_is_none(value: object) -> None:
    """Guards against a watermark made of something that is no aware time."""
    assert finished_of({"finished": value}) is None


@pytest.mark.parametrize(
    "labels", [None, {}, [], {"count": 3}, {"count": "11", "results": []}, {"count": 1, "results": [{"id": 1}]}]
)
def test_whole_or_absent_labels_are_not_cut(labels: object) -> None:
    """Guards against requests for labels that are there, or a crash where they are not."""
    assert not labels_are_cut({"summary_fields": {"labels": labels}})
    assert not labels_are_cut({})


class Listed:
    """A listing's store."""

    def __init__(self, stored: dict[int, bytes | None]) -> None:
        self.stored = stored
        self.changed: list[RawDocument] = []
        self.quarantined: set[bytes] = set()

    def listed(self, kind: str) -> Mapping[int, bytes | None]:
        return self.stored

    def without_id(self, kind: str, fingerprints: Collection[bytes]) -> Collection[bytes]:
        return {digest for digest in fingerprints if digest in self.quarantined}

    def write_listing(self, changed: Sequence[RawDocument]) -> None:
        self.changed = list(changed)


@pytest.fixture(autouse=True)
def by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the fingerprint of a listed row its name."""
    monkeypatch.setattr("aap_pipeline.raw.rare_things.fingerprint", lambda document, _: str(document["name"]).encode())


def test_a_listing_keeps_what_is_new_or_changed_and_notices_what_is_gone() -> None:
    """Guards against rewriting thousands of templates each minute, and against templates that live for ever."""
    store = Listed({1: b"same", 2: b"old", 3: b"gone", 4: None})
    listing = [{"id": number, "name": name} for number, name in ((1, "same"), (2, "new"), (4, "same"), (5, "added"))]
    assert store_listing(store, "job_template", listing) == 4
    assert [row.external_id for row in store.changed] == [2, 4, 5, None]
    assert (store.changed[-1].kind, store.changed[-1].document) == ("job_template_gone", b'{"ids":[3]}')


def test_a_listing_is_kept_without_its_links() -> None:
    """Guards against kilobytes of addresses for each template."""
    store = Listed({})
    store_listing(store, "organization", [{"id": 1, "name": "a", "url": "/1/", "related": {"users": "/1/"}}])
    assert [json.loads(row.document) for row in store.changed] == [{"id": 1, "name": "a"}]


def test_an_empty_listing_says_of_nothing_that_it_is_gone() -> None:
    """Guards against removing every template because the token's user lost a role."""
    store = Listed({1: b"a", 2: b"b"})
    store_listing(store, "job_template", [])
    assert store.changed == []


@pytest.mark.parametrize("row", [{"name": "odd"}, {"id": "3", "name": "odd"}, {"id": {"id": 3}, "name": "odd"}])
def test_a_row_without_a_valid_id_is_kept_once_and_is_not_taken_for_a_deletion(row: dict[str, Any]) -> None:
    """Guards against a template marked as removed because its row came without its id, and against a copy each sync."""
    store = Listed({1: b"a", 3: b"b"})
    listing = [{"id": 1, "name": "a"}, row]
    assert store_listing(store, "job_template", [dict(each) for each in listing]) == 1
    assert [(each.kind, each.external_id) for each in store.changed] == [("job_template", None)]
    store.quarantined = {b"odd"}
    assert store_listing(store, "job_template", listing) == 0


@pytest.mark.parametrize(
    "row", [None, 5, "x", [], {}, {"id": "7", "artifacts": {"p": "secret"}, "extra_vars": "secret"}]
)
def test_a_job_without_a_valid_id_is_kept_as_it_was_listed(row: Any) -> None:
    """Guards against a row that no rule foresees, which would stop its cluster for good."""
    made = raw_job_without_id(row, b"digest")
    assert (made.kind, made.external_id, made.fingerprint) == ("job", None, b"digest")
    assert json.loads(made.document) == ({"id": "7"} if isinstance(row, dict) and row else row)


@pytest.mark.parametrize("odd", [None, 5, "x", {"name": "no id"}, {"id": [7]}, {"id": {"a": 1}}])
def test_odd_labels_and_host_summaries_stay_in_their_job_for_core_to_refuse(odd: Any) -> None:
    """Guards against one label or host summary that ends a sync."""
    labels = {"count": 12, "results": [odd, *({"id": number} for number in range(1, 10))]}
    document = json.loads(raw_job(job(7, summary_fields={"labels": labels}), [odd], [odd, {"id": 1}], b"").document)
    assert document["job_host_summaries"] == [odd]
    assert odd in document["summary_fields"]["labels"]["results"]


def test_organizations_are_never_marked_as_gone() -> None:
    """Guards against a kind of raw row that core does not know."""
    store = Listed({1: b"a", 2: b"b"})
    store_listing(store, "organization", [{"id": 1, "name": "a"}])
    assert store.changed == []
