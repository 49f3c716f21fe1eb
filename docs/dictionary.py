"""Generate docs/data-dictionary.md from the catalog's comments: `python -m docs.dictionary`."""

from __future__ import annotations

import json
import re
import tempfile
from itertools import groupby
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from aap_pipeline.database.columns import COLUMNS_FILE
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.migrate import migrate
from aap_pipeline.database.statements import sql_folder, statement
from aap_pipeline.embedded.shared_server import embedded_server

_HEAD = """# Data dictionary

Generated from the comments in the database by `make docs`; do not edit. Times have a time zone and are stored in UTC.

## Start here

```mermaid
erDiagram
    dim_date ||--o{ savings_daily : date
    dim_cluster ||--o{ savings_daily : cluster_id
    dim_organization ||--o{ savings_daily : organization_id
    dim_job_template ||--o{ savings_daily : job_template_id
    dim_project ||--o{ savings_daily : project_id
    dim_inventory ||--o{ savings_daily : inventory_id
    dim_label_set ||--o{ savings_daily : label_set_id
    dim_label_set ||--o{ bridge_label_set : label_set_id
    dim_label ||--o{ bridge_label_set : label_id
```

`marts.savings_daily` has one row per day and combination of its dimensions, with runs, hosts, minutes and money; every
measure adds up. `savings_monthly` (by month), `launches` (by launcher) and `fct_job_run` (by job) have the same
dimensions. Jobs that the settings exclude are only in `fct_job_run`.

Filter by label with `label_set_id IN (SELECT …)` in SQL, and with a text filter on `dim_label_set.labels` in Power BI,
Superset and Metabase. A filter that contains `linux` also finds `linux-test`; choose the sets from the list where one
label's name is part of another's. Do not join facts to `bridge_label_set`: that counts a run once per label.

Unique hosts do not add up. `unique_hosts` counts hosts of the controllers, exactly and under any filter.
`managed_nodes` counts machines by name, ignoring case, over all clusters, so a machine in two controllers counts once.
Red Hat counts names; auditors compare both. Tools with a distinct count use `host_id` of `host_monthly`.

- [Schema marts](#schema-marts): the tables for BI tools.
- [Schema public](#schema-public): the tables of the specification. **Additions** are marked. Each has a default or is
  nullable, so every statement written against the specification works.
- [Schema pipeline](#schema-pipeline): the pipeline's internal state.
- [Schema archive](#schema-archive): archived jobs, and views over archived and other jobs.
- [Schema rollup](#schema-rollup): internal sources of the functions and views of schema marts. It may change.
"""


def render(connection: Connection) -> str:
    """The dictionary of the database as Markdown."""
    with connection.cursor(row_factory=dict_row) as cursor:
        columns = cursor.execute(statement("database/dictionary")).fetchall()
        functions = cursor.execute(statement("database/dictionary_functions")).fetchall()
    added = additions()
    parts = [_HEAD]
    for schema, of_schema in groupby(columns, key=lambda row: row["schema"]):
        parts.append(f"## Schema {schema}\n")
        for relation, rows in groupby(of_schema, key=lambda row: row["relation"]):
            parts.append(_relation(relation, list(rows), added.get(relation, set())))
        if schema == "marts" and functions:
            parts.append(_functions(functions))
    return "\n".join(parts)


def render_columns(connection: Connection) -> str:
    """JSON: {schema.table: [meaning, [[column, type, meaning], …]]}, what Dagster shows of it without a database."""
    found: dict[str, tuple[str, list[list[str]]]] = {}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(statement("database/dictionary")):
            table = f"{row['schema']}.{row['relation']}"
            _, columns = found.setdefault(table, (row["relation_comment"] or "", []))
            columns.append([row["name"], row["type"], row["comment"] or ""])
    lines = [f" {json.dumps(table)}: {json.dumps(said, ensure_ascii=False)}" for table, said in found.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def additions() -> dict[str, set[str]]:
    """Columns by table that the specification does not have: those below "-- Additions" in its migration."""
    text = (sql_folder() / "migrations" / "0001_public_schema.sql").read_text(encoding="utf-8")
    tables = re.findall(r"CREATE TABLE (\w+) \((.*?)\n\);", text, flags=re.DOTALL)
    return {
        table: set(re.findall(r"^    ([a-z_]+) ", body.partition("-- Additions")[2], flags=re.MULTILINE))
        for table, body in tables
    }


def _relation(name: str, rows: list[dict[str, Any]], added: set[str]) -> str:
    first = rows[0]
    kind = "" if first["kind"] == "table" else f" ({first['kind']})"
    lines = [f"### {name}{kind}\n", f"{first['relation_comment'] or ''}\n"]
    lines += ["| column | type | meaning |", "|---|---|---|"]
    for row in rows:
        notes = [row["type"]]
        if row["not_null"]:
            notes.append("not null")
        if row["default_value"] and not row["default_value"].startswith("nextval("):
            notes.append(f"default `{row['default_value'].partition('::')[0]}`")
        if row["refers_to"]:
            notes.append(f"→ {row['refers_to']}")
        mark = "**Addition.** " if row["name"] in added else ""
        lines.append(f"| {row['name']} | {', '.join(notes)} | {mark}{_cell(row['comment'])} |")
    return "\n".join(lines) + "\n"


def _functions(rows: list[dict[str, Any]]) -> str:
    lines = ["### Functions\n", "| function | meaning |", "|---|---|"]
    lines += [
        f"| `{row['name']}({row['arguments']})` → {_cell(row['result'])} | {_cell(row['comment'])} |" for row in rows
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("\n", " ")


def main() -> None:
    """Write docs/data-dictionary.md and columns.json from a fresh database."""
    with tempfile.TemporaryDirectory() as folder, embedded_server(Path(folder) / "server") as url:
        migrate(url)
        with connect(url) as connection:
            text, schemas = render(connection), render_columns(connection)
    target = Path("docs") / "data-dictionary.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")
    COLUMNS_FILE.write_text(schemas, encoding="utf-8")


if __name__ == "__main__":
    main()
