"""Each statement uses the indexes that its header names, and reads no large table from beginning to end.

The statements are planned, not run, over `data/history.sql`, with values like those of a batch. A plan that reads
a small table as a whole is made again as if it were large.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

import aap_pipeline_tests
from aap_pipeline.core.batch import create_incoming_job, with_job_columns
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.runtime.instance import dagster_instance
from aap_pipeline.settings import Settings
from aap_pipeline.upkeep.archive import moving
from aap_pipeline_tests.core.helpers import add_cluster
from aap_pipeline_tests.statements import STATEMENTS, header

_AS_IF_LARGER = """
UPDATE pg_class SET reltuples = reltuples * 50
WHERE relkind IN ('r', 'i') AND reltuples >= 20000
"""
LARGE = 100_000
"""Rows from which a table must not be read from beginning to end."""

_NAME = re.compile(r"(?:\barchive\.)?\b\w+_(?:idx|pkey|key)\b")
_CALL = re.compile(r"\b(?:SELECT|FROM) (?:marts|rollup)\.\w+\(")
"""A statement that leaves everything to a function: it is run, to see the plans of those inside."""
_CLAIM = re.compile(rf"{_NAME.pattern}(?: or {_NAME.pattern})*")
_IDS = list(range(19_000, 19_200))
_NAMES = [f"host{n}" for n in range(200)]
_DAY, _NOW = date(2024, 12, 30), datetime(2024, 12, 30, tzinfo=UTC)

_GIVEN: tuple[tuple[str, object], ...] = (
    ("organization organization_id nothing max_concurrent_requests max_requests_per_second", 1),
    ("job_templates projects labels inventories", None),
    ("cluster cluster_id id run alert external_id manual_minutes creation_minutes rate", 1),
    ("days minutes age long_days port", 90),
    ("after newest_id audited_id jobs_stored jobs_seen jobs_known jobs_counted jobs_provisional", 100),
    ("host_summaries requests bytes slices seconds lag_seconds", 100),
    ("most limit jobs runs", 500),
    ("up_to", 1_100),
    ("ids external_ids job_ids known_job_ids label_ids raw_ids only clusters", _IDS),
    ("refused_ids refused_external_ids", _IDS[:1]),
    ("superseded", [False]),
    ("reasons messages receivers wanted mail_to", ["r"]),
    ("latest mentioned listed given_up", [False] * 200),
    ("names types kinds", _NAMES),
    ("organizations gone_at new_gone_at", [None] * 200),
    ("fingerprints", [bytes(16)] * 200),
    ("finished moments", [_NOW] * 200),
    ("since until newest newest_finished done window_from window_to ends_at asked_at", _NOW),
    ("archive provisional resolution all enabled removed exact delivered verify_ssl", True),
    ("rate_date day from_date to_date before_date valid_from", _DAY),
    ("fingerprint access_token refresh_token client_secret", b"x"),
    ("kind", "job"),
    ("patience", timedelta(0)),
    ("retries question", "{}"),
    ("timezone", "UTC"),
)
VALUES = {name: value for names, value in _GIVEN for name in names.split()}
"""Values of the parameters by name; 'x' or NULL for the others."""

_DIMENSION = {"name": _NAMES, "description": _NAMES, "fingerprint": [bytes(16)] * 200, "organization": [None] * 200}

VARIANTS: dict[str, list[dict[str, object]]] = {
    **{name: [_DIMENSION] for name in STATEMENTS if name.startswith("core/store_")},
    **{name: [{"after": _NOW - timedelta(days=1)}] for name in STATEMENTS if name.startswith("raw/")},
    "alerts/resolve_of_clusters": [{"clusters": _NAMES}],
    "core/forget_rejected": [{"kinds": ["job"] * 200}],
    "core/list_rejected": [{"reason": None}],
    "marts/load_jobs": [{"days": [_DAY]}],
    "raw/listed_fingerprints": [{"kind": "organization"}, {"kind": "job_template"}],
    "raw/stored_jobs_by_day": [{"after": _NOW - timedelta(days=days)} for days in (1, 90)],
    "reports/currency": [{"currency": None}],
    "reports/period": [{"name": "all"}],
    "reports/in_quarantine": [{"clusters": [1]}],
    "reports/range": [{"clusters": None}],
}
"""Other values for some statements, which are planned with each."""


class Plan(NamedTuple):
    """What a plan reads: indexes by name, with and without their schema, tables from beginning to end, and the most
    rows that one scan gives, be it of an index."""

    indexes: frozenset[str]
    scanned: frozenset[str]
    most_rows: int


def claims(text: str) -> list[set[str]]:
    """The indexes that a statement's header names; of several joined by "or" one is enough."""
    return [set(_NAME.findall(names)) for names in _CLAIM.findall(header(text))]


def ready(name: str) -> str:
    """The statement as it is sent, columns put in; of a COPY its query."""
    text = STATEMENTS[name]
    if name.startswith("upkeep/") and "{job}" in text:
        text = moving(name).as_string()  # type: ignore[arg-type]
    elif "{columns}" in text:
        text = with_job_columns(text).as_string()  # type: ignore[arg-type]
    copied = re.search(r"COPY \((.*)\) TO STDOUT", text, re.DOTALL)
    return copied[1] if copied else text


