"""An Apache Superset bundle: datasets, charts and dashboards with native filters. Needs no Jinja in Superset."""

from __future__ import annotations

import re
import uuid
from typing import Any

from bi.model import Files, Model, column_of, dump, facts, meaning, measure, select, type_of

_SPACE = uuid.UUID("5b0f4a9e-6d0f-5c39-9a59-3c1f2a6c8f10")
_FORMATS = {"money": ",.0f", "percent": ".1%", "percent0": ",.0%", "decimal": ",.1f", "whole": ",.0f"}
_GRAINS = {"day": "P1D", "week": "P1W", "month": "P1M"}
DATABASE = "superset/databases/aap_savings.yaml"


def _id(*words: str) -> str:
    return str(uuid.uuid5(_SPACE, "/".join(words)))


def _slug(text: str) -> str:
    return re.sub(r"\W+", "_", text.lower()).strip("_")


def files(model: Model) -> Files:
    """Return the bundle's files, by path."""
    found: dict[str, Any] = {
        "superset/metadata.yaml": {"version": "1.0.0", "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"},
        DATABASE: _database(model),
    }
    for name, dataset in model["datasets"].items():
        found[f"superset/datasets/AAP_savings/{name}.yaml"] = _dataset(model, name, dataset)
    for name in model["filters"]:
        found[f"superset/datasets/AAP_savings/filter_{name}.yaml"] = _filter_dataset(model, name)
    for key, dashboard in model["dashboards"].items():
        found[f"superset/dashboards/{key}.yaml"] = _dashboard(model, key, dashboard)
        for row in dashboard["rows"]:
            for chart in row["charts"]:
                found[f"superset/charts/{key}_{_slug(chart['title'])}.yaml"] = _chart(model, key, chart)
    return {path: dump(document) for path, document in found.items()}


def _database(model: Model) -> dict[str, Any]:
    return {
        "database_name": model["name"],
        "sqlalchemy_uri": "postgresql+psycopg2://USER:XXXXXXXXXX@HOST:5432/DATABASE",
        "cache_timeout": 60,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {
            "allows_virtual_table_explore": True,
            "metadata_params": {},
            "engine_params": {"connect_args": {"options": "-c statement_timeout=60000"}},
            "per_user_caching": True,
        },
        "uuid": _id("database"),
        "version": "1.0.0",
    }


def _virtual(
    name: str, label: str, sql: str, time: str | None, columns: list[Any], metrics: list[Any]
) -> dict[str, Any]:
    return {
        "table_name": f"aap_{name}",
        "main_dttm_col": time,
        "description": label,
        "schema": "marts",
        "sql": sql,
        "source_db_engine": "postgresql",
        "filter_select_enabled": True,
        "normalize_columns": False,
        "always_filter_main_dttm": False,
        "uuid": _id("dataset", name),
        "columns": columns,
        "metrics": metrics,
        "version": "1.0.0",
        "database_uuid": _id("database"),
    }


def _column(name: str, label: str, kind: str, description: str, *, groupby: bool = True) -> dict[str, Any]:
    return {
        "column_name": name,
        "verbose_name": label,
        "description": description,
        "type": kind.split("(")[0].upper(),
        "is_dttm": kind == "date" or kind.startswith("timestamp"),
        "is_active": True,
        "groupby": groupby,
        "filterable": groupby,
    }


def _dataset(model: Model, name: str, dataset: dict[str, Any]) -> dict[str, Any]:
    table = dataset["table"]
    labels = {dataset["time"]: "Day" if dataset["time"] == "date" else "Month"} if dataset.get("time") else {}
    columns = [_column(key, label, type_of(table, key), meaning(table, key)) for key, label in labels.items()]
    for key in dataset["dimensions"]:
        found, text = model["dimensions"][key], column_of(model, key)
        columns.append(_column(key, found["label"], type_of(found["table"], text), meaning(found["table"], text)))
    for key, label in dataset["columns"].items():
        columns.append(_column(key, label, type_of(table, key), meaning(table, key)))
    columns += [_column(key, key, type_of(table, key), meaning(table, key), groupby=False) for key in facts(dataset)]
    metrics = [_metric(model, dataset, key) for key in dataset["measures"]]
    return _virtual(name, dataset["label"], select(model, dataset), dataset.get("time"), columns, metrics)


