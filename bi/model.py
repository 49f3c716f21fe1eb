"""Translate datasets and measures of the semantic model to SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from aap_pipeline.database.columns import tables

HERE = Path(__file__).resolve().parent
Files = dict[str, str]
Model = dict[str, Any]


def load() -> Model:
    """Read bi/model.yaml."""
    return yaml.safe_load((HERE / "model.yaml").read_text(encoding="utf-8"))


def dump(document: Any) -> str:
    """Return a document as YAML with its order of keys, and without line breaks in texts."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=10_000)


LABELS = """(
    SELECT label_set_id, '(all)' AS label, 0 AS label_key FROM marts.dim_label_set
    UNION ALL
    SELECT DISTINCT b.label_set_id, l.name, min(l.label_id) OVER (PARTITION BY l.name)
    FROM marts.bridge_label_set b JOIN marts.dim_label l USING (label_id)
) label"""
"""The names of the labels of each set. Name and key of all runs are '(all)' and 0."""

HOSTS = """(
    SELECT s.month, s.cluster_id, s.organization_id, s.job_template_id, s.project_id, s.label_set_id, s.inventory_id,
        s.launch_type, overlay(p.blank PLACING s.hosts FROM p.place) AS hosts
    FROM rollup.host_set_monthly s
    JOIN (
        SELECT cluster_id, chunk, (1024 * row_number() OVER (ORDER BY cluster_id, chunk) - 1023)::int AS place,
            repeat('0', 1024 * (count(*) OVER ())::int)::varbit AS blank
        FROM (SELECT DISTINCT cluster_id, chunk FROM rollup.host_set_monthly) c
    ) p ON p.cluster_id = s.cluster_id AND p.chunk = s.chunk
    WHERE s.job_template_id IS NOT NULL
)"""
"""marts.host_monthly with a bit per host instead of a row: at a million jobs, counting takes 5 ms instead of 350."""


def column_of(model: Model, dimension: str) -> str:
    """Return the text column of a dimension's table."""
    return model["dimensions"][dimension].get("column", dimension)


def select(model: Model, dataset: dict[str, Any]) -> str:
    """Return the query of a dataset: facts with the names of their dimensions, and the ids that are counted."""
    joins: dict[str, str] = {}
    columns = [f"f.{dataset['time']}"] if dataset.get("time") else []
    if through := dataset.get("through"):
        joins |= _joined(model, through, "f")
    for dimension in dataset["dimensions"]:
        found = model["dimensions"][dimension]
        if "all" in found:
            joins[dimension] = f"JOIN {LABELS} ON label.label_set_id = f.label_set_id"
            columns += ["label.label", "label.label_key"]
            continue
        source = "f" if not through or dimension == through else model["dimensions"][through]["table"]
        joins |= _joined(model, dimension, source)
        columns.append(f"{found['table']}.{column_of(model, dimension)} AS {dimension}")
    columns += [f"f.{name}" for name in [*dataset["columns"], *facts(dataset)]]
    table = f"marts.{dataset['table']}"
    if counts_hosts(dataset):
        table = HOSTS
        columns.append("f.hosts")
    return f"SELECT {', '.join(columns)}\nFROM {table} f\n" + "\n".join(joins.values())


def facts(dataset: dict[str, Any]) -> list[str]:
    """Return the columns that the measures sum."""
    return sorted({each["sum"] for each in dataset["measures"].values() if "sum" in each})


def counts_hosts(dataset: dict[str, Any]) -> bool:
    """Return whether a measure counts distinct hosts."""
    return any("distinct" in each for each in dataset["measures"].values())


def _joined(model: Model, dimension: str, source: str) -> dict[str, str]:
    """Return the join of a dimension, an outer one: the planner leaves it out if the query uses no column of it."""
    found = model["dimensions"][dimension]
    table, key = found["table"], found["key"]
    return {table: f"LEFT JOIN marts.{table} ON {table}.{key} = {source}.{key}"}


def measure(dataset: dict[str, Any], name: str) -> str:
    """Return the aggregate of a measure. Money and ratios are floats: tools show a numeric of 38 digits as text."""
    found = dataset["measures"][name]
    if "ratio" in found:
        upper, lower = (_sum(dataset, dataset["measures"][each]) for each in found["ratio"])
        return f"{upper}::float / NULLIF({lower}, 0)::float"
    if "distinct" in found:
        return "COALESCE(BIT_COUNT(BIT_OR(hosts)), 0)"
    whole = _sum(dataset, found)
    if "per" in found:
        return f"{whole}::float / {found['per']}"
    return f"{whole}::float" if found.get("format") == "money" else whole


def _sum(dataset: dict[str, Any], found: dict[str, Any]) -> str:
    """Return a sum, 0 of no rows. With rows per label: of those of one label or of all runs; NULL of several labels."""
    conditions = [found["where"]] if "where" in found else []
    if "label" not in dataset["dimensions"]:
        return _filtered(found["sum"], conditions)
    one, every = _filtered(found["sum"], conditions), _filtered(found["sum"], [*conditions, "label_key = 0"])
    same = "MIN(label_key) IS NOT DISTINCT FROM MAX(label_key)"
    return f"(CASE WHEN {same} THEN {one} WHEN MIN(label_key) = 0 THEN {every} END)"


def _filtered(column: str, conditions: list[str]) -> str:
    where = f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""
    return f"COALESCE(SUM({column}){where}, 0)"


def meaning(table: str, column: str) -> str:
    """Return the database's comment on a column of marts."""
    return {name: comment for name, _, comment in tables()[f"marts.{table}"].columns}[column]


def type_of(table: str, column: str) -> str:
    """Return the type of a column of marts, as PostgreSQL prints it."""
    return {name: kind for name, kind, _ in tables()[f"marts.{table}"].columns}[column]
