"""The SQL of each tile, as Superset and Grafana send it: for tests and benchmarks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from bi.model import HERE, Model, measure, select

Tiles = dict[str, dict[str, str]]
"""Queries by dashboard and title."""


def superset(model: Model, first: date, last: date) -> Tiles:
    """Return the queries of all charts for these days (both included), with the filter Label at its default."""
    return {
        key: {chart["title"]: _query(model, chart, first, last) for row in dashboard["rows"] for chart in row["charts"]}
        for key, dashboard in model["dashboards"].items()
    }


def _query(model: Model, chart: dict[str, Any], first: date, last: date) -> str:
    dataset = model["datasets"][chart["dataset"]]
    time, by = dataset.get("time"), list(chart.get("by", []))
    if "grain" in chart:
        by.append(f"date_trunc('{chart['grain']}', {time})")
    where = [f"{column} = '{value}'" for column, value in chart.get("only", {}).items()]
    where += [f"{time} >= DATE '{first}' AND {time} < DATE '{last}' + 1"] if time else []
    where += ["label IN ('(all)')"] if "label" in dataset["dimensions"] else []
    sql = f"SELECT {', '.join([*by, *(measure(dataset, name) for name in chart['measures'])])}"
    sql += f"\nFROM ({select(model, dataset)}) virtual_table"
    sql += f"\nWHERE {' AND '.join(where)}" if where else ""
    return sql + (f"\nGROUP BY {', '.join(by)} ORDER BY {len(by) + 1} DESC LIMIT 10000" if by else "")


def grafana(first: date, last: date, chosen: Mapping[str, str]) -> Tiles:
    """Return the queries of all panels for these days in UTC, and of variables, with values of variables.

    `chosen` has comma-separated ids by variable. Another variable is at "All", for which Grafana sends its allValue.
    """
    found: Tiles = {}
    for file in sorted((HERE / "grafana/dashboards").glob("*.json")):
        dashboard = json.loads(file.read_text(encoding="utf-8"))
        variables = {each["name"]: each for each in dashboard["templating"]["list"] if each["type"] == "query"}
        values = {name: each["allValue"] for name, each in variables.items()} | dict(chosen)
        queries = {panel["title"]: panel["targets"][0]["rawSql"] for panel in dashboard["panels"]}
        queries |= {f"variable {name}": each["query"] for name, each in variables.items()}
        for title, sql in queries.items():
            times = {"$__timeFrom()": f"'{first}T00:00:00Z'", "$__timeTo()": f"'{last}T23:59:59Z'"}
            for macro, value in times.items():
                sql = sql.replace(macro, value)
            queries[title] = re.sub(r"\$\{(\w+):csv\}", lambda match, values=values: values[match[1]], sql)
        found[dashboard["uid"]] = queries
    return found