def _metric(model: Model, dataset: dict[str, Any], name: str) -> dict[str, Any]:
    found = dataset["measures"][name]
    if "ratio" in found:
        words = "A ratio of sums: never add it up or average it."
    elif "distinct" in found:
        words = "A count of different hosts: it does not add up over months or other groups."
    else:
        words = meaning(dataset["table"], found["sum"])
    metric = {
        "metric_name": name,
        "verbose_name": found["label"],
        "expression": measure(dataset, name),
        "description": words,
        "d3format": _FORMATS.get(found.get("format", ""), ",d"),
    }
    if found.get("format") == "money":
        metric["currency"] = {"symbol": model["currency"], "symbolPosition": "prefix"}
    return metric


def _filter_dataset(model: Model, name: str) -> dict[str, Any]:
    found = model["dimensions"][name]
    shown, joins = [f"d.{column_of(model, name)} AS {name}"], []
    for parent in found.get("within", []):
        above = model["dimensions"][parent]
        shown.append(f"{above['table']}.{column_of(model, parent)} AS {parent}")
        joins.append(f"LEFT JOIN marts.{above['table']} ON {above['table']}.{above['key']} = d.{above['key']}")
    sql = f"SELECT {', '.join(shown)}\nFROM marts.{found['table']} d\n" + "\n".join(joins)
    if "all" in found:
        sql += f"\nUNION ALL\nSELECT '{found['all']}', cluster FROM marts.dim_cluster"
    columns = [
        _column(each, model["dimensions"][each]["label"], "text", f"Values of the filter {found['label']}.")
        for each in (name, *found.get("within", []))
    ]
    metrics = [{"metric_name": "count", "verbose_name": "Values", "expression": "COUNT(*)"}]
    return _virtual(f"filter_{name}", f"Values of the filter {found['label']}", sql, None, columns, metrics)


def _chart(model: Model, dashboard: str, chart: dict[str, Any]) -> dict[str, Any]:
    dataset = model["datasets"][chart["dataset"]]
    filters = [_adhoc(column, "==", value) for column, value in chart.get("only", {}).items()]
    if dataset.get("time"):
        filters.append(_adhoc(dataset["time"], "TEMPORAL_RANGE", "No filter"))
    if "having" in chart:
        name, operator, value = chart["having"].split()
        expression = f"{measure(dataset, name)} {operator} {value}"
        filters.append({"clause": "HAVING", "expressionType": "SQL", "sqlExpression": expression})
    params = {"adhoc_filters": filters} | _SHAPES[chart["kind"]](dataset, chart)
    return {
        "slice_name": chart["title"],
        "viz_type": params["viz_type"],
        "params": params,
        "query_context": None,
        "uuid": _id("chart", dashboard, chart["title"]),
        "version": "1.0.0",
        "dataset_uuid": _id("dataset", chart["dataset"]),
    }


def _adhoc(column: str, operator: str, value: str) -> dict[str, Any]:
    return {"clause": "WHERE", "expressionType": "SIMPLE", "subject": column, "operator": operator, "comparator": value}


def _number(dataset: dict[str, Any], chart: dict[str, Any]) -> dict[str, Any]:
    shape = dataset["measures"][chart["measures"][0]].get("format", "")
    return {
        "viz_type": "big_number_total",
        "metric": chart["measures"][0],
        "header_font_size": 0.5,
        "y_axis_format": _FORMATS.get(shape, ",d"),
    }


def _series(kind: str) -> Any:
    def shape(dataset: dict[str, Any], chart: dict[str, Any]) -> dict[str, Any]:
        found = dataset["measures"][chart["measures"][0]]
        money = {"currency_format": None} if found.get("format") == "money" else {}
        return (
            money
            | {
                "viz_type": f"echarts_timeseries_{kind}",
                "x_axis": dataset["time"],
                "time_grain_sqla": _GRAINS[chart["grain"]],
                "metrics": chart["measures"],
                "groupby": chart.get("by", []),
                "row_limit": 50_000,
                "truncate_metric": True,
                "show_legend": bool(chart.get("by")),
                "legendType": "scroll",
                "legendOrientation": "top",
                "rich_tooltip": True,
                "x_axis_time_format": "%b %Y" if chart["grain"] == "month" else "%d %b %Y",
                "y_axis_format": "SMART_NUMBER",
                "sort_series_type": "sum",
                "color_scheme": "supersetColors",
            }
            | ({"stack": "Stack"} if kind == "bar" and "distinct" not in found else {})
        )

    return shape


