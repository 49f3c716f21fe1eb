"""A report as a page, CSV, a workbook: complete in itself, and with the figures of the marts' functions."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import openpyxl
import pytest
from rich.console import Console

from aap_pipeline.cli.report import print_summary
from aap_pipeline.database.connection import Connection
from aap_pipeline.marts.refresh import refresh
from aap_pipeline.reports.chart import columns
from aap_pipeline.reports.files import write_csv, write_pdf, write_xlsx
from aap_pipeline.reports.page import markdown, page
from aap_pipeline.reports.question import Question
from aap_pipeline.reports.summary import Summary, summarize
from aap_pipeline_tests.marts.dataset import generate

_NOVEMBER = Question(from_date=date(2024, 11, 1), to_date=date(2024, 11, 30))
_VOID = {"meta", "link", "line", "rect", "path", "br"}


class Page(HTMLParser):
    """What a page holds: figures by key, in order, ids, and what it refers to. Fails where tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.figures: dict[str, list[str]] = {}
        self.ids: list[str] = []
        self.named: list[str] = []
        self.tags: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        if tag == "data":
            self.figures.setdefault(found["data-key"] or "", []).append(found["value"] or "")
        if found.get("id"):
            self.ids.append(found["id"] or "")
        self.named += (found.get("aria-labelledby") or "").split()
        for name in ("src", "href", "action"):
            assert (found.get(name) or "data:").startswith("data:")
        assert not any(name.startswith("on") for name in found)
        assert tag != "rect" or found["fill"]  # WeasyPrint draws the rest black
        if tag not in _VOID or (tag == "rect"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID and tag != "rect":
            return  # <line/>, closed where it is opened
        assert self._open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag == "rect":
            self._open.pop()


@pytest.fixture
def data(connection: Connection) -> Connection:
    """Odd history of some clusters, one template of them with a name that is markup."""
    generate(connection, 7, jobs=60)
    connection.execute(
        "UPDATE clusters_jobtemplate SET name = '<script>alert(1)</script> & =1+1' WHERE external_id = 0"
    )
    connection.execute("UPDATE clusters_organization SET name = '=1+1' WHERE external_id = 0")
    refresh(connection)
    return connection


def test_the_figures_of_the_page_are_those_of_the_functions(data: Connection) -> None:
    """Guards against a page that computes anything itself."""
    found = Page(page(summarize(data, _NOVEMBER))).figures
    [totals] = data.execute(
        "SELECT savings, manual_costs, automated_costs, roi, time_savings_hours, runs, failed_runs, failed_run_costs, "
        "unique_hosts, hosts FROM marts.totals('2024-11-01', '2024-11-30')"
    ).fetchall()
    keys = ("savings", "manual_costs", "automated_costs", "roi", "time_savings_hours", "runs", "failed_runs")
    for key, value in zip((*keys, "failed_run_costs", "unique_hosts", "hosts"), totals, strict=True):
        assert [Decimal(each) for each in found[f"totals.{key}"]] == [value]
    before = data.execute("SELECT savings FROM marts.totals('2024-10-01', '2024-10-31')").fetchall()
    assert [Decimal(each) for each in found["before.savings"]] == [before[0][0]]
    templates = data.execute("SELECT savings FROM marts.savings_by_template('2024-11-01', '2024-11-30')").fetchall()
    assert [Decimal(each) for each in found["templates.savings"]] == [row[0] for row in templates[:20]]
    for part in ("over_time", "organizations"):
        assert sum(Decimal(each) for each in found[f"{part}.savings"]) == totals[0]
    unique = data.execute("SELECT marts.unique_hosts('2024-11-01', '2024-11-30')").fetchall()
    assert [int(each) for each in found["hosts_by_month.unique_hosts"]] == [unique[0][0]]
    users = data.execute(
        "SELECT runs FROM marts.top_users('2024-11-01', '2024-11-30', 10, types := '{user}')"
    ).fetchall()
    assert [int(each) for each in found["users.runs"]] == [row[0] for row in users]


@pytest.mark.parametrize("question", [_NOVEMBER, Question(), replace(_NOVEMBER, as_recorded=True)])
def test_the_page_is_complete_in_itself(data: Connection, question: Question) -> None:
    """Guards against a script, an address that a mail program or a proxy blocks, and a picture without words."""
    summary = summarize(data, question)
    for text in (page(summary, "<b>A & B</b>"), page(summary, mail=True)):
        found = Page(text)
        assert len(found.ids) == len(set(found.ids))
        assert set(found.named) <= set(found.ids)
        assert "script" not in found.tags
        assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
        assert found.tags.count("h1") == 1
    assert "svg" not in Page(page(summary, mail=True)).tags


def test_money_as_recorded_takes_the_place_of_todays(data: Connection) -> None:
    """Guards against a flag that changes the headline and not the tables."""
    data.execute("UPDATE marts.rate_history SET value = value * 3 WHERE rate_type = 'manual'")
    data.execute(
        "INSERT INTO clusters_costs (type, value) VALUES ('manual', 7) ON CONFLICT (type) DO UPDATE SET value = 7"
    )
    refresh(data)
    summary = summarize(data, replace(_NOVEMBER, as_recorded=True))
    [(recorded, automated)] = data.execute(
        "SELECT savings_as_recorded, automated_costs_as_recorded FROM marts.totals('2024-11-01', '2024-11-30')"
    ).fetchall()
    assert summary.totals["savings"] == recorded
    assert summary.totals["roi"] == recorded / automated
    for rows in (summary.templates, summary.organizations, summary.over_time):
        assert sum(row["savings"] for row in rows) == recorded


def test_filters_hold_in_every_table(data: Connection) -> None:
    """Guards against a table of a filtered report that shows everything."""
    [(name,)] = data.execute("SELECT project FROM marts.dim_project WHERE project_id > 0 ORDER BY 1 LIMIT 1").fetchall()
    summary = summarize(data, replace(_NOVEMBER, projects=(name,)))
    expected = summary.totals["runs"]
    assert 0 < expected < summarize(data, _NOVEMBER).totals["runs"]
    for rows in (summary.organizations, summary.over_time, summary.projects):
        assert sum(row["runs"] for row in rows) == expected
    assert [row["name"] for row in summary.projects] == [name]


def test_csv_and_workbook_have_every_table(data: Connection, tmp_path: Path) -> None:
    """Guards against numbers that are rounded on their way, and against a name that Excel takes for a formula."""
    summary = summarize(data, _NOVEMBER)
    write_csv(summary, tmp_path / "csv")
    assert {file.stem for file in (tmp_path / "csv").iterdir()} == set(summary.tables())
    with (tmp_path / "csv" / "templates.csv").open(encoding="utf-8", newline="") as file:
        assert [Decimal(row["savings"]) for row in csv.DictReader(file)] == [
            row["savings"] for row in summary.templates
        ]
    rates = (tmp_path / "csv" / "own_rates.csv").read_text(encoding="utf-8")
    assert rates.splitlines() == ["name,rate_type,value"]  # there are none
    write_xlsx(summary, tmp_path / "report.xlsx")
    book = openpyxl.load_workbook(tmp_path / "report.xlsx")
    assert book.sheetnames == list(summary.tables())
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]


