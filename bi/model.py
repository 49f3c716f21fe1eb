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


def column_of(model: Model, dimension: str) -> str:
    """Return the text column of a dimension's table."""
    return model["dimensions"][dimension].get("column", dimension)


def select(model: Model, dataset: dict[str, Any]) -> str:
    """Return the query of a dataset: facts with the names of their dimensions, and the ids that are counted."""
    joins: dict[str, str] = {}
    columns = [f"f.{dataset['time']}"] if dataset.get("time") else []
    if through := dataset.get("through"):
        joins |= _joined(model, through, "f", inner=True)
    for dimension in dataset["dimensions"]:
        found = model["dimensions"][dimension]
        source = "f" if not through or dimension == through else model["dimensions"][through]["table"]
        joins |= _joined(model, dimension, source, inner=not through)
        columns.append(f"{found['table']}.{column_of(model, dimension)} AS {dimension}")
    facts = {each.get("sum") or each.get("distinct") for each in dataset["measures"].values()} - {None}
    columns += [f"f.{name}" for name in [*dataset["columns"], *sorted(facts)]]
    return f"SELECT {', '.join(columns)}\nFROM marts.{dataset['table']} f\n" + "\n".join(joins.values())


def _joined(model: Model, dimension: str, source: str, *, inner: bool) -> dict[str, str]:
    found = model["dimensions"][dimension]
    table, key = found["table"], found["key"]
    kind = "JOIN" if inner else "LEFT JOIN"
    return {table: f"{kind} marts.{table} ON {table}.{key} = {source}.{key}"}


def measure(dataset: dict[str, Any], name: str) -> str:
    """Return the aggregate of a measure. Money and ratios are floats: tools show a numeric of 38 digits as text."""
    found = dataset["measures"][name]
    if "ratio" in found:
        upper, lower = (_sum(dataset["measures"][each]) for each in found["ratio"])
        return f"({upper})::float / NULLIF({lower}, 0)::float"
    if "distinct" in found:
        return f"COUNT(DISTINCT {found['distinct']})"
    whole = f"COALESCE({_sum(found)}, 0)"
    if "per" in found:
        return f"{whole}::float / {found['per']}"
    return f"{whole}::float" if found.get("format") == "money" else whole


def _sum(found: dict[str, Any]) -> str:
    where = f" FILTER (WHERE {found['where']})" if "where" in found else ""
    return f"SUM({found['sum']}){where}"


def meaning(table: str, column: str) -> str:
    """Return the database's comment on a column of marts."""
    return {name: comment for name, _, comment in tables()[f"marts.{table}"].columns}[column]


def type_of(table: str, column: str) -> str:
    """Return the type of a column of marts, as PostgreSQL prints it."""
    return {name: kind for name, kind, _ in tables()[f"marts.{table}"].columns}[column]
