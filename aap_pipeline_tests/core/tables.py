"""Core's tables of one cluster as plain values by natural keys, in the shape of the oracle's."""

from __future__ import annotations

import dataclasses
from typing import Any

from psycopg.rows import dict_row

from aap_pipeline.database.connection import Connection
from aap_pipeline_tests.core.oracle import PLAIN, Oracle, canonical

_TABLES = {
    "organization": "clusters_organization",
    "project": "clusters_project",
    "inventory": "clusters_inventory",
    "execution_environment": "clusters_executionenvironment",
    "instance_group": "clusters_instancegroup",
    "label": "clusters_label",
}
_OUR_OWN = {"id", "cluster_id", "internal_created", "internal_modified"}
"""Columns that no document fills."""

_REFERENCES = """
    SELECT r.conrelid::regclass::text, a.attname::text, r.confrelid::regclass::text
    FROM pg_constraint r JOIN pg_attribute a ON a.attrelid = r.conrelid AND a.attnum = r.conkey[1]
    WHERE r.contype = 'f' AND r.conrelid::regclass::text ~ '^(archive\\.)?clusters_job'
"""


def orphans(connection: Connection) -> list[str]:
    """References of jobs, labels and host summaries to something that is not there: none, whoever checks them."""
    found = []
    for child, column, parent in connection.execute(_REFERENCES.encode()).fetchall():
        join = f"{child} c LEFT JOIN {parent} p ON p.id = c.{column}"
        query = f"SELECT 1 FROM {join} WHERE p.id IS NULL AND c.{column} IS NOT NULL LIMIT 1"
        if connection.execute(query.encode()).fetchone() is not None:
            found.append(f"{child}.{column}")
    return found


def tables_of(connection: Connection, cluster_id: int) -> Oracle:
    """Everything core stored for the cluster, once it is certain that nothing refers to what is not there."""
    assert orphans(connection) == []

    def rows(table: str, where: str = "cluster_id = %s") -> list[dict[str, Any]]:
        with connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(f"SELECT * FROM {table} WHERE {where}".encode(), [cluster_id])
            return cursor.fetchall()

    found = Oracle()
    keys: dict[str, dict[int | None, Any]] = {}
    for kind, table in _TABLES.items():
        keys[kind] = {row["id"]: row["external_id"] for row in rows(table)}
        found.named[kind] = {row["external_id"]: _values(row, "external_id") for row in rows(table)}
    templates, hosts, launchers = rows("clusters_jobtemplate"), rows("clusters_host"), rows("clusters_aapuser")
    keys["job_template"] = {row["id"]: row["external_id"] for row in templates}
    keys["host"] = {row["id"]: row["external_id"] or row["name"] for row in hosts}
    keys["launched_by"] = {row["id"]: (row["type"], row["external_id"] or row["name"]) for row in launchers}
    found.templates = {
        row["external_id"]: _values(row, "external_id", "organization_id", "removed_at")
        | {
            "organization": keys["organization"].get(row["organization_id"]),
            "removed": row["removed_at"] is not None,
        }
        for row in templates
    }
    found.hosts = {keys["host"][row["id"]]: _values(row, "external_id") for row in hosts}
    found.launchers = {keys["launched_by"][row["id"]]: row["name"] for row in launchers}
    of_job = "job_id IN (SELECT id FROM clusters_job WHERE cluster_id = %s)"
    labels: dict[int, set[int]] = {}
    for row in rows("clusters_joblabel", of_job):
        labels.setdefault(row["job_id"], set()).add(keys["label"][row["label_id"]])
    summaries: dict[int, list[dict[str, Any]]] = {}
    for row in rows("clusters_jobhostsummary", of_job):
        host = {"host": keys["host"][row["host_id"]]}
        summaries.setdefault(row["job_id"], []).append(_values(row, "job_id", "host_id") | host)
    for row in rows("clusters_job"):
        references = ("organization", "job_template", *PLAIN, "launched_by")
        job = _values(row, "external_id", *(f"{name}_id" for name in references))
        for name in references:
            job[name] = keys[name].get(row[f"{name}_id"])
        found.jobs[row["external_id"]] = job | {"labels": frozenset(labels.get(row["id"], ()))}
        found.summaries[row["external_id"]] = sorted(summaries.get(row["id"], []), key=repr)
    for row in rows("pipeline.rejected_record"):
        assert row["reason"]
        assert row["message"].endswith(".")
        document = (canonical(row["document"]), row["provisional"])
        found.rejected.setdefault((row["kind"], row["external_id"]), []).append(document)
        found.rejected[row["kind"], row["external_id"]].sort()
    return found


def _values(row: dict[str, Any], *elsewhere: str) -> dict[str, Any]:
    """All that a document says: a column added to a table is compared without anybody thinking of it."""
    return {name: value for name, value in row.items() if name not in _OUR_OWN and name not in elsewhere}


def assert_same(found: Oracle, expected: Oracle) -> None:
    """Compare table by table and row by row, so that a difference names itself."""
    for name in [each.name for each in dataclasses.fields(expected) if each.compare]:
        have, want = getattr(found, name), getattr(expected, name)
        if isinstance(want, dict):
            assert have.keys() == want.keys(), name
            for key in want:
                assert _ordered(have[key]) == _ordered(want[key]), (name, key, have[key], want[key])
        else:
            assert have == want, (name, have - want, want - have)


def _ordered(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((sorted(each.items()) if isinstance(each, dict) else each for each in value), key=repr)
    return value
