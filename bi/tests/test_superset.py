"""The bundle in a real Superset, over the demo's data: `make bi-test`. Takes minutes and 850 MB; no part of CI.

`AAP_BI_SUPERSET` names the environment that Superset is installed in, `AAP_BI_PICTURES` a folder for pictures of the
dashboards.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.embedded.shared_server import embedded_server
from aap_pipeline.settings import Settings
from aap_pipeline_tests.cli.processes import environment, finish
from bi.model import load

_ENVIRONMENT = Path(os.environ.get("AAP_BI_SUPERSET", "build/superset")).absolute() / "bin"
_PASSWORD = secrets.token_urlsafe(12)
_CONFIG = f"""
from pathlib import Path
SECRET_KEY = {secrets.token_urlsafe(32)!r}
SQLALCHEMY_DATABASE_URI = 'sqlite:///' + str(Path(__file__).parent / 'superset.db') + '?timeout=60'
WTF_CSRF_ENABLED = True
TALISMAN_ENABLED = False
CACHE_DIR = str(Path(__file__).parent / 'cache')
DATA_CACHE_CONFIG = {{'CACHE_TYPE': 'FileSystemCache', 'CACHE_DIR': CACHE_DIR, 'CACHE_DEFAULT_TIMEOUT': 600}}
FILTER_STATE_CACHE_CONFIG = EXPLORE_FORM_DATA_CACHE_CONFIG = DATA_CACHE_CONFIG
"""
_PATIENCE_SECONDS = 180
_FROM, _TO, _AFTER = "2026-01-01", "2026-06-30", "2026-07-01"
_TOTALS = {
    "savings": "savings", "roi": "roi", "hours_saved": "time_savings_hours", "runs": "runs",
    "failed_runs": "failed_runs", "failed_run_costs": "failed_run_costs",
    "success_rate": "successful_runs::float / NULLIF(runs, 0)",
    "provisional_runs": "provisional_runs", "host_runs": "hosts", "unique_hosts": "unique_hosts",
}  # fmt: skip


class Superset:
    """A session of one user."""

    def __init__(self, url: str, user: str) -> None:
        self.url, self._session = url, requests.Session()
        credentials = {"username": user, "password": _PASSWORD, "provider": "db", "refresh": False}
        token = self.call("POST", "security/login", json=credentials)["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"
        csrf = self.call("GET", "security/csrf_token/")["result"]
        self._session.headers.update({"X-CSRFToken": csrf, "Referer": url})

    def call(self, method: str, path: str, **more: Any) -> Any:
        answer = self._session.request(method, f"{self.url}/api/v1/{path}", timeout=_PATIENCE_SECONDS, **more)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text[:800]}"
        return answer.json()

    def charts(self) -> list[dict[str, Any]]:
        return self.call("GET", "chart/?q=(page_size:200)")["result"]

    def rows(self, chart: dict[str, Any], filters: dict[str, list[str]], *, force: bool = True) -> list[dict[str, Any]]:
        """What a chart shows under the dashboard's filters."""
        import json

        params = json.loads(chart["params"])
        chosen, time_column = [], None
        for each in params["adhoc_filters"]:
            if each.get("operator") == "TEMPORAL_RANGE":
                time_column = each["subject"]
                chosen.append({"col": time_column, "op": "TEMPORAL_RANGE", "val": f"{_FROM} : {_AFTER}"})
            elif "subject" in each:
                chosen.append({"col": each["subject"], "op": each["operator"], "val": each["comparator"]})
        chosen += [{"col": column, "op": "IN", "val": values} for column, values in filters.items()]
        columns: list[Any] = list(params.get("groupby", []))
        if "x_axis" in params:
            grain = params["time_grain_sqla"]
            columns.insert(0, {"columnType": "BASE_AXIS", "sqlExpression": params["x_axis"], "label": params["x_axis"],
                               "expressionType": "SQL", "timeGrain": grain})  # fmt: skip
        having = [each["sqlExpression"] for each in params["adhoc_filters"] if each.get("clause") == "HAVING"]
        query = {
            "columns": columns,
            "metrics": params.get("metrics") or [params["metric"]],
            "filters": chosen,
            "extras": {"having": f"({having[0]})"} if having else {},
            "row_limit": params.get("row_limit", 1000),
        }
        source = {"id": chart["datasource_id"], "type": "table"}
        body = {
            "datasource": source,
            "queries": [query],
            "result_format": "json",
            "result_type": "full",
            "force": force,
        }
        return self.call("POST", "chart/data", json=body)["result"][0]["data"]


