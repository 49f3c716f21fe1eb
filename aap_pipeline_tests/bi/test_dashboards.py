"""The committed dashboards: whole, consistent, and with the figures of marts.totals, without any BI tool."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
import yaml
from dagster import MetadataValue

from aap_pipeline.bi import lineage
from aap_pipeline.bi.bundles import bundle, with_database
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.statements import sql_folder
from aap_pipeline.errors import PipelineError
from aap_pipeline.marts.refresh import refresh
from aap_pipeline_tests.cli.conftest import Cli
from aap_pipeline_tests.marts.dataset import generate
from aap_pipeline_tests.servers import PostgresServer
from bi import tiles
from bi.generate import files
from bi.model import HERE, load, measure

_FROM, _TO = date(2024, 11, 1), date(2024, 12, 31)
_CHARTS = [
    (key, chart)
    for key, dashboard in load()["dashboards"].items()
    for row in dashboard["rows"]
    for chart in row["charts"]
]
_GRAFANA = {name: json.loads(text) for name, text in bundle("grafana", "USD").items() if name.endswith(".json")}
_KINDS = ("cluster", "organization", "job_template", "project", "inventory")
_TOTALS = {
    "savings": "savings",
    "savings_as_recorded": "savings_as_recorded",
    "roi": "roi",
    "hours_saved": "time_savings_hours",
    "hours_of_runs": "elapsed_hours",
    "runs": "runs",
    "successful_runs": "successful_runs",
    "failed_runs": "failed_runs",
    "success_rate": "successful_runs::float / NULLIF(runs, 0)",
    "failure_rate": "failed_runs::float / NULLIF(runs, 0)",
    "host_runs": "hosts",
    "manual_costs": "manual_costs",
    "automated_costs": "automated_costs",
    "failed_run_costs": "failed_run_costs",
    "provisional_runs": "provisional_runs",
    "unique_hosts": "unique_hosts",
}


def test_generated_equals_committed() -> None:
    """Guards against a change of the model or of a column's comment that no dashboard has. Mend it with `make bi`."""
    found = files()
    committed = {
        str(file.relative_to(HERE)): file.read_text(encoding="utf-8")
        for tool in ("superset", "grafana", "dbt")
        for file in (HERE / tool).rglob("*")
        if file.is_file()
    }
    assert committed.keys() == found.keys()
    assert [path for path, text in found.items() if committed[path] != text] == []


def superset_documents() -> dict[str, Any]:
    return {name: yaml.safe_load(text) for name, text in bundle("superset", "USD").items()}


def test_ids_are_unique_and_refer_to_each_other() -> None:
    """Guards against a chart that the import puts in the place of another, and a filter that points nowhere."""
    found = superset_documents()
    ids = [document["uuid"] for document in found.values() if "uuid" in document]
    assert len(ids) == len(set(ids)) == len(found) - 1  # metadata.yaml has none
    datasets = {document["uuid"]: document for name, document in found.items() if name.startswith("datasets/")}
    charts = {document["uuid"]: document for name, document in found.items() if name.startswith("charts/")}
    placed = []
    for name, document in found.items():
        if name.startswith("dashboards/"):
            placed += [part["meta"]["uuid"] for part in document["position"].values() if "CHART" in str(part)[:20]]
            for each in document["metadata"]["native_filter_configuration"]:
                target = each["targets"][0]
                if target:
                    columns = {column["column_name"] for column in datasets[target["datasetUuid"]]["columns"]}
                    assert target["column"]["name"] in columns
    assert sorted(placed) == sorted(charts)
    assert {document["dataset_uuid"] for document in charts.values()} <= datasets.keys()


