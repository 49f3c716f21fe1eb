"""dbt sources, and the model in MetricFlow's open format, which `dbt parse` validates."""

from __future__ import annotations

from typing import Any

from aap_pipeline.database.columns import tables
from bi.model import Files, Model, dump

_FACTS = ("runs", "hosts", "launches")


def files(model: Model) -> Files:
    """Return a dbt project over the marts, by path: sources, thin models, semantic models, metrics."""
    found = {
        "dbt/dbt_project.yml": dump(
            {
                "name": "aap_savings",
                "version": "1.0.0",
                "config-version": 2,
                "profile": "aap_savings",
                "model-paths": ["models"],
                "models": {"aap_savings": {"+materialized": "view"}},
            }
        ),
        "dbt/models/sources.yml": dump({"version": 2, "sources": [_source()]}),
        "dbt/models/semantic_models.yml": dump(
            {
                "models": [_time_spine()],
                "semantic_models": [_semantic_model(model, name) for name in _FACTS],
                "metrics": [metric for name in _FACTS for metric in _metrics(model, name)],
            }
        ),
        "dbt/models/aap_days.sql": "SELECT date FROM {{ source('marts', 'dim_date') }}\n",
    }
    for name in _FACTS:
        table, dimensions = model["datasets"][name]["table"], _dimensions(model, name)
        columns = [
            f"    {each['table']}.{each.get('column', dimension)} AS {dimension}"
            for dimension, each in dimensions.items()
        ]
        joins = dict.fromkeys(
            f"JOIN {{{{ source('marts', '{each['table']}') }}}} {each['table']} USING ({each['key']})"
            for each in dimensions.values()
        )
        facts = [f"    f.{column}" for column in _columns(model, name)]
        found[f"dbt/models/aap_{name}.sql"] = (
            "SELECT\n"
            + ",\n".join(facts + columns)
            + f"\nFROM {{{{ source('marts', '{table}') }}}} f\n"
            + "\n".join(joins)
            + "\n"
        )
    return found


def _dimensions(model: Model, name: str) -> dict[str, Any]:
    """Return the dimensions of a dataset that have one value per run."""
    found = {each: model["dimensions"][each] for each in model["datasets"][name]["dimensions"]}
    return {name: each for name, each in found.items() if "all" not in each}


def _columns(model: Model, name: str) -> list[str]:
    dataset = model["datasets"][name]
    facts = {each.get("sum") or each.get("distinct") for each in dataset["measures"].values()} - {None}
    return [dataset["time"], *dataset["columns"], *sorted(facts)]


def _source() -> dict[str, Any]:
    described = [
        {
            "name": table.removeprefix("marts."),
            "description": found.meaning,
            "columns": [{"name": name, "data_type": kind, "description": words} for name, kind, words in found.columns],
        }
        for table, found in tables().items()
        if table.startswith("marts.")
    ]
    return {"name": "marts", "schema": "marts", "tables": described}


def _time_spine() -> dict[str, Any]:
    return {
        "name": "aap_days",
        "description": "One row per day.",
        "time_spine": {"standard_granularity_column": "date"},
        "columns": [{"name": "date", "granularity": "day"}],
    }


def _semantic_model(model: Model, name: str) -> dict[str, Any]:
    dataset = model["datasets"][name]
    grain = "month" if dataset["time"] == "month" else "day"
    words = [*_dimensions(model, name), *dataset["columns"]]
    measures = [
        {"name": f"{name}_{key}", "description": found["label"]} | _aggregate(found)
        for key, found in dataset["measures"].items()
        if "ratio" not in found
    ]
    return {
        "name": f"aap_{name}",
        "description": dataset["label"],
        "model": f"ref('aap_{name}')",
        "defaults": {"agg_time_dimension": "ran_on"},
        "primary_entity": f"{name}_row",
        "dimensions": [
            {"name": "ran_on", "expr": dataset["time"], "type": "time", "type_params": {"time_granularity": grain}},
            *({"name": each, "type": "categorical"} for each in words),
        ],
        "measures": measures,
    }


def _aggregate(found: dict[str, Any]) -> dict[str, str]:
    if "distinct" in found:
        return {"agg": "count_distinct", "expr": found["distinct"]}
    value = f"{found['sum']} / {found['per']}.0" if "per" in found else found["sum"]
    return {"agg": "sum", "expr": f"CASE WHEN {found['where']} THEN {value} ELSE 0 END" if "where" in found else value}


def _metrics(model: Model, name: str) -> list[dict[str, Any]]:
    found = []
    for key, each in model["datasets"][name]["measures"].items():
        own = {"name": f"{name}_{key}", "label": f"{each['label']} ({model['datasets'][name]['label'].lower()})"}
        metric: dict[str, Any] = {"name": key, "label": each["label"]} if name == "runs" else own
        if "ratio" in each:
            upper, lower = each["ratio"]
            metric |= {
                "description": "A ratio of sums: never add it up or average it.",
                "type": "ratio",
                "type_params": {"numerator": upper, "denominator": lower},
            }
        else:
            metric |= {"description": each["label"], "type": "simple", "type_params": {"measure": f"{name}_{key}"}}
        found.append(metric)
    return found