def _table(_: dict[str, Any], chart: dict[str, Any]) -> dict[str, Any]:
    return {
        "viz_type": "table",
        "query_mode": "aggregate",
        "groupby": chart["by"],
        "metrics": chart["measures"],
        "row_limit": 10_000,
        "page_length": 10,
        "include_search": True,
        "server_pagination": False,
        "timeseries_limit_metric": (["savings"] if "savings" in chart["measures"] else chart["measures"])[0],
        "order_desc": not chart.get("ascending", False),
        "table_timestamp_format": "%Y-%m-%d %H:%M" if chart["dataset"] == "freshness" else "%Y-%m-%d",
        "show_cell_bars": False,
        "column_config": {each: {"truncateLongCells": True, "columnWidth": 200} for each in chart["by"][:2]},
    }


_SHAPES = {"number": _number, "columns": _series("bar"), "lines": _series("line"), "table": _table}


def _dashboard(model: Model, key: str, dashboard: dict[str, Any]) -> dict[str, Any]:
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": dashboard["title"]}},
    }
    number = 0
    for index, row in enumerate(dashboard["rows"]):
        children = []
        for chart in row["charts"]:
            child = f"CHART-{number}"
            children.append(child)
            position[child] = {
                "type": "CHART",
                "id": child,
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", f"ROW-{index}"],
                "meta": {
                    "width": chart["width"],
                    "height": row["height"],
                    "chartId": 1000 + number,
                    "uuid": _id("chart", key, chart["title"]),
                    "sliceName": chart["title"],
                },
            }
            number += 1
        position["GRID_ID"]["children"].append(f"ROW-{index}")
        position[f"ROW-{index}"] = {
            "type": "ROW",
            "id": f"ROW-{index}",
            "children": children,
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
    return {
        "dashboard_title": dashboard["title"],
        "slug": f"{model['slug']}-{key}",
        "published": True,
        "uuid": _id("dashboard", key),
        "position": position,
        "metadata": {
            "native_filter_configuration": [
                _time_filter(),
                *(_native_filter(model, name) for name in model["filters"]),
            ],
            "cross_filters_enabled": True,
            "color_scheme": "supersetColors",
            "refresh_frequency": 0,
        },
        "version": "1.0.0",
    }


def _native(name: str, kind: str, label: str) -> dict[str, Any]:
    return {
        "id": f"NATIVE_FILTER-{name}",
        "type": "NATIVE_FILTER",
        "filterType": kind,
        "name": label,
        "description": "",
        "targets": [{}],
        "controlValues": {},
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
        "chartsInScope": [],
        "tabsInScope": [],
    }


def _time_filter() -> dict[str, Any]:
    chosen = {"extraFormData": {"time_range": "Last year"}, "filterState": {"value": "Last year"}, "ownState": {}}
    return _native("days", "filter_time", "Days") | {"defaultDataMask": chosen}


def _native_filter(model: Model, name: str) -> dict[str, Any]:
    found = model["dimensions"][name]
    native = _native(name, "filter_select", found["label"]) | {
        "targets": [{"column": {"name": name}, "datasetUuid": _id("dataset", f"filter_{name}")}],
        "controlValues": {
            "multiSelect": "all" not in found,
            "enableEmptyFilter": "all" in found,
            "searchAllOptions": True,
            "defaultToFirstItem": False,
            "inverseSelection": False,
        },
        "cascadeParentIds": [f"NATIVE_FILTER-{parent}" for parent in found.get("within", [])],
    }
    if "all" in found:
        chosen = [found["all"]]
        native["defaultDataMask"] = {
            "extraFormData": {"filters": [{"col": name, "op": "IN", "val": chosen}]},
            "filterState": {"value": chosen},
            "ownState": {},
        }
    return native
