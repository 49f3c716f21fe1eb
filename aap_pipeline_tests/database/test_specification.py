"""The database is the one of the specification: every promise of its SQL is looked up in the catalog."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg import sql

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline_tests.database import specification
from aap_pipeline_tests.database.specification import SpecifiedColumn, SpecifiedIndex

_WIDER = {("clusters_jobhostsummary", "id"): "bigint"}
"""Decided otherwise: docs/adr/0002-bigint-host-summaries.md."""
_UNDEFINED = (
    "clusters_organization",
    "clusters_project",
    "clusters_inventory",
    "clusters_executionenvironment",
    "clusters_instancegroup",
    "clusters_aapuser",
    "clusters_host",
    "clusters_label",
    "clusters_joblabel",
)
"""Named by the document (in its diagram or its foreign keys), defined by us."""

_COLUMN = """
SELECT format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
WHERE a.attrelid = to_regclass(%s) AND a.attname = %s AND NOT a.attisdropped"""
_UNIQUE_OR_PRIMARY = """
SELECT i.indisprimary FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = to_regclass(%s) AND i.indisunique AND i.indnkeyatts = 1 AND i.indpred IS NULL AND a.attname = %s"""
_FOREIGN_KEY = """
SELECT c.confrelid::regclass::text, c.confdeltype FROM pg_constraint c
JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
WHERE c.contype = 'f' AND c.conrelid = to_regclass(%s) AND a.attname = %s"""
_INDEX = """
SELECT t.relname, i.indisunique, am.amname, i.indpred IS NULL,
       array(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(1, i.indnkeyatts) k)
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_am am ON am.oid = x.relam WHERE x.oid = to_regclass(%s)"""


@pytest.fixture
def catalog(shared_database_url: str) -> Iterator[Connection]:
    """A connection that changes nothing, to a database shared with other such tests."""
    with connect(shared_database_url) as connection:
        yield connection
        connection.rollback()


def test_the_reader_of_the_document_finds_what_is_in_it() -> None:
    """Guards against a parser that finds nothing, with which every other test here would pass."""
    assert len({column.table for column in specification.columns()}) == 9
    assert len(specification.columns()) == 96
    assert len(specification.indexes()) == 9
    assert [name for _, name, _ in specification.checks()] == ["valid_status", "finished_jobs_have_elapsed"]
    assert len(specification.statements("INSERT")) == 3
    assert len(specification.statements("SELECT", "WITH", "DELETE")) == 4


@pytest.mark.parametrize("column", specification.columns(), ids=lambda column: f"{column.table}.{column.name}")
def test_every_column_is_as_specified(catalog: Connection, column: SpecifiedColumn) -> None:
    """Guards against a type, default, NOT NULL, key or cascade that drifted from the document."""
    where = [column.table, column.name]
    row = catalog.execute(_COLUMN, where).fetchone()
    assert row is not None, "missing"
    kind, not_null, default = row
    assert kind == _WIDER.get((column.table, column.name), column.type)
    assert not_null == column.not_null
    if column.serial:
        assert default.startswith("nextval(")
    elif column.default is None:
        assert default is None
    else:
        same = catalog.execute(f"SELECT ({default}) = (({column.default})::{column.type})".encode()).fetchone()
        assert same == (True,), default
    if column.primary_key or column.unique:
        assert catalog.execute(_UNIQUE_OR_PRIMARY, where).fetchone() == (column.primary_key,)
    expected = (column.references, "c" if column.cascade else "a") if column.references else None
    assert catalog.execute(_FOREIGN_KEY, where).fetchone() == expected


@pytest.mark.parametrize("index", specification.indexes(), ids=lambda index: index.name)
def test_every_index_is_as_specified(catalog: Connection, index: SpecifiedIndex) -> None:
    """Guards against an index of another table, method or order of columns, or one that became partial."""
    row = catalog.execute(_INDEX, [index.name]).fetchone()
    assert row is not None, "missing"
    table, unique, method, whole, columns = row
    assert (table, unique, method, whole) == (index.table, index.unique, index.method, True)
    assert tuple(column.split()[0] for column in columns) == index.columns


@pytest.mark.parametrize(("table", "name", "expression"), specification.checks(), ids=lambda value: value[:30])
def test_every_check_is_as_specified(catalog: Connection, table: str, name: str, expression: str) -> None:
    """Guards against a constraint that allows or forbids something else: PostgreSQL itself compares the two."""
    catalog.execute(f"ALTER TABLE {table} ADD CONSTRAINT as_in_the_document CHECK {expression}".encode())
    found = catalog.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass(%s)", [table]
    )
    definitions: dict[str, str] = dict(found.fetchall())
    assert definitions[name] == definitions["as_in_the_document"]


def test_the_default_rows_are_there(connection: Connection) -> None:
    """Guards against rates, settings and currencies that are missing, doubled or renumbered on a fresh database."""

    def rows(query: str) -> list[tuple[object, ...]]:
        return connection.execute(query.encode()).fetchall()

    tables = {
        "clusters_costs": "SELECT type, value FROM clusters_costs ORDER BY id",
        "common_settings": "SELECT type, value FROM common_settings ORDER BY id",
        "common_currency": "SELECT id, name, iso_code, symbol FROM common_currency ORDER BY id",
    }
    stored = {table: rows(query) for table, query in tables.items()}
    connection.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY".encode())
    for insert in specification.statements("INSERT"):
        connection.execute(insert.encode())
    assert stored == {table: rows(query) for table, query in tables.items()}


@pytest.mark.parametrize("query", specification.statements("SELECT", "WITH", "DELETE"), ids=lambda text: text[:30])
def test_every_query_of_the_document_runs(catalog: Connection, query: str) -> None:
    """Guards against an added column or a changed type on which a specified query fails."""
    catalog.execute(query.encode())


@pytest.mark.parametrize("table", _UNDEFINED)
def test_tables_that_are_only_named_follow_the_pattern(catalog: Connection, table: str) -> None:
    """Guards against a dimension without the audit columns or that outlives its cluster."""
    names = {
        name
        for (name,) in catalog.execute("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s)", [table])
    }
    assert {"id", "internal_created", "internal_modified"} <= names
    owner = "job_id" if table == "clusters_joblabel" else "cluster_id"
    key = catalog.execute(_FOREIGN_KEY, [table, owner]).fetchone()
    assert key is not None
    assert key[1] == "c"


def test_deleting_a_cluster_takes_everything_of_it_along(connection: Connection) -> None:
    """Guards against a foreign key without a cascade that keeps a cluster from being purged."""
    connection.execute(
        """
        INSERT INTO clusters_cluster (protocol, address, port, access_token) VALUES ('https', 'a', 443, 'x');
        INSERT INTO clusters_organization (cluster_id, external_id, name) VALUES (1, 1, 'o');
        INSERT INTO clusters_jobtemplate (cluster_id, external_id, name, organization_id) VALUES (1, 1, 't', 1);
        INSERT INTO clusters_aapuser (cluster_id, external_id, name) VALUES (1, 1, 'u');
        INSERT INTO clusters_host (cluster_id, external_id, name) VALUES (1, 1, 'h');
        INSERT INTO clusters_label (cluster_id, external_id, name) VALUES (1, 1, 'l');
        INSERT INTO clusters_job
            (cluster_id, external_id, name, started, organization_id, job_template_id, launched_by_id)
            VALUES (1, 1, 'j', now(), 1, 1, 1);
        INSERT INTO clusters_joblabel (job_id, label_id) VALUES (1, 1);
        INSERT INTO clusters_jobhostsummary (job_id, host_id, created, modified) VALUES (1, 1, now(), now());
        INSERT INTO clusters_clustersyncdata (cluster_id, data) VALUES (1, '{}');
        INSERT INTO clusters_clustersyncstatus (cluster_id, last_job_finished_date) VALUES (1, now());
        INSERT INTO pipeline.sync_run (cluster_id) VALUES (1);
        DELETE FROM clusters_cluster;
        SET CONSTRAINTS ALL IMMEDIATE;
        """
    )
    tables = connection.execute(
        "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.columns "
        "WHERE column_name IN ('cluster_id', 'job_id') AND table_schema IN ('public', 'pipeline')"
    ).fetchall()
    assert len(tables) > 15
    for (table,) in tables:
        assert connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.SQL(table))).fetchone() == (0,), table