def test_every_column_and_metric_that_a_chart_names_exists() -> None:
    """Guards against a tile that shows an error at the first import."""
    found = superset_documents()
    datasets = {document["uuid"]: document for name, document in found.items() if name.startswith("datasets/")}
    for name, chart in found.items():
        if not name.startswith("charts/"):
            continue
        dataset, params = datasets[chart["dataset_uuid"]], chart["params"]
        columns = {column["column_name"] for column in dataset["columns"]}
        metrics = {metric["metric_name"] for metric in dataset["metrics"]}
        named = [*params.get("groupby", []), *filter(None, [params.get("x_axis")])]
        named += [each["subject"] for each in params["adhoc_filters"] if "subject" in each]
        assert set(named) <= columns, name
        assert {*params.get("metrics", []), *filter(None, [params.get("metric")])} <= metrics, name


def test_a_bundle_holds_no_password_and_has_the_currency_of_the_installation() -> None:
    """Guards against a secret in a repository, and against dollars where money is in euros."""
    euros = bundle("superset", "EUR")
    assert not any("symbol: USD" in text for text in euros.values())
    assert any("symbol: EUR" in text for text in euros.values())
    assert "currency:EUR " in str(bundle("grafana", "EUR"))
    named, password = with_database(euros, "postgresql://bi:geheim@db.example.com/aap?sslmode=require")
    address = yaml.safe_load(named["databases/aap_savings.yaml"])["sqlalchemy_uri"]
    assert address == "postgresql+psycopg2://bi:XXXXXXXXXX@db.example.com:5432/aap?sslmode=require"
    assert password == "geheim"
    assert "geheim" not in str(named)
    with pytest.raises(PipelineError):
        with_database(euros, "postgresql:///aap")


@dataclass
class Reader:
    """What a BI tool logs in as, and the ids that it may filter by."""

    connection: Connection
    ids: dict[str, list[int]]

    def value(self, query: str, *parameters: Any) -> Any:
        [(value,)] = self.connection.execute(query, parameters).fetchall()
        return value


@pytest.fixture(params=["all", "restricted"])
def reader(request: pytest.FixtureRequest, connection: Connection, database_url: str) -> Iterator[Reader]:
    """A role in bi_reader that sees everything, or one organization."""
    dataset = generate(connection, 7, jobs=80)
    refresh(connection)
    connection.execute("SET ROLE NONE")
    role = f"analyst_{request.param}_{database_url.rpartition('/')[2]}"
    connection.execute(f"CREATE ROLE {role} IN ROLE bi_reader")
    if request.param == "restricted":
        connection.execute("INSERT INTO marts.bi_access VALUES (%s, %s)", (role, dataset.organizations[0]))
    connection.commit()
    with connect(database_url) as opened:
        opened.execute(f"SET ROLE {role}")
        ids = {
            kind: [row[0] for row in opened.execute(f"SELECT {kind}_id FROM marts.dim_{kind} ORDER BY 1")]
            for kind in (*_KINDS, "label")
        }
        yield Reader(opened, {kind: [each for each in found if each > 0] for kind, found in ids.items()})
    connection.execute(f"DROP ROLE {role}")
    connection.commit()


def filter_sets(reader: Reader) -> list[tuple[dict[str, list[str]], dict[str, list[int]]]]:
    """Six or more sets of filters: as a tool sends them (column, names), and as the functions take them (ids)."""
    found: list[tuple[dict[str, list[str]], dict[str, list[int]]]] = [({}, {})]
    plural = {"inventory": "inventories"}
    for kind in _KINDS:
        chosen = reader.ids[kind][:2]
        names = [reader.value(f"SELECT {kind} FROM marts.dim_{kind} WHERE {kind}_id = %s", each) for each in chosen]
        found.append(({kind: names}, {plural.get(kind, f"{kind}s"): chosen}))
    for name, ids in reader.connection.execute(
        "SELECT name, array_agg(label_id) FROM marts.dim_label GROUP BY 1 LIMIT 2"
    ):
        found.append(({"label": [name]}, {"labels": ids}))
    both = found[1][0] | found[4][0]
    return [*found, (both, found[1][1] | found[4][1]), ({"label": ["(all)"]}, {})]


