"""`aap-pipeline report`: what a person reads before anybody explained it; its figures are held by test_demo."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aap_pipeline.database.connection import Connection
from aap_pipeline.marts.refresh import refresh
from aap_pipeline.reports.question import Question
from aap_pipeline.reports.saved import SavedReport, save
from aap_pipeline_tests.cli.conftest import Cli
from aap_pipeline_tests.core.helpers import quarantine
from aap_pipeline_tests.marts.dataset import add_cluster, add_job, generate

_JANUARY = ("--from", "2026-01-01", "--to", "2026-01-31")


@pytest.fixture
def data(connection: Connection) -> Connection:
    """Some history, and a saved report of it."""
    generate(connection, 7, jobs=30)
    refresh(connection)
    save(connection, SavedReport("Board", Question(), "monthly", ("ceo@example.com", "cfo@example.com")))
    connection.commit()
    return connection


def test_a_report_says_what_a_minute_costs(cli: Cli) -> None:
    """Guards against millions saved at rates that nobody chose, and against rates where the platform has a price."""
    ours = "$50.00 per manual minute, $20.00 per minute of run time (aap-pipeline costs set)"
    creation = "automated includes the creation of templates: with every run, 60 minutes by default"
    assert ours in (out := cli("report", *_JANUARY).out)
    assert creation in out
    assert cli("costs", "set", "manual", "0.92").status == 0
    assert cli("costs", "set", "manual", "0.95", "--from", "9999-01-01").status == 0
    assert "$0.92 per manual minute, $20.00 per minute of run time" in cli("report", *_JANUARY).out
    assert "today: $0.92 per manual minute" in cli("report", *_JANUARY, "--as-recorded").out
    assert json.loads(cli("report", *_JANUARY, "--json").out)["rates"] == {"manual": 0.92, "automated": 20.0}
    assert cli("settings", "set", "cost_model", "subscription").status == 0
    assert "No rate is set (aap-pipeline costs set)" in cli("report", *_JANUARY).out
    assert cli("costs", "set", "hourly", "55").status == 0
    assert cli("costs", "set", "subscription", "6000").status == 0
    assert "$55.00 per manual hour, $6,000.00 per month for the platform" in cli("report", *_JANUARY).out


def test_figures_of_earlier_rates_are_called_so_until_they_follow(cli: Cli, connection: Connection) -> None:
    """Guards against a report with the new rate above the old money, and against a change that seems to do nothing."""
    add_job(connection, add_cluster(connection, "a"), 1, datetime(2026, 1, 9, 12, tzinfo=UTC))
    refresh(connection)
    connection.commit()
    assert cli("report", *_JANUARY).err == ""
    for change in (("costs", "set", "manual", "0.92"), ("settings", "set", "count_check_mode", "false")):
        done = cli(*change)
        assert (done.status, "`aap-pipeline rebuild marts`" in done.err) == (0, True)
        assert "Savings do not include the latest change of rates" in cli("report", *_JANUARY).err
        assert cli("rebuild", "marts").status == 0
        assert cli("report", *_JANUARY).err == ""
    add_job(connection, add_cluster(connection, "b"), 2, datetime(2026, 1, 9, 12, tzinfo=UTC))  # shares the month
    refresh(connection)
    connection.commit()
    assert cli("settings", "set", "cost_model", "subscription").status == 0
    assert cli("rebuild", "marts").status == 0
    assert cli("report", *_JANUARY).err == ""
    assert cli("settings", "set", "sync_workers", "4").err == ""


def test_steps_too_short_for_their_range_are_refused(cli: Cli) -> None:
    """Guards against a report of seventy million hours that takes the machine's memory, and never ends."""
    refused = cli("report", "--from", "2026-01-01", "--to", "9999-12-31", "--by", "hour")
    assert (refused.status, refused.err.count("\n")) == (2, 1)
    assert "there are too many bars of one hour" in refused.err
    hours = cli("report", *_JANUARY, "--by", "hour").out
    assert "Jobs by hour, the last 31 of 744 (--csv has all)" in hours
    assert "2026-01-31 23:00" in hours


def test_less_than_one_template_is_refused(cli: Cli) -> None:
    """Guards against a table of nothing but "45 more", and one that counts the last template as the rest."""
    for number in ("0", "-1"):
        assert cli("report", *_JANUARY, "--templates", number).status == 2


def test_a_period_without_a_meaning_is_refused(cli: Cli) -> None:
    """Guards against the exit status of a failure, which a script may try again."""
    refused = cli("report", "--period", "next_week")
    assert (refused.status, "is not a valid range" in refused.err) == (2, True)


