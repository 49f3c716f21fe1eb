"""Set-based for good: the number of statements does not grow with the rows, and each uses the index that it names."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

import aap_pipeline_tests
from aap_pipeline.core import checks, rejected
from aap_pipeline.core.parse import parse
from aap_pipeline.core.rebuild import rebuild
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.statements import sql_folder, statement
from aap_pipeline.documents.quarantine import quarantine
from aap_pipeline.upkeep.clean_up import clean_up
from aap_pipeline_tests.core.helpers import add_cluster, add_raw, job, labels, summary, template, values

JOBS = int(os.environ.get("AAP_PIPELINE_PLAN_JOBS", "200000"))
"""Jobs in core_history.sql; statistics, not time, decide a plan. A million take half a minute."""


@contextmanager
def recorded_statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that psycopg sends meanwhile, with its parameters."""
    seen: list[tuple[str, Any]] = []
    for name in ("execute", "copy"):
        original = getattr(psycopg.Cursor, name)

        def spy(self: Any, query: Any, params: Any = None, *, _original: Any = original, **rest: Any) -> Any:
            seen.append((query if isinstance(query, str) else str(query), params))
            return _original(self, query, params, **rest)

        monkeypatch.setattr(psycopg.Cursor, name, spy)
    yield seen
    monkeypatch.undo()


def test_the_number_of_statements_does_not_depend_on_the_number_of_rows(
    connection: Connection, database_url: str, cluster: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a statement a row that creeps in."""
    counts = []
    for first, jobs in ((1, 1), (1_000, 20), (10_000, 500)):
        documents = [
            job(n, project=n, summary_fields={"project": {"id": n, "name": f"p{n}"}, "labels": labels((n, "l"))},
                job_host_summaries=[summary(n * 10 + each, n, n * 10 + each, f"h{each}") for each in range(5)])
            for n in range(first, first + jobs)
        ]  # fmt: skip
        add_raw(connection, cluster, documents)
        with recorded_statements(monkeypatch) as seen:
            assert parse(database_url, cluster).batches == 1
        counts.append(len(seen))
    assert counts[0] == counts[1] == counts[2]


@pytest.fixture
def big(connection: Connection, cluster: int) -> int:
    """A cluster that shares big tables with another one; statistics fresh."""
    add_cluster(connection, "other.example.com")
    connection.autocommit = True
    connection.execute("SELECT set_config('history.jobs', %s, FALSE)", [str(JOBS)])
    connection.execute((Path(aap_pipeline_tests.__file__).parent / "data" / "core_history.sql").read_bytes())
    connection.execute("VACUUM ANALYZE")
    connection.autocommit = False
    return cluster


def _sent(
    url: str, connection: Connection, cluster: int, monkeypatch: pytest.MonkeyPatch
) -> dict[str, tuple[str, Any]]:
    """Every statement of sql/core that a life of the pipeline sends, by file, with real parameters."""
    documents = [
        job(n, organization=n % 9 + 1, project=n % 50 + 1, summary_fields={"labels": labels((n % 7 + 1, "l"))},
            launched_by={"id": None, "name": f"d{n % 9}", "type": "Dependency"} if n % 2 else {"id": 3, "name": "n3"},
            job_host_summaries=[summary(n * 3, n, n % 999 + 1, "a"), summary(n * 3 + 1, n, None, f"host{n * 5}")])
        for n in range(JOBS - 50, JOBS + 50)
    ]  # fmt: skip
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('raw_retention_days', '30')")
    connection.commit()
    add_raw(connection, cluster, [*documents, job(5, status="exploded")])
    add_raw(connection, cluster, [template(n, "t") for n in range(1, 40)], "job_template")
    with recorded_statements(monkeypatch) as seen:
        parse(url, cluster)
        rebuild(url, cluster)
        ids = [record.id for record in rejected.list_rejected(connection, cluster, limit=5)]
        rejected.show(connection, ids[0])
        rejected.replay(url, ids)
        quarantine(connection, cluster, kind="job", external_id=7, reason="r", message="m", document="{}")
        checks.host_totals(connection, cluster, 1_000)
        checks.host_totals(connection, cluster, 1_000)
        checks.unparsed(connection, cluster)
        checks.rejected_since(connection, None, cluster)
        checks.without_hosts(connection, cluster, values(connection, "SELECT now() - interval '1 day'")[0])
        checks.clocks(connection, cluster, values(connection, "SELECT now() - interval '1 day'")[0])
        checks.provisional(connection, cluster)
        checks.recount(connection, cluster, [5])
        clean_up(connection)
    files = {path.read_text(): path.stem for path in (sql_folder() / "core").glob("*.sql")}
    return {files[query]: (query, params) for query, params in seen if query in files}


def test_each_statement_uses_the_index_that_its_comment_names(
    big: int, connection: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a scan of the whole history for each batch, and against comments that are not true."""
    sent = _sent(database_url, connection, big, monkeypatch)
    connection.rollback()
    missing = {}
    for name, (query, params) in sent.items():
        named = set(re.findall(r"\b\w+_(?:idx|pkey)\b", query))
        if not named:
            continue
        plan = _plan(database_url, query, params)
        used = set(re.findall(r'"Index Name": "(\w+)"|"Conflict Arbiter Indexes": \["(\w+)"', plan))
        absent = named - {index for pair in used for index in pair}
        scanned = set(re.findall(r'"Node Type": "Seq Scan".*?"Relation Name": "(\w+)"', plan, re.DOTALL))
        large = {"clusters_job", "clusters_jobhostsummary", "clusters_joblabel", "clusters_host"} & scanned
        if absent or large:
            missing[name] = (absent, large)
    assert not missing, missing
    shown = {"cluster": big, "most": 10_001}
    plan = _plan(database_url, statement("reports/core_tables"), shown)
    assert '"Relation Name": "clusters_jobhostsummary"' in plan
    assert not re.search(r'Seq Scan", [^{}]*"Relation Name": "clusters_job(hostsummary)?"', plan)
    without = {path.stem for path in (sql_folder() / "core").glob("*.sql")} - sent.keys()
    assert without == set(), "statements that nothing sends"


def _plan(url: str, query: str, params: Any) -> str:
    """The plan of a statement as text; of a COPY, the plan of its query."""
    inner = re.search(r"COPY \((.*)\) TO STDOUT", query, re.DOTALL)
    with connect(url) as other:
        other.execute(statement("core/create_incoming_job"))
        explained = other.execute(f"EXPLAIN (FORMAT JSON) {inner.group(1) if inner else query}".encode(), params)
        row = explained.fetchone()
        assert row is not None
        other.rollback()
    return json.dumps(row[0])
