"""What core tolerates and refuses of a document, and the fingerprint by which stage raw knows that one changed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import defstruct
from msgspec.inspect import (
    BoolType,
    DateTimeType,
    DecimalType,
    Field,
    IntType,
    StrType,
    StructType,
    UnionType,
    type_info,
)

from aap_pipeline.documents.fingerprint import DIGEST_SIZE, SCHEMA, VERSION, fingerprint, schema
from aap_pipeline.documents.job_rows import JOB_COLUMNS, job_row
from aap_pipeline.documents.records import FINISHED_STATUSES, Job, ListedJob, Organization, Refused, decode
from aap_pipeline_tests.recorded import job_documents, organization_documents, template_documents

Document = dict[str, Any]
Where = tuple[str, ...]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
RECORDED = [*job_documents("aap_24"), *job_documents("aap_25"), *job_documents("awx")]


def _as_listed(document: Document) -> Document:
    """The row of the job list from which a raw row was made: no host summaries, labels cut to ten."""
    listed = {key: value for key, value in copy.deepcopy(document).items() if key != "job_host_summaries"}
    labels = listed["summary_fields"]["labels"]
    labels["results"] = labels["results"][:10]
    return listed


def _bytes(document: object) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.parametrize("document", RECORDED, ids=lambda document: str(document["id"]))
def test_the_listed_row_and_the_raw_row_have_one_fingerprint(document: Document) -> None:
    """Guards against known jobs whose host summaries are fetched again and again."""
    listed = _as_listed(document)
    digests = {fingerprint(listed), fingerprint(_bytes(listed)), fingerprint(document), fingerprint(_bytes(document))}
    assert len(digests) == 1
    assert len(digests.pop()) == DIGEST_SIZE


def test_what_changes_by_itself_is_not_in_the_fingerprint() -> None:
    """Guards against a refetch of all jobs of a project whenever the project is updated."""
    document = copy.deepcopy(RECORDED[0])
    before = fingerprint(document)
    fields = document["summary_fields"]
    fields["project"]["status"] = "failed"
    fields["inventory"]["total_hosts"] = 999
    fields["user_capabilities"] = {"delete": False, "start": False}
    document["artifacts"], document["related"], document["job_host_summaries"] = {"a": 1}, {}, []
    document["a_new_key"] = [1, 2]
    assert fingerprint(document) == before


def _other_values(field: Field, value: object) -> Iterator[object]:
    """Values that core reads as something else than `value`, of any type that the field may have."""
    kinds = field.type.types if isinstance(field.type, UnionType) else (field.type,)
    for kind in kinds:
        match kind:
            case IntType():
                yield from (number for number in (77, 78) if number != value)
            case StrType():
                yield from (text for text in ("failed", "canceled") if text != value)
            case BoolType():
                yield not value
            case DecimalType():
                yield 1.234
            case DateTimeType():
                yield "2027-01-01T00:00:00Z"


def _places(
    info: StructType, document: Document, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], object]]:
    """Each place of a document at which a field of the table of job fields stands, with other values for it."""
    for field in info.fields:
        value = document.get(field.name)
        inner = field.type.types if isinstance(field.type, UnionType) else (field.type,)
        for struct in inner:
            if isinstance(struct, StructType):
                yield from _places(struct, value if isinstance(value, dict) else {}, (*path, field.name))
        for other in _other_values(field, value):
            yield (*path, field.name), other


SAMPLE = {**RECORDED[0], "job_host_summaries": []}
FIELDS = type_info(ListedJob)
assert isinstance(FIELDS, StructType)
PLACES = list(_places(FIELDS, SAMPLE))


@pytest.mark.parametrize(("where", "value"), PLACES, ids=lambda each: ".".join(each) if isinstance(each, tuple) else "")
def test_every_field_of_the_table_is_in_the_fingerprint(where: Where, value: object) -> None:
    """Guards against a field that is declared and stored, and whose changes at the controller never arrive."""
    document = copy.deepcopy(SAMPLE)
    target = document
    for key in where[:-1]:
        target[key] = target = target.get(key) or {}
    before = fingerprint(document)
    target[where[-1]] = value
    assert isinstance(decode("job", _bytes(document)), Job)
    assert fingerprint(document) == fingerprint(_bytes(document)) != before


def test_the_places_of_fields_are_found() -> None:
    """Guards against a test of fields that has none."""
    found = {where for where, _ in PLACES}
    assert {(name,) for name in ListedJob.__struct_fields__} - found == {("summary_fields",), ("launched_by",)}
    assert {
        ("launched_by", "type"),
        ("summary_fields", "project", "name"),
        ("summary_fields", "labels", "count"),
    } < found


def test_labels_are_in_the_fingerprint() -> None:
    """Guards against a job that keeps the labels that it had when it was first read."""
    document = copy.deepcopy(RECORDED[0])
    before = fingerprint(document)
    document["summary_fields"]["labels"]["results"] = [{"id": 99, "name": "z"}]
    assert fingerprint(document) != before


def test_a_new_version_or_field_changes_every_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a new field that stays empty in all rows whose documents did not change."""
    before = {kind: fingerprint({"id": 1, "name": "a"}, kind) for kind in ("job", "organization", "job_template")}
    assert schema(2) != SCHEMA == schema(VERSION)
    monkeypatch.setattr("aap_pipeline.documents.records.Added", defstruct("Added", ["brand_new"]), raising=False)
    assert schema(VERSION) != SCHEMA
    monkeypatch.setattr("aap_pipeline.documents.fingerprint.SCHEMA", schema(2))
    for kind, digest in before.items():
        assert fingerprint({"id": 1, "name": "a"}, kind) != digest, kind