def test_runs_of_two_labels_are_never_counted_twice(reader: Reader) -> None:
    """Guards against the money of a run once per label: a chart of several labels has one row per label, or no sum."""
    document = yaml.safe_load(bundle("superset", "USD")["datasets/AAP_savings/runs.yaml"])
    runs = next(metric["expression"] for metric in document["metrics"] if metric["metric_name"] == "runs")
    names = [row[0] for row in reader.connection.execute("SELECT DISTINCT name FROM marts.dim_label").fetchall()]
    several = f"SELECT {runs} FROM ({document['sql']}) t WHERE label = ANY (%s)"
    assert names
    assert len(names) == 1 or reader.value(several, names) is None
    by_label = f"SELECT label, {runs} FROM ({document['sql']}) t WHERE label <> '(all)' GROUP BY label"
    found = reader.connection.execute(by_label).fetchall()
    assert {name for name, _ in found} == set(names)
    for name, shown in found:
        totals = "SELECT runs FROM marts.totals('-infinity', 'infinity', labels := marts.ids('label', ARRAY[%s]))"
        assert shown == reader.value(totals, name)


def test_every_measure_equals_the_totals_under_every_filter(reader: Reader) -> None:
    """Guards against a dataset that counts a run twice or leaves one out, also for a restricted reader."""
    model = load()
    for names, ids in filter_sets(reader):
        arguments = "".join(f", {name} := %({name})s::int[]" for name in ids)
        for key in ("runs", "hosts"):
            dataset = model["datasets"][key]
            document = yaml.safe_load(bundle("superset", "USD")[f"datasets/AAP_savings/{key}.yaml"])
            expressions = {metric["metric_name"]: metric["expression"] for metric in document["metrics"]}
            assert expressions == {name: measure(dataset, name) for name in dataset["measures"]}
            where = "".join(f" AND {column} = ANY (%({column})s)" for column in names)
            shown = ", ".join(f"({expressions[name]})::numeric" for name in expressions)
            days = f"{dataset['time']} BETWEEN %(first)s AND %(last)s"
            query = f"SELECT {shown} FROM ({document['sql']}) t WHERE {days}{where}"
            values = {"first": _FROM, "last": _TO}
            found = reader.connection.execute(query, values | names).fetchall()[0]
            totals = ", ".join(f"({_TOTALS[name]})::numeric" for name in expressions)
            query = f"SELECT {totals} FROM marts.totals(%(first)s, %(last)s{arguments})"
            expected = reader.connection.execute(query, values | ids).fetchall()[0]
            for name, one, other in zip(expressions, found, expected, strict=True):
                assert (one is None) == (other is None), (names, name)
                assert one is None or abs(one - other) < 0.005, (names, name, one, other)


@pytest.mark.parametrize(("dashboard", "chart"), _CHARTS, ids=[chart["title"] for _, chart in _CHARTS])
def test_every_chart_has_rows(shared_bi_url: str, dashboard: str, chart: dict[str, Any]) -> None:
    """Guards against a tile whose query fails, or that is empty over data that has what it shows."""
    query = tiles.superset(load(), date(2020, 1, 1), _TO)[dashboard][chart["title"]]
    with connect(shared_bi_url) as connection:
        connection.execute("SET ROLE bi_reader")
        rows = connection.execute(query.encode()).fetchall()
    assert rows
    measures = len(chart["measures"])
    assert all(value is None or not isinstance(value, str) for row in rows for value in row[-measures:])


@pytest.fixture(scope="module")
def shared_bi_url(postgres: PostgresServer, template: str) -> Iterator[str]:
    """A database with history, for tests that only read."""
    with postgres.database(template) as url:
        with connect(url) as connection:
            generate(connection, 7, jobs=80)
            refresh(connection)
        yield url


