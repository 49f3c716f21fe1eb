"""The specification's "Data Integrity and Constraints", and what quarantine is for."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from aap_pipeline.core import rejected
from aap_pipeline.core.parse import parse
from aap_pipeline.database.connection import Connection
from aap_pipeline.errors import PipelineError
from aap_pipeline_tests.core.conftest import Store
from aap_pipeline_tests.core.helpers import add_raw, job, labels, summary, template, values

_BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("unknown_status", {"status": "exploded"}),
    ("finished_missing", {"finished": None}),
    ("elapsed_missing", {"elapsed": None}),
    ("finished_before_started", {"status": "running", "finished": "2026-02-01T00:00:00Z"}),
    ("out_of_range", {"elapsed": 1e12}),
    ("out_of_range", {"status": "running", "elapsed": -1}),
    ("out_of_range", {"id": 2**31}),
    ("out_of_range", {"finished": "9999-12-31T23:59:59Z"}),
    ("out_of_range", {"job_host_summaries": [summary(1, 1, ok=2**31)]}),
    ("wrong_type", {"name": None}),
    ("wrong_type", {"failed": "no"}),
    ("wrong_type", {"started": "yesterday"}),
    ("wrong_type", {"job_host_summaries": {}}),
    ("too_long", {"launch_type": "x" * 21}),
    ("too_long", {"name": "x" * 513}),
    ("foreign_host_summary", {"job_host_summaries": [summary(1, 77)]}),
    ("labels_cut", {"summary_fields": {"labels": {**labels((1, "a")), "count": 11}}}),
]


@pytest.mark.parametrize(("reason", "changes"), _BROKEN)
def test_a_document_that_breaks_a_rule_is_quarantined_and_its_neighbours_go_through(
    connection: Connection, store: Store, reason: str, changes: dict[str, Any]
) -> None:
    """Guards against one bad document that sinks a batch, is stored in part, or vanishes."""
    result = store(job(1), job(2, **changes), job(3))
    assert (result.jobs, result.rejected, result.batches) == (2, 1, 1)
    assert values(connection, "SELECT external_id FROM clusters_job ORDER BY 1") == [1, 3]
    [record] = rejected.list_rejected(connection)
    assert (record["reason"], record["attempts"]) == (reason, 1)
    assert record["message"].endswith(".")
    assert rejected.show(connection, record["id"])["document"].startswith("{")
    assert values(connection, "SELECT count(*) FROM clusters_clustersyncdata") == [0]


@pytest.mark.parametrize("missing", ["id", "name", "status", "job_host_summaries"])
def test_a_document_without_what_every_job_has_is_quarantined(
    connection: Connection, store: Store, missing: str
) -> None:
    """Guards against a job without host summaries (no answer) stored as one with none (an empty answer)."""
    document = job(1)
    del document[missing]
    assert store(document).rejected == 1
    assert [record["reason"] for record in rejected.list_rejected(connection)] == ["missing_field"]


NO_ID = [None, "7", 7.5, -7, 0, True, 2**31, 10**30, {"id": 7}, [7], []]


@pytest.mark.parametrize("kind", ["job", "organization", "job_template"])
def test_records_without_a_valid_id_are_quarantined_each_by_itself(
    connection: Connection, store: Store, kind: str
) -> None:
    """Guards against records of one nonsense id that displace each other, and one that sinks its neighbours."""
    document = job(1) if kind == "job" else template(1, "t")
    result = store(*({**document, "id": odd, "name": f"odd {n}"} for n, odd in enumerate(NO_ID)), document, kind=kind)
    assert (result.documents, result.rejected) == (len(NO_ID) + 1, len(NO_ID))
    found = rejected.list_rejected(connection)
    assert {record["external_id"] for record in found} == {None}
    names = {json.loads(rejected.show(connection, record["id"])["document"])["name"] for record in found}
    assert names == {f"odd {n}" for n in range(len(NO_ID))}


@pytest.mark.parametrize("odd", NO_ID)
def test_a_host_summary_or_a_label_without_a_valid_id_takes_its_job_into_quarantine(
    connection: Connection, store: Store, odd: object
) -> None:
    """Guards against a job stored with fewer hosts than it had, or without a label, because of one odd row."""
    rows = [summary(1, 2), {**summary(2, 2), "id": odd}]
    label = {"count": 1, "results": [{"id": odd, "name": "l"}]}
    result = store(job(1), job(2, job_host_summaries=rows), job(3, summary_fields={"labels": label}), job(4))
    assert (result.jobs, result.rejected) == (2, 2)
    assert sorted(record["external_id"] or 0 for record in rejected.list_rejected(connection)) == [2, 3]


@pytest.mark.parametrize("document", [[], "x", 5, None, True])
def test_a_raw_row_that_is_no_object_is_quarantined(connection: Connection, store: Store, document: object) -> None:
    """Guards against a crash on JSON of another shape."""
    assert store(document, job(1)).rejected == 1
    assert [record["reason"] for record in rejected.list_rejected(connection)] == ["wrong_type"]


def test_a_kind_from_a_later_release_is_quarantined(connection: Connection, store: Store) -> None:
    """Guards against a downgrade that drops rows which it does not know."""
    assert store({"id": 1}, kind="workflow").rejected == 1
    assert [record["reason"] for record in rejected.list_rejected(connection)] == ["unknown_kind"]


def test_a_document_too_deep_to_read_is_quarantined(connection: Connection, store: Store, cluster: int) -> None:
    """Guards against a recursion error that ends the parse."""
    deep = json.dumps(job(1, artifacts="deep")).replace('"deep"', "[" * 2_000 + "]" * 2_000)
    connection.execute("INSERT INTO clusters_clustersyncdata (cluster_id, data) VALUES (%s, %s)", [cluster, deep])
    connection.commit()
    result = store(job(2, description="d" * 5_000_000))
    assert (result.jobs, result.rejected) == (1, 1)
    assert [record["reason"] for record in rejected.list_rejected(connection)] == ["too_deep"]
    assert values(connection, "SELECT max(length(description)) FROM clusters_job") == [5_000_000]


def test_new_launch_types_and_unknown_keys_are_kept(connection: Connection, store: Store) -> None:
    """Guards against an upgrade of the controller that fills quarantine."""
    store(job(1, launch_type="telepathy", job_type="dream", brand_new={"a": [1]}))
    assert values(connection, "SELECT launch_type, job_type FROM clusters_job") == [("telepathy", "dream")]


@pytest.mark.parametrize("status", ["new", "pending", "waiting", "running"])
def test_jobs_that_are_not_finished_are_stored_and_change_no_day(
    connection: Connection, store: Store, status: str
) -> None:
    """Guards against a start that the table needs and a pending job has not."""
    store(job(1, status=status, started=None, finished=None, elapsed=0.0, job_host_summaries=[]))
    assert values(connection, "SELECT status, never_started, started = created, finished FROM clusters_job") == [
        (status, True, True, None)
    ]
    assert values(connection, "SELECT count(*) FROM pipeline.changed_day") == [0]


def test_a_finished_job_that_never_started_starts_when_it_finished(connection: Connection, store: Store) -> None:
    """Guards against a canceled job lost to NOT NULL."""
    store(job(1, status="canceled", started=None, elapsed=0.0, job_host_summaries=[]))
    assert values(connection, "SELECT never_started, started = finished FROM clusters_job") == [(True, True)]


def test_failed_jobs_without_hosts_are_kept(connection: Connection, store: Store) -> None:
    """Guards against a failure before the first host that is lost, as the specification's model rule would have it."""
    store(job(1, status="failed", failed=True, job_host_summaries=[]))
    assert values(connection, "SELECT status, num_hosts FROM clusters_job") == [("failed", 0)]


