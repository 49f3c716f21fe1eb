"""Ten questions of a manager, asked of `aap-pipeline report` and of bi/questions.sql, held against the oracle, which
reads core itself."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import sql_folder
from aap_pipeline.marts.refresh import refresh
from aap_pipeline_tests.cli.conftest import Cli
from aap_pipeline_tests.marts.dataset import Dataset, generate
from aap_pipeline_tests.marts.oracle import Filters, Oracle

_OCTOBER, _NOVEMBER = (date(2024, 10, 1), date(2024, 10, 31)), (date(2024, 11, 1), date(2024, 11, 30))


@pytest.fixture
def dataset(connection: Connection) -> Dataset:
    found = generate(connection, 7, jobs=60)
    refresh(connection)
    connection.commit()
    return found


@pytest.fixture
def oracle(connection: Connection, dataset: Dataset) -> Oracle:
    return Oracle(connection)


def ask(cli: Cli, *options: str) -> dict[str, Any]:
    """The report of November 2024."""
    done = cli("report", "--from", "2024-11-01", "--to", "2024-11-30", *options, "--json")
    assert done.status == 0, done.err
    found: dict[str, Any] = json.loads(done.out, parse_float=Decimal)
    return found


def near(shown: Any, expected: Fraction | int) -> bool:
    """To a ten-thousandth: the marts round each of their rows at the eleventh digit."""
    return abs(Fraction(shown) - expected) < Fraction(1, 10_000)


def name_of(connection: Connection, kind: str, identity: int) -> str:
    [(name,)] = connection.execute(
        f"SELECT {kind} FROM marts.dim_{kind} WHERE {kind}_id = %s".encode(), [identity]
    ).fetchall()
    return str(name)


def answer(oracle: Oracle, days: tuple[date, date], **filters: list[int]) -> dict[str, Any]:
    chosen: Filters = dict(filters)
    return oracle.totals(oracle.chosen(*days, chosen))


def test_what_did_an_organization_save_against_the_month_before(
    cli: Cli, connection: Connection, dataset: Dataset, oracle: Oracle
) -> None:
    for identity in dataset.organizations:
        found = ask(cli, "--organization", name_of(connection, "organization", identity))
        for totals, days in ((found["totals"], _NOVEMBER), (found["before"], _OCTOBER)):
            expected = answer(oracle, days, organizations=[identity])
            assert near(totals["savings"], expected["savings"])
            assert totals["unique_hosts"] == expected["unique_hosts"]


def test_which_templates_lose_money(cli: Cli, oracle: Oracle) -> None:
    found = {row["job_template_id"]: row["savings"] for row in ask(cli)["templates"] if row["savings"] < 0}
    templates = oracle.by_template(oracle.chosen(*_NOVEMBER, {}))
    expected = {key: each["savings"] for key, each in templates.items() if each["savings"] < 0}
    assert found.keys() == expected.keys() != set()
    assert all(near(found[key], expected[key]) for key in found)


def test_how_many_different_hosts(cli: Cli, oracle: Oracle) -> None:
    assert ask(cli)["totals"]["unique_hosts"] == answer(oracle, _NOVEMBER)["unique_hosts"] > 0


def test_who_launched_most_and_which_project_ran_most(cli: Cli, connection: Connection, oracle: Oracle) -> None:
    found, jobs = ask(cli), oracle.chosen(*_NOVEMBER, {})
    assert [row["runs"] for row in found["users"]] == [runs for _, runs in oracle.top(jobs, lambda job: job.user, 10)]
    top = oracle.top(jobs, lambda job: job.project, 10)
    assert [row["runs"] for row in found["projects"]] == [runs for _, runs in top]


def test_when_did_a_template_pay_back(cli: Cli, connection: Connection, oracle: Oracle) -> None:
    found = {row["name"]: row for row in ask(cli)["payback"]}
    for identity, (first, cost, since, saved) in oracle.payback().items():
        if row := found.get(name_of(connection, "job_template", identity)):
            assert row["first_run_date"] == str(first)
            assert row["payback_date"] == (str(since) if since else None)
            assert near(row["creation_costs"], cost)
            assert near(row["saved_since_first_run"], saved)
    assert found


def test_what_do_failed_runs_cost_and_what_is_the_return(cli: Cli, oracle: Oracle) -> None:
    totals, expected = ask(cli)["totals"], answer(oracle, _NOVEMBER)
    assert near(totals["failed_run_costs"], expected["failed_run_costs"])
    assert near(totals["roi"], expected["roi"])
    assert near(totals["time_savings_hours"], expected["time_savings_hours"])


def test_what_did_runs_of_a_label_save(cli: Cli, connection: Connection, dataset: Dataset, oracle: Oracle) -> None:
    for identity in dataset.labels[:3]:
        totals = ask(cli, "--label", name_of(connection, "label", identity))["totals"]
        assert near(totals["savings"], answer(oracle, _NOVEMBER, labels=[identity])["savings"])


def test_what_was_it_by_the_rates_of_the_time(cli: Cli, connection: Connection, dataset: Dataset) -> None:
    connection.execute(
        "INSERT INTO marts.rate_history (rate_type, valid_from, value) VALUES ('manual', '2024-11-10', 7) "
        "ON CONFLICT DO NOTHING"
    )
    connection.commit()
    refresh(connection)
    connection.commit()
    expected = answer(Oracle(connection), _NOVEMBER)
    assert near(ask(cli, "--as-recorded")["totals"]["savings"], expected["savings_as_recorded"])
    assert near(ask(cli)["totals"]["savings"], expected["savings"])


def test_what_was_it_in_another_currency(cli: Cli, oracle: Oracle, dataset: Dataset) -> None:
    refused = cli("report", "--currency", "EUR")
    assert (refused.status, "`aap-pipeline settings fx set USD EUR RATE --date 20" in refused.err) == (2, True)
    assert cli("settings", "fx", "set", "USD", "EUR", "0.5", "--date", "2024-01-01").status == 0
    found = ask(cli, "--currency", "eur")
    assert found["currency"] == "EUR"
    assert near(found["totals"]["savings"], answer(oracle, _NOVEMBER)["savings"] / 2)
    assert found["before"]
    for options in ((), ("save", "In euros")):  # an exchange rate to it could not be entered
        refused = cli("report", *options, "--currency", "EURO")
        assert (refused.status, refused.out) == (2, "")
        assert "'EURO' is not a valid currency. Use an ISO code of three letters, such as EUR." in refused.err


def test_a_rate_that_begins_within_the_compared_days_is_not_enough(cli: Cli, dataset: Dataset) -> None:
    """Guards against a traceback, and against a command in the message that does not help."""
    assert cli("settings", "fx", "set", "USD", "EUR", "0.5", "--date", "2024-11-30").status == 0
    refused = cli("report", "--from", "2024-11-01", "--to", "2024-11-30", "--currency", "EUR")
    assert refused.status == 2
    command = refused.err.partition("`aap-pipeline ")[2].partition("`")[0].replace("RATE", "0.5").split()
    assert command[-2:] == ["--date", "2024-10-31"]
    assert cli(*command).status == 0
    assert cli("report", "--from", "2024-11-01", "--to", "2024-11-30", "--currency", "EUR").status == 0


def test_what_saved_each_organization(cli: Cli, oracle: Oracle) -> None:
    for row in ask(cli)["organizations"]:
        expected = answer(oracle, _NOVEMBER, organizations=[row["organization_id"]])
        assert near(row["savings"], expected["savings"])
        assert (row["runs"], row["unique_hosts"]) == (expected["runs"], expected["unique_hosts"])


def test_is_all_of_it_there(cli: Cli, connection: Connection, dataset: Dataset, oracle: Oracle) -> None:
    found = ask(cli)
    assert found["totals"]["provisional_runs"] == answer(oracle, _NOVEMBER)["provisional_runs"]
    assert len(found["freshness"]) == len(dataset.clusters)


def test_the_written_questions(connection: Connection, dataset: Dataset, oracle: Oracle) -> None:
    """Guards against an example that an analyst pastes and that answers something else."""
    first, last = date(2024, 10, 1), date(2024, 12, 31)
    organization, label = dataset.organizations[0], dataset.labels[0]
    names = {"Security": name_of(connection, "organization", organization), "pci": name_of(connection, "label", label)}
    text = (sql_folder().parent / "bi" / "questions.sql").read_text(encoding="utf-8")
    text = text.replace("marts.period('last_quarter')", f"(VALUES (DATE '{first}', DATE '{last}'))").replace(
        ") q\n", ") q (from_date, to_date)\n"
    )
    text = (
        text.replace(") q CROSS", ") q (from_date, to_date) CROSS")
        .replace("2026-05-", "2024-11-")
        .replace("11-31", "11-30")
    )
    for example, name in names.items():
        text = text.replace(f"ARRAY['{example}']", f"ARRAY['{name}']")
    found = {
        int(number): connection.execute(query.encode()).fetchall()
        for number, query in re.findall(r"^-- (\d+)\. .*\n((?:.*\n)*?.*;)$", text, re.MULTILINE)
    }
    assert len(found) == 10
    quarter = oracle.chosen(first, last, {})
    totals, templates = oracle.totals(quarter), oracle.by_template(quarter)
    now, before = (
        oracle.totals(oracle.chosen(*days, {"organizations": [organization]}))["savings"]
        for days in ((first, last), (date(2024, 7, 1), date(2024, 9, 30)))
    )
    [(saved, saved_before, change)] = found[1]
    assert near(saved, now)
    assert near(saved_before, before)
    assert near(change, now - before)
    losing = sorted(each["savings"] for each in templates.values() if each["savings"] < 0)
    assert len(found[2]) == len(losing) > 0
    assert all(near(row[1], expected) for row, expected in zip(found[2], losing, strict=True))
    assert found[3] == [(answer(oracle, _NOVEMBER)["unique_hosts"],)]
    assert [row[1] for row in found[4]] == [runs for _, runs in oracle.top(quarter, lambda job: job.user, 10)]
    assert near(found[5][0][0], totals["roi"])
    assert near(found[5][0][1], totals["time_savings_hours"])
    assert near(sum(row[2] for row in found[6]), sum(each["failed_run_costs"] for each in templates.values()))
    assert len(found[7]) == len(oracle.payback())
    expected = oracle.totals(oracle.chosen(first, last, {"labels": [label]}))
    assert near(found[8][0][0], expected["savings"])
    assert found[8][0][1] == expected["runs"]
    assert near(sum(row[2] for row in found[9]), totals["savings"])
    assert near(sum(row[3] for row in found[9]), totals["savings_as_recorded"])
    assert len(found[10]) == len(dataset.clusters)