def test_a_report_names_what_is_in_quarantine(cli: Cli, connection: Connection) -> None:
    """Guards against figures that lack jobs without a word about it."""
    assert "quarantine" not in cli("report", *_JANUARY).out
    clusters = {name: add_cluster(connection, name) for name in ("one.example.com", "two.example.com")}
    for address, documents in (("one.example.com", 1), ("two.example.com", 2)):
        for _ in range(documents):
            quarantine(connection, clusters[address])
    connection.commit()
    assert cli("report", *_JANUARY).out.endswith(
        "3 documents are in quarantine and not in these figures. Run `aap-pipeline rejected list`.\n"
    )
    assert json.loads(cli("report", *_JANUARY, "--json").out)["in_quarantine"] == 3
    one = cli("report", *_JANUARY, "--cluster", "one.example.com")
    assert "1 document is in quarantine" in one.out


def test_a_range_with_one_end_is_not_empty(cli: Cli, connection: Connection) -> None:
    """Guards against a report at the beginning of a month, before its first run, that fails."""
    cluster = add_cluster(connection, "a")
    for day in (5, 7):
        add_job(connection, cluster, day, datetime(2025, 1, day, tzinfo=UTC))
    refresh(connection)
    connection.commit()
    for options, first, last in (
        ((), "2025-01-05", "2025-01-07"),
        (("--from", "2025-01-06"), "2025-01-06", "2025-01-07"),
        (("--from", "2025-02-01"), "2025-02-01", "2025-02-01"),
        (("--to", "2025-01-06"), "2025-01-05", "2025-01-06"),
        (("--to", "2024-01-06"), "2024-01-06", "2024-01-06"),
    ):
        report = json.loads(cli("report", *options, "--json").out)
        assert (report["from_date"], report["to_date"]) == (first, last)


def test_saving_listing_running_and_deleting(cli: Cli, data: Connection, tmp_path: Path) -> None:
    """Guards against a saved report that shows something else than what was saved."""
    [(project,)] = data.execute("SELECT min(project) FROM marts.dim_project WHERE project_id > 0").fetchall()
    days = ("--from", "2024-11-01", "--to", "2024-11-30")
    assert cli("report", "save", "Nov", *days, "--project", project).status == 0
    [board, november] = json.loads(cli("report", "list", "--json").out)
    assert (board["name"], board["schedule"], board["mail_to"]) == (
        "Board",
        "monthly",
        "ceo@example.com, cfo@example.com",
    )
    assert november["question"] == f"from_date: 2024-11-01, to_date: 2024-11-30, projects: {project}"
    expected = json.loads(cli("report", *days, "--project", project, "--json").out)
    found = json.loads(cli("report", "run", "Nov", "--json").out)
    assert found["totals"] == expected["totals"]
    assert cli("report", "run", "Nov", "--html", str(tmp_path / "nov.html")).out == f"Wrote {tmp_path / 'nov.html'}\n"
    assert "<h1>Nov</h1>" in (tmp_path / "nov.html").read_text(encoding="utf-8")
    assert cli("report", "delete", "Nov").status == 0
    gone = cli("report", "run", "Nov")
    assert (gone.status, "There is no saved report 'Nov'" in gone.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--range", "last-month", "--from", "2026-01-01"), "Use --range, or --from and --to, not both"),
        (("--range", "soon"), "'soon' is not a valid range"),
        (("--organization", "Nowhere"), "There is no organization 'Nowhere'"),
        (("save", "x", "--mail-to", "a@example.com"), "--mail-to needs --schedule"),
        (("save", "x", "--schedule", "daily", "--mail-to", "ceo"), "'ceo' is not a valid address"),
        (("save", "x", "--schedule", "daily", "--mail-to", "a@b.c\nBcc: d@e.f"), "is not a valid address"),
        (("save", "x\ny"), r"'x\ny' is not a valid name"),
        (("save", "x" * 101), "is not a valid name. Use at most 100 printable characters"),
        (("save", "x", "--schedule", "daily", "--from", "2026-01-01"), "Use --range instead of --from"),
        (("--range", "last-month", "save", "x"), "Put filters and ranges after `report save`"),
        (("--html", "/nonexistent/report.html"), "Cannot write /nonexistent/report.html"),
        (("run", "Board", "--mail"), "cannot be mailed. Set AAP_PIPELINE_ALERT_SMTP_HOST"),
    ],
)
def test_what_makes_no_sense_is_refused(
    cli: Cli,
    data: Connection,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    """Guards against a report of something else than was asked for."""
    refused = cli("report", *arguments)
    assert refused.status in (1, 2)
    assert words in refused.err
