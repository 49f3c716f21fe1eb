"""Grafana dashboards over the marts' functions, with variables; provisioning for datasource and dashboards.

Panels are in bi/grafana.yaml. A variable's values are ids; "All" sends NULL, which disables the filter. Days are in
the reporting time zone, not the browser's.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from bi.model import HERE, Files, Model, dump

_ZONE = "(SELECT reporting_timezone FROM marts.formula)"
FROM = f"($__timeFrom()::timestamptz AT TIME ZONE {_ZONE})::date"
TO = f"($__timeTo()::timestamptz AT TIME ZONE {_ZONE})::date"
_ARGUMENTS = {
    "cluster": "clusters",
    "organization": "organizations",
    "job_template": "job_templates",
    "project": "projects",
    "inventory": "inventories",
    "label": "labels",
}
FILTERS = ", ".join(
    f"{argument} := NULLIF(ARRAY[${{{name}:csv}}]::int[], ARRAY[NULL]::int[])" for name, argument in _ARGUMENTS.items()
)
_MONTHS = (
    f"generate_series(date_trunc('month', {FROM}::timestamp), {TO}::timestamp, interval '1 month') AS m (month)\n"
    f"CROSS JOIN LATERAL marts.totals(greatest(m.month::date, {FROM}),\n"
    f"    least((m.month + interval '1 month')::date - 1, {TO}), FILTERS) t"
)
_SOURCE = {"type": "grafana-postgresql-datasource", "uid": "${datasource}"}


def files(model: Model) -> Files:
    """Return dashboards and provisioning, by path."""
    money = f"currency:{model['currency']} "
    described = yaml.safe_load((HERE / "grafana.yaml").read_text(encoding="utf-8"))
    dashboards = {
        uid: _dashboard(model, uid, found["title"], [_panel(each, money) for each in found["panels"]])
        for uid, found in described.items()
    }
    found = {
        f"grafana/dashboards/{name}.json": json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        for name, document in dashboards.items()
    }
    found["grafana/provisioning/dashboards/aap.yaml"] = dump(
        {
            "apiVersion": 1,
            "providers": [
                {"name": "aap-pipeline", "type": "file", "options": {"path": "/etc/grafana/dashboards/aap-pipeline"}}
            ],
        }
    )
    found["grafana/provisioning/datasources/aap.yaml"] = dump(
        {
            "apiVersion": 1,
            "datasources": [
                {
                    "name": model["name"],
                    "uid": model["slug"],
                    "type": "grafana-postgresql-datasource",
                    "url": "$AAP_BI_HOST:$AAP_BI_PORT",
                    "user": "$AAP_BI_USER",
                    "jsonData": {"database": "$AAP_BI_DATABASE", "sslmode": "$AAP_BI_SSLMODE", "postgresVersion": 1500},
                    "secureJsonData": {"password": "$AAP_BI_PASSWORD"},
                }
            ],
        }
    )
    return found


def _panel(found: dict[str, Any], money: str) -> dict[str, Any]:
    """Return a panel. In a table, only the columns in `money` have the currency."""
    width, height, x, y = found["at"]
    kind, unit = found["type"], money if found.get("unit") == "money" else found.get("unit", "locale")
    own = [
        {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "unit", "value": money}]}
        for name in found.get("money", [])
    ]
    options = {"stacking": "normal"} if kind == "barchart" else {"colorMode": "none"} if kind == "stat" else {}
    sql = found["sql"].strip().replace("MONTHS", _MONTHS).replace("FILTERS", FILTERS).replace("DAYS", f"{FROM}, {TO}")
    return {
        "title": found["title"],
        "type": kind,
        "datasource": _SOURCE,
        "gridPos": {"w": width, "h": height, "x": x, "y": y},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": own},
        "options": options,
        "targets": [{"refId": "A", "datasource": _SOURCE, "format": "table", "rawQuery": True, "rawSql": sql}],
    }


def _dashboard(model: Model, uid: str, title: str, panels: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": title,
        "tags": ["aap-pipeline"],
        "timezone": "browser",
        "time": {"from": "now-1y", "to": "now"},
        "schemaVersion": 39,
        "editable": True,
        "templating": {"list": [_datasource(model), *(_variable(model, name) for name in _ARGUMENTS)]},
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, 1)],
    }


def _datasource(model: Model) -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Database",
        "type": "datasource",
        "query": "grafana-postgresql-datasource",
        "current": {"text": model["name"], "value": model["slug"]},
    }


def _variable(model: Model, name: str) -> dict[str, Any]:
    found = model["dimensions"][name]
    where = "" if name == "cluster" else f" WHERE cluster_id IS NULL OR {_chosen('cluster')}"
    return {
        "name": name,
        "label": found["label"],
        "type": "query",
        "datasource": _SOURCE,
        "query": f"SELECT {name} AS __text, {found['key']} AS __value FROM marts.{found['table']}{where} ORDER BY 1",
        "multi": True,
        "includeAll": True,
        "allValue": "NULL",
        "current": {"text": ["All"], "value": ["$__all"]},
        "refresh": 1,
    }


def _chosen(name: str) -> str:
    ids = re.sub("NAME", name, "NULLIF(ARRAY[${NAME:csv}]::int[], ARRAY[NULL]::int[])")
    return f"COALESCE({name}_id = ANY ({ids}), TRUE)"