def planned(connection: Connection, name: str, *, at_scale: bool = False) -> Plan:
    """What the plans of a statement read; `at_scale`: as if no table were worth reading as a whole."""
    query = ready(name)
    names = re.findall(r"%\((\w+)\)s", query)
    plans: list[dict[str, Any]] = []
    for variant in VARIANTS.get(name, [{}]):
        for other in ("x", None):  # NULL where one of the parameters is not a text
            given = {key: VALUES.get(key, other) for key in names} | variant
            with suppress(psycopg.DataError), connection.transaction(force_rollback=True):
                connection.execute("SELECT set_config('enable_seqscan', %s, TRUE)", ["off" if at_scale else "on"])
                plans += _nested(connection, query, given) if _CALL.search(query) else [_plan(connection, query, given)]
                break
    nodes = [found for plan in plans for found in _nodes(plan, "", limited=False)]
    indexes = {(schema, index) for schema, _, node in nodes for index in _indexes(node)}
    return Plan(
        frozenset({index for _, index in indexes} | {f"{schema}.{index}" for schema, index in indexes}),
        frozenset(n["Relation Name"] for _, limited, n in nodes if n["Node Type"] == "Seq Scan" and not limited),
        max(
            (n["Plan Rows"] for _, _, n in nodes if n["Node Type"].endswith("Scan") and "Relation Name" in n), default=0
        ),
    )


def _plan(connection: Connection, query: str, given: dict[str, object]) -> dict[str, Any]:
    row = connection.execute(f"EXPLAIN (VERBOSE, FORMAT JSON) {query}".encode(), given).fetchone()
    assert row is not None
    return dict(row[0][0]["Plan"])


def _nested(connection: Connection, query: str, given: dict[str, object]) -> list[dict[str, Any]]:
    """The plans of the statements that a function runs."""
    notes: list[str] = []
    handler = lambda note: notes.append(note.message_primary or "")  # noqa: E731 - it is removed below
    connection.execute("LOAD 'auto_explain'")
    for setting, value in {"log_min_duration": "0", "log_nested_statements": "on", "log_verbose": "on",
                           "log_format": "json", "log_level": "notice"}.items():  # fmt: skip
        connection.execute("SELECT set_config(%s, %s, TRUE)", [f"auto_explain.{setting}", value])
    connection.add_notice_handler(handler)
    connection.execute(query.encode(), given)
    connection.remove_notice_handler(handler)
    texts = (note.partition("plan:")[2] for note in notes)
    return [json.loads(text)["Plan"] for text in texts if text.strip()]


def _nodes(plan: dict[str, Any], schema: str, *, limited: bool) -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """Each node with the schema of the table that it is about (a bitmap's index has its parent's), and whether a LIMIT
    or EXISTS above ends it early."""
    schema = plan.get("Schema", schema)
    exists = plan.get("Parent Relationship") in ("InitPlan", "SubPlan") and not plan.get("Output")
    limited = plan["Node Type"] in ("Limit", "Subquery Scan", "Nested Loop", "Seq Scan") and (
        limited or exists or plan["Node Type"] == "Limit"
    )
    yield schema, limited, plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below, schema, limited=limited)


def _indexes(node: dict[str, Any]) -> list[str]:
    return [*([node["Index Name"]] if "Index Name" in node else []), *node.get("Conflict Arbiter Indexes", ())]


def faults(connection: Connection, name: str, large: set[str]) -> Iterator[str]:
    """What is wrong with the header of a statement, one sentence each."""
    plan = planned(connection, name)
    used = plan.indexes
    if any(not indexes & used for indexes in claims(STATEMENTS[name])):
        used |= planned(connection, name, at_scale=True).indexes
    for indexes in claims(STATEMENTS[name]):
        if not indexes & used:
            shown = ", ".join(sorted(index for index in used if "." in index)) or "none"
            yield f"{name} does not use {' or '.join(sorted(indexes))}, but {shown}."
    for table in sorted(plan.scanned & large):
        if "whole" not in header(STATEMENTS[name]):
            yield f"{name} reads {table} from beginning to end."


@pytest.fixture
def history(database_url: str, tmp_path: Path) -> Iterator[Connection]:
    """A connection to two clusters that share large tables, and to Dagster's own."""
    with dagster_instance(Settings(home=tmp_path), database_url), connect(database_url, autocommit=True) as connection:
        for address in ("aap.example.com", "other.example.com"):
            add_cluster(connection, address)
        connection.execute((Path(aap_pipeline_tests.__file__).parent / "data" / "history.sql").read_bytes())
        connection.execute("VACUUM ANALYZE")
        connection.execute(_AS_IF_LARGER)
        create_incoming_job(connection)
        yield connection


@pytest.mark.long
def test_each_statement_uses_the_indexes_that_its_header_names(
    history: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a scan of the whole history for each batch, and against headers that are not true."""
    rows = "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= %s"
    large = {name for (name,) in history.execute(rows, [LARGE])}
    assert {"clusters_job", "clusters_jobhostsummary", "rejected_record"} < large
    found = [fault for name, text in STATEMENTS.items() if claims(text) for fault in faults(history, name, large)]
    assert found == []
    # An index that gives a cluster's whole history, to be sorted for each batch, is used as well.
    assert planned(history, "core/store_jobs").most_rows < LARGE
    monkeypatch.setitem(
        STATEMENTS, "false", "-- Index: clusters_job_pkey.\nSELECT name FROM clusters_job WHERE name = 'x'"
    )
    assert list(faults(history, "false", large)) == [
        "false does not use clusters_job_pkey, but none.",
        "false reads clusters_job from beginning to end.",
    ]


def test_a_header_names_indexes_as_the_catalog_does(connection: Connection) -> None:
    """Guards against claims that nothing can check: "its primary key", or an index that was renamed."""
    known = {name for (name,) in connection.execute("SELECT relname FROM pg_class WHERE relkind = 'i'")}
    dagsters = {"runs_pkey", "idx_run_tags_run_idx"}
    assert len(STATEMENTS) > 100
    for name, text in STATEMENTS.items():
        named = {index.removeprefix("archive.") for indexes in claims(text) for index in indexes}
        assert named <= known | dagsters, name
        assert named or not re.search(r"Index(es)?: (?!none)|primary key", header(text)), name