def test_grafana_panels_answer_and_equal_the_totals(reader: Reader) -> None:
    """Guards against a panel that fails once a variable is set, and against "All" that filters something."""
    sets: list[dict[str, str]] = [{}] + [
        {kind: ",".join(map(str, reader.ids[kind][:2]))} for kind in (*_KINDS, "label")
    ]
    plural = {"inventory": "inventories"}
    for chosen in sets:
        arguments = "".join(f", {plural.get(kind, kind + 's')} := '{{{ids}}}'" for kind, ids in chosen.items())
        totals = f"FROM marts.totals('{_FROM}', '{_TO}'{arguments})"
        queries = tiles.grafana(_FROM, _TO, chosen)
        for dashboard in _GRAFANA.values():
            for panel in dashboard["panels"]:
                sql = queries[dashboard["uid"]][panel["title"]]
                assert "$" not in sql
                rows = reader.connection.execute(sql.encode()).fetchall()
                if panel["type"] == "stat":
                    expression = re.sub(r" AS \w+", "", sql.removeprefix("SELECT ").split(" FROM ")[0])
                    assert rows[0][0] == reader.value(f"SELECT {expression} {totals}")
                if panel["title"] == "Saved by month":
                    assert sum(row[1] for row in rows) == pytest.approx(reader.value(f"SELECT savings::float {totals}"))
                if panel["title"] == "Runs by month":
                    assert sum(row[1] + row[2] for row in rows) == reader.value(f"SELECT runs {totals}")
            for variable in dashboard["templating"]["list"][1:]:
                query = queries[dashboard["uid"]][f"variable {variable['name']}"]
                assert reader.connection.execute(query.encode()).fetchall() is not None
                assert variable["allValue"] == "NULL"


def test_grafana_ids_are_unique() -> None:
    """Guards against a dashboard that replaces another, and a panel that Grafana renumbers."""
    assert len({dashboard["uid"] for dashboard in _GRAFANA.values()}) == len(_GRAFANA) > 1
    for dashboard in _GRAFANA.values():
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(ids) == len(set(ids))


def test_the_example_queries_work(shared_bi_url: str) -> None:
    """Guards against an example that fails when it is pasted."""
    folder = sql_folder().parent / "bi"
    assert list(folder.glob("*.sql"))
    with connect(shared_bi_url) as connection:
        connection.execute("SET ROLE bi_reader")
        [(organization, label)] = connection.execute(
            "SELECT (SELECT min(organization) FROM marts.dim_organization), (SELECT min(label) FROM marts.dim_label)"
        ).fetchall()
        for file in folder.glob("*.sql"):
            text = file.read_text(encoding="utf-8").replace("Security", organization).replace("'pci'", f"'{label}'")
            for name, value in {"from_date": f"'{_FROM}'", "to_date": f"'{_TO}'"}.items():
                text = text.replace(f":{name}", value)
            assert connection.execute(text).fetchall(), file.name


def test_the_command_writes_bundles(cli: Cli, tmp_path: Any) -> None:
    """Guards against a wheel or a command without the files."""
    for tool in ("superset", "grafana", "dbt"):
        assert cli("bi", tool, "--write", str(tmp_path / tool)).status == 0
        written = {str(file.relative_to(tmp_path / tool)) for file in (tmp_path / tool).rglob("*") if file.is_file()}
        assert written == bundle(tool, "USD").keys()
    (tmp_path / "file").touch()
    refused = cli("bi", "grafana", "--write", str(tmp_path / "file"))
    assert (refused.status, "Cannot write" in refused.err) == (2, True)
    refused = cli("bi", "superset", "--url", "http://127.0.0.1:9")
    assert (refused.status, "--write FOLDER" in refused.err) == (2, True)
    database = "postgresql://bi:geheim@127.0.0.1/aap"
    options = ("--url", "http://127.0.0.1:9", "--user", "admin", "--password", "x", "--database", database)
    refused = cli("bi", "superset", *options)
    assert (refused.status, "does not respond" in refused.err, "geheim" in refused.err) == (1, True, False)


def test_the_asset_of_the_dashboards_has_the_configured_link() -> None:
    """Guards against a link that is set and shown nowhere."""
    assert lineage.dashboard("https://superset.example.com/").metadata == {
        "dashboard": MetadataValue.url("https://superset.example.com/")
    }
    assert lineage.dashboard(None).metadata == {}