@pytest.mark.parametrize(
    "change",
    ["status = 'exploded'", "elapsed = NULL", "finished = started - interval '1 s'"],
)
def test_the_database_itself_refuses_what_the_rules_forbid(connection: Connection, store: Store, change: str) -> None:
    """Guards against rules that only our own code keeps."""
    store(job(1))
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(f"UPDATE clusters_job SET {change}".encode())


def test_deleting_a_cluster_takes_everything_of_it_along(connection: Connection, store: Store, cluster: int) -> None:
    """Guards against rows that no cluster owns; references between dimensions must not be in the way."""
    store(job(1, summary_fields={"labels": labels((1, "a"))}), job(2, status="exploded"))
    tables = ("clusters_job", "clusters_jobhostsummary", "clusters_joblabel", "clusters_host", "clusters_label",
              "clusters_organization", "pipeline.rejected_record", "pipeline.changed_day")  # fmt: skip
    counts = " + ".join(f"(SELECT count(*) > 0 FROM {table})::int" for table in tables)
    assert values(connection, f"SELECT {counts}") == [len(tables)]
    connection.execute("DELETE FROM clusters_cluster WHERE id = %s", [cluster])
    assert values(connection, f"SELECT {counts}") == [0]


def test_deleting_a_job_takes_its_host_summaries_and_labels_along(connection: Connection, store: Store) -> None:
    """Guards against summaries without a job."""
    store(job(1, summary_fields={"labels": labels((1, "a"))}))
    connection.execute("DELETE FROM clusters_job")
    assert values(connection, "SELECT count(*) FROM clusters_jobhostsummary") == [0]
    assert values(connection, "SELECT count(*) FROM clusters_joblabel") == [0]


def test_a_document_that_only_the_server_refuses_is_found_by_halves(
    connection: Connection, store: Store, database_url: str, cluster: int
) -> None:
    """Guards against a batch that fails for ever, and against a retry row by row."""
    connection.execute("ALTER TABLE clusters_job ADD CONSTRAINT mine CHECK (name <> 'poison')")
    connection.commit()
    documents = [job(n, name="poison" if n in (17, 40) else "Patch") for n in range(1, 65)]
    result = store(*documents)
    assert (result.jobs, result.rejected) == (62, 2)
    assert result.batches < 30
    assert {record["reason"] for record in rejected.list_rejected(connection)} == {"refused_by_database"}
    connection.rollback()
    connection.execute("ALTER TABLE clusters_job DROP CONSTRAINT mine")
    connection.commit()
    assert rejected.replay(database_url).jobs == 2
    assert rejected.list_rejected(connection) == []


def test_a_server_that_refuses_everything_ends_the_parse_and_loses_nothing(
    connection: Connection, database_url: str, cluster: int
) -> None:
    """Guards against a thousand innocent documents in quarantine because of a trigger that somebody added."""
    connection.execute("ALTER TABLE clusters_job ADD CONSTRAINT mine CHECK (name <> 'Patch')")
    connection.commit()
    add_raw(connection, cluster, [job(n) for n in range(1, 401)])
    with pytest.raises(PipelineError, match="rejected 200 parts"):
        parse(database_url, cluster)
    left = values(connection, "SELECT count(*) FROM clusters_clustersyncdata")[0]
    quarantined = values(connection, "SELECT count(*) FROM pipeline.rejected_record")[0]
    assert left + quarantined == 400
    assert left > 200