@dataclass
class Site:
    """The demo's database, and Superset over it."""

    database: Connection
    folder: Path
    url: str
    port: int
    cli: dict[str, str]

    def restart(self) -> None:
        stop(self.process)
        self.process = start(self.folder, self.port)

    process: Any = None


def superset(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        [_ENVIRONMENT / "superset", *arguments], env=variables(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def variables(folder: Path) -> dict[str, str]:
    return os.environ | {
        "SUPERSET_CONFIG_PATH": str(folder / "config.py"),
        "FLASK_APP": "superset",
        "PYTHONWARNINGS": "ignore",
    }


def start(folder: Path, port: int) -> Any:
    command = [
        _ENVIRONMENT / "gunicorn",
        "-w",
        "1",
        "--threads",
        "6",
        "-t",
        "180",
        "-b",
        f"127.0.0.1:{port}",
        "superset.app:create_app()",
    ]
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(command, env=variables(folder), stdout=log, stderr=log)
    for _ in range(600):
        try:
            if requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok:
                return process
        except requests.RequestException:
            time.sleep(0.5)
    raise AssertionError((folder / "log").read_text()[-3000:])


def stop(process: Any) -> None:
    process.terminate()
    process.wait()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, starts_server: None) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("bi")
    home = folder / "home"
    done = finish(["demo"], environment(home))
    assert done.returncode == 0, done.stderr
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    (folder / "config.py").write_text(_CONFIG)
    superset(folder, "db", "upgrade")
    superset(
        folder,
        "fab",
        "create-admin",
        "--username",
        "admin",
        "--firstname",
        "A",
        "--lastname",
        "D",
        "--email",
        "a@x",
        "--password",
        _PASSWORD,
    )
    superset(folder, "init")
    superset(
        folder,
        "fab",
        "create-user",
        "--role",
        "Alpha",
        "--username",
        "viewer",
        "--firstname",
        "V",
        "--lastname",
        "W",
        "--email",
        "v@x",
        "--password",
        _PASSWORD,
    )
    with embedded_server(Settings(home=home).postgres_directory) as url, connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE bi_server LOGIN PASSWORD '{_PASSWORD}' IN ROLE bi_reader")
        parts = urlsplit(url)
        database = f"postgresql://bi_server:{_PASSWORD}@{parts.hostname}:{parts.port}{parts.path}"
        secrets_of = {"AAP_PIPELINE_BI_DATABASE_URL": database, "AAP_PIPELINE_SUPERSET_PASSWORD": _PASSWORD}
        found = Site(connection, folder, f"http://127.0.0.1:{port}", port, environment(home) | secrets_of)
        found.process = start(folder, port)
        yield found
        stop(found.process)


def install(site: Site) -> None:
    done = finish(["bi", "superset", "--url", site.url, "--user", "admin"], site.cli)
    assert done.returncode == 0, done.stderr


def test_the_import_is_idempotent(site: Site) -> None:
    """Guards against a second import that doubles every chart."""
    install(site)
    admin = Superset(site.url, "admin")
    first = {chart["id"]: chart["slice_name"] for chart in admin.charts()}
    install(site)
    assert {chart["id"]: chart["slice_name"] for chart in admin.charts()} == first
    expected = [
        chart["title"] for each in load()["dashboards"].values() for row in each["rows"] for chart in row["charts"]
    ]
    assert sorted(first.values()) == sorted(expected)
    assert admin.call("GET", "dashboard/")["count"] == len(load()["dashboards"])


def sets_of_filters(site: Site) -> list[tuple[dict[str, list[str]], str]]:
    """As the dashboard sends them, and as arguments of marts.totals."""
    found: list[tuple[dict[str, list[str]], str]] = [({}, "")]
    for kind, names in {
        "cluster": ["demo-synthetic"],
        "organization": ["Security", "Data Center EMEA"],
        "job_template": ["Patch RHEL servers"],
        "project": ["project-1 (demo-synthetic)", "project-7"],
        "inventory": ["inventory-6"],
    }.items():
        plural = "inventories" if kind == "inventory" else f"{kind}s"
        chosen = f"SELECT array_agg({kind}_id) FROM marts.dim_{kind} WHERE {kind} = ANY (%s)"
        [(ids,)] = site.database.execute(chosen.encode(), [names]).fetchall()
        assert len(ids) == len(names)
        found.append(({kind: names}, f", {plural} := '{{{','.join(map(str, ids))}}}'"))
    found.append(({"label": ["(all)"]}, ""))
    found.append(({"label": ["pci"]}, ", labels := marts.ids('label', ARRAY['pci'])"))
    return found


def test_every_chart_equals_the_totals_under_every_filter(site: Site) -> None:
    """Guards against a tile that Superset computes otherwise than the functions do."""
    admin = Superset(site.url, "admin")
    compared = 0
    for filters, arguments in sets_of_filters(site):
        for chart in admin.charts():
            import json

            params = json.loads(chart["params"])
            table = chart["datasource_name_text"].rpartition(".")[2]
            if table not in ("aap_runs", "aap_hosts", "aap_launches"):
                assert admin.rows(chart, {})
                continue
            rows = admin.rows(chart, filters)
            for metric in params.get("metrics") or [params["metric"]]:
                single = len(rows) == 1 and not params.get("groupby") and "x_axis" not in params
                sums = metric in ("savings", "runs", "failed_runs", "host_runs")
                whole = not any(
                    each.get("clause") == "HAVING" or ("comparator" in each and each["operator"] == "==")
                    for each in params["adhoc_filters"]
                )
                if not (single or (sums and whole)):
                    continue
                query = f"SELECT ({_TOTALS[metric]})::float FROM marts.totals('{_FROM}', '{_TO}'{arguments})"
                expected = site.database.execute(query).fetchall()[0][0]
                shown = sum((row[metric] or 0) for row in rows)
                assert shown == pytest.approx(expected or 0, abs=0.005, rel=1e-12), (
                    chart["slice_name"],
                    filters,
                    metric,
                )
                compared += 1
    assert compared > 100


@pytest.mark.skipif("AAP_BI_PICTURES" not in os.environ, reason="AAP_BI_PICTURES names no folder")
def test_pictures(site: Site) -> None:
    """Not a test: takes a picture of each dashboard with a headless Chromium, as high as the page."""
    from playwright.sync_api import sync_playwright

    folder = Path(os.environ["AAP_BI_PICTURES"])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for width in (1500, 900):
            page = browser.new_page(viewport={"width": width, "height": 2600})
            page.set_default_timeout(1000 * _PATIENCE_SECONDS)
            page.goto(f"{site.url}/login/")
            page.fill("#username", "admin")
            page.fill("#password", _PASSWORD)
            page.keyboard.press("Enter")
            # Not until the welcome page is loaded: its hundred scripts take a busy machine longer than a minute.
            page.wait_for_url("**/welcome/**", wait_until="commit")
            for name in load()["dashboards"] if width == 1500 else ["overview"]:
                page.goto(f"{site.url}/superset/dashboard/aap-savings-{name}/?standalone=0")
                page.wait_for_selector(".dashboard-component-chart-holder")
                page.wait_for_load_state("networkidle")
                page.wait_for_timeout(2500)
                page.screenshot(path=folder / f"superset-{name}-{width}.png")
            page.close()
        browser.close()


def test_a_viewer_sees_its_organizations_only(site: Site) -> None:
    """Guards against another viewer's figures from the cache, and against a login that escapes its restriction."""
    execute = site.database.execute
    for role in ("viewer", "admin"):
        execute(f"CREATE ROLE {role} IN ROLE bi_reader")
        execute(f"GRANT {role} TO bi_server")
    access = ["access", "grant"]
    for arguments in (
        ["viewer", "--organization", "Security"],
        ["admin", "--organization", "Security", "--organization", "Data Center EMEA"],
        ["bi_server", "--nothing"],
    ):
        done = finish([*access, *arguments], site.cli)
        assert done.returncode == 0, done.stderr
    mutator = Path("bi/superset_config.py").read_text()
    (site.folder / "config.py").write_text(_CONFIG + mutator)
    site.restart()
    [chart] = [each for each in Superset(site.url, "admin").charts() if each["slice_name"] == "Saved"]
    shown = {}
    for user in ("admin", "viewer", "admin"):
        [row] = Superset(site.url, user).rows(chart, {}, force=False)
        with site.database.transaction():
            execute(f"SET LOCAL ROLE {user}")
            expected = execute(f"SELECT savings::float FROM marts.totals('{_FROM}', '{_TO}')").fetchall()[0][0]
        assert row["savings"] == pytest.approx(expected)
        shown[user] = row["savings"]
    assert 0 < shown["viewer"] < shown["admin"]