@pytest.mark.parametrize("kind", ["job_template", "organization"])
def test_templates_and_organizations_have_fingerprints_too(kind: str) -> None:
    """Guards against a template stored anew with each sync because its last run changed."""
    document = (template_documents("awx") if kind == "job_template" else organization_documents("awx"))[0]
    before = fingerprint(document, kind)
    changed = {**document, "last_job_run": "2027-01-01T00:00:00Z", "status": "failed", "related": {}}
    assert fingerprint(changed, kind) == fingerprint(_bytes(changed), kind) == before
    assert fingerprint({**document, "name": "other"}, kind) != before


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*RECORDED[0], "job_host_summaries"]), JSON))
def test_any_object_has_a_fingerprint_which_host_summaries_do_not_change(changes: Document) -> None:
    """Guards against a sync that ends at a document which stage core would quarantine."""
    document = {**RECORDED[0], **changes}
    listed = {key: value for key, value in document.items() if key != "job_host_summaries"}
    assert fingerprint(document) == fingerprint(listed) == fingerprint(document)
    assert len(fingerprint(_bytes(document))) == DIGEST_SIZE


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary() | JSON.map(_bytes), st.sampled_from(["job", "organization", "job_template", "job_template_gone", "?"])
)
def test_any_bytes_decode_or_are_refused_with_a_sentence(document: bytes, kind: str) -> None:
    """Guards against an exception that ends a parse."""
    refused: Refused | None = None
    try:
        decode(kind, document)
    except Refused as error:
        refused = error
    if refused is not None:
        assert refused.reason
        assert str(refused).endswith(".")
        assert len(str(refused)) < 400


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(RECORDED), st.dictionaries(st.sampled_from(list(RECORDED[0])), JSON, max_size=3))
def test_a_changed_document_gives_a_row_or_a_refusal(document: Document, changes: Document) -> None:
    """Guards against values that reach the database unchecked, or a crash on the way."""
    try:
        record = decode("job", _bytes({**document, **changes}))
        assert isinstance(record, Job)
        row = job_row(record, provisional=False, fingerprint=b"")
    except Refused:
        return
    for (name, type_), value in zip(JOB_COLUMNS.items(), row.values, strict=True):
        if type_ == "int4" and not (name.startswith("job_slice") and value is None):
            assert isinstance(value, int)
            assert 0 <= value < 2**31
        if type_ == "text":
            assert value is None or (isinstance(value, str) and "\0" not in value)