def test_pdf(data: Connection, tmp_path: Path) -> None:
    """Guards against an empty file."""
    if not shutil.which("chromium"):
        pytest.skip("no chromium")
    write_pdf(summarize(data, _NOVEMBER), tmp_path / "report.pdf", "Savings")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    with pytest.raises(FileNotFoundError):
        write_pdf(summarize(data, _NOVEMBER), tmp_path / "none" / "report.pdf", "Savings")


def test_markdown_escapes_names(data: Connection) -> None:
    """Guards against a template whose name breaks the table in the Dagster UI."""
    text = markdown(summarize(data, _NOVEMBER))
    assert "data:image/svg+xml;base64," in text
    assert "<script>" not in text.replace(r"\<script>", "")


@pytest.mark.parametrize("values", [[], [0], [5], [-3, -1], [-200, 1_000_000], [0.004]])
def test_bars_stand_inside_their_chart(values: list[float]) -> None:
    """Guards against a bar beside the axis, and against a division by zero where nothing ran."""
    amounts = [Decimal(str(value)) for value in values]
    rows = [{"bucket_date": date(2026, 1, 1 + day), "savings": amount} for day, amount in enumerate(amounts)]
    chart = columns("t", rows, "day", {"saved": "savings"})
    assert len(chart.bars) == sum(amount != 0 for amount in amounts)
    for bar in chart.bars:
        assert 0 <= bar.y <= bar.y + bar.height <= chart.height
        assert chart.left <= bar.x <= bar.x + bar.width <= chart.width
        assert bar.series == ("saved below" if "-" in bar.tip.split(": ")[1] else "saved")


def test_a_report_of_nothing_has_a_page(connection: Connection) -> None:
    """Guards against a division by zero in the first report of a month."""
    summary: Summary = summarize(connection, _NOVEMBER)
    assert Page(page(summary)).figures["totals.savings"] == ["0"]


def test_names_that_clusters_share_can_be_told_apart(data: Connection) -> None:
    """Guards against two lines of the same name in a table, a chart or a sentence, which a reader takes for one."""
    summary = summarize(data, _NOVEMBER)
    shared = [row["name"] for row in summary.templates if row["name"].startswith("jobtemplate 1")]
    assert len(shared) > 1
    for rows in (summary.templates, summary.organizations, summary.users, summary.projects, summary.payback):
        names = [row["name"] for row in rows]
        assert len(names) == len(set(names))
    shown = markdown(summary)
    assert all(shown.count(name) <= 1 for name in shared)
    printed = StringIO()
    print_summary(Console(file=printed, width=400), summary)
    [losing] = [line for line in printed.getvalue().splitlines() if "cost more than they save" in line]
    names = losing.partition(": ")[2].partition(" and ")[0].split(", ")
    assert len(names) == len(set(names)) == min(5, sum(row["savings"] < 0 for row in summary.templates))