def test_a_job_may_finish_in_the_instant_in_which_it_started() -> None:
    """Guards against a job of no time at all that counts as one whose clock ran backwards."""
    moments = {"started": "2026-03-01T10:00:00.000001Z", "finished": "2026-03-01T10:00:00.000001Z"}
    record = decode("job", _bytes({**RECORDED[0], **moments}))
    assert isinstance(record, Job)
    assert not record.clock_ran_backwards


SPAN = st.integers(-(10**6), 10**6)


@given(SPAN, SPAN | st.none(), st.floats(-1e30, 999_999_999_998), st.sampled_from(sorted(FINISHED_STATUSES)))
def test_a_finished_job_whose_clock_ran_backwards_is_kept_without_a_run_time(
    finished: int, started: int | None, elapsed: float, status: str
) -> None:
    """Guards against jobs lost from every figure because two nodes' clocks differ, and against a negative run time."""
    zero = datetime(2026, 3, 1, tzinfo=UTC)

    def moment(microseconds: int) -> datetime:
        return zero + timedelta(microseconds=microseconds)

    times = {
        "finished": moment(finished).isoformat(),
        "started": None if started is None else moment(started).isoformat(),
    }
    record = decode("job", _bytes({**RECORDED[0], **times, "status": status, "elapsed": elapsed}))
    assert isinstance(record, Job)
    values = job_row(record, provisional=False, fingerprint=b"").values
    row = dict(zip(JOB_COLUMNS, values, strict=True))
    backwards = elapsed < 0 or (started is not None and finished < started)
    assert row["clock_ran_backwards"] is backwards
    assert row["finished"] == moment(finished)
    assert row["started"] == moment(finished if backwards or started is None else started)
    assert row["elapsed"] == (0 if backwards else Decimal(repr(elapsed)).quantize(Decimal("0.001"), ROUND_HALF_UP))


@pytest.mark.parametrize("changes", [{"elapsed": -1, "finished": None}, {"finished": "2026-01-01T00:00:00Z"}])
def test_a_job_under_way_whose_clock_ran_backwards_is_refused(changes: Document) -> None:
    """Guards against a start of a running job that is made up."""
    times = {"started": "2026-03-01T10:00:00Z", "elapsed": 0}
    with pytest.raises(Refused, match="running"):
        decode("job", _bytes({**RECORDED[0], **times, "status": "running", **changes}))


def test_host_totals_count_hosts_and_not_what_happened_on_them() -> None:
    """Guards against three failed tasks of one host counted as three hosts."""
    counters = ("changed", "dark", "failures", "ok", "processed", "skipped", "ignored", "rescued")
    moments = {"created": "2026-03-01T10:00:00Z", "modified": "2026-03-01T10:00:00Z"}
    busy = {"id": 1, "host_name": "a", **moments, **dict.fromkeys(counters, 3), "failed": True}
    idle = {"id": 2, "host_name": "b", **moments}
    record = decode("job", _bytes({**RECORDED[0], "job_host_summaries": [busy, idle]}))
    assert isinstance(record, Job)
    row = job_row(record, provisional=False, fingerprint=b"")
    found = {name: value for name, value in zip(JOB_COLUMNS, row.values, strict=True) if "hosts" in name}
    assert found == {"num_hosts": 2, "failed_hosts_count": 1, **{f"{name}_hosts_count": 1 for name in counters}}


def test_a_literal_that_looks_like_a_nul_is_none() -> None:
    """Guards against a search for NUL that takes its escape for the character."""
    record = decode("organization", rb'{"id": 1, "name": "a\\u0000b", "x": "\u0000"}')
    assert isinstance(record, Organization)
    assert record.name == r"a\u0000b"
    with pytest.raises(Refused, match="NUL"):
        decode("organization", rb'{"id": 1, "name": "a\u0000b"}')


def test_a_refusal_does_not_repeat_the_document() -> None:
    """Guards against secrets of extra_vars in messages and logs."""
    with pytest.raises(Refused) as refused:
        decode("job", _bytes({**RECORDED[0], "extra_vars": "hunter2", "elapsed": {"password": "hunter2"}}))
    assert "hunter2" not in str(refused.value)
    assert "elapsed" in str(refused.value)
