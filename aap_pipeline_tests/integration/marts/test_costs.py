"""Rates, minutes and currencies as people set them, through the command line where they do."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest

from aap_pipeline.marts.currency import set_exchange_rate
from aap_pipeline.marts.errors import CostError
from aap_pipeline.marts.refresh import refresh
from aap_pipeline.warehouse.connection import Connection
from aap_pipeline_tests.integration.cli.conftest import Cli, cli, run  # noqa: F401 - fixtures
from aap_pipeline_tests.integration.marts.dataset import add_cluster, add_job, add_named, one


def test_rates_are_set_for_everyone_a_cluster_and_an_organization(cli: Cli, connection: Connection) -> None:  # noqa: F811
    """Guards against an override that is stored but never used, or that hides the general rate."""
    cluster = add_cluster(connection, "prod")
    organization = add_named(connection, "clusters_organization", cluster, 1)
    connection.commit()
    assert cli("costs", "set", "manual", "55", "--from", "2025-01-01").status == 0
    assert cli("costs", "set", "automated", "7.50", "--cluster", "prod").status == 0
    done = cli("costs", "set", "manual", "80", "--organization", "organization 1", "--cluster", "prod")
    assert "manual rate of organization 1 of prod is 80" in done.out
    assert cli("costs", "set", "manual", "70", "--cluster", "prod").status == 0
    price = "SELECT manual, automated FROM marts.rate_period WHERE organization_id = %s AND valid_to = '9999-12-31'"
    assert connection.execute(price, (organization,)).fetchone() == (80, 7.5)
    assert connection.execute(price, (0,)).fetchone() == (70, 7.5)
    assert one(connection, "SELECT value FROM clusters_costs WHERE type = 'manual'") == 55
    assert cli("costs", "set", "manual", "none", "--organization", "organization 1").status == 0
    connection.commit()
    assert connection.execute(price, (organization,)).fetchone() == (70, 7.5)
    shown = json.loads(cli("costs", "show", "--json").out)
    assert {"rate_type", "value", "valid_from", "cluster", "organization", "in_force"} == set(shown[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("costs", "set", "machine", "5"), "There is no rate 'machine'"),
        (("costs", "set", "manual", "dear"), "The manual rate cannot be 'dear'"),
        (("costs", "set", "manual", "100000.01"), "it must be between 0 and 100000"),
        (("costs", "set", "manual", "1.234"), "two decimal places"),
        (("costs", "set", "manual", "none"), "needs a value"),
        (("costs", "set", "manual", "5", "--cluster", "nowhere"), "There is no cluster 'nowhere'"),
        (("costs", "set", "manual", "5", "--organization", "nobody"), "There is no organization 'nobody'"),
        (("templates", "set", "x", "--manual-minutes", "0"), "The manual minutes of 'x' cannot be 0"),
        (("templates", "set", "x", "--creation-minutes", "1000001"), "The creation minutes of 'x' cannot be 1000001"),
        (("templates", "set", "x", "--manual-minutes", "5"), "There is no job template 'x'"),
        (("templates", "set", "x"), "Say what to set"),
    ],
)
def test_what_cannot_be_is_refused_by_name(cli: Cli, arguments: tuple[str, ...], message: str) -> None:  # noqa: F811
    """Guards against a traceback, and against a bad value that is stored."""
    outcome = cli(*arguments)
    assert outcome.status == 1
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_templates_minutes_are_set_by_name_and_cluster(cli: Cli, connection: Connection) -> None:  # noqa: F811
    """Guards against setting the minutes of another cluster's template of the same name."""
    for name in ("a", "b"):
        add_named(connection, "clusters_jobtemplate", add_cluster(connection, name), 1)
    connection.commit()
    assert "Several job templates are called" in cli("templates", "set", "jobtemplate 1", "--manual-minutes", "30").err
    assert cli("templates", "set", "jobtemplate 1", "--manual-minutes", "20", "--cluster", "b").status == 0
    arguments = ("--manual-minutes", "30", "--creation-minutes", "120", "--cluster", "b")
    assert "30 minutes by hand" in cli("templates", "set", "jobtemplate 1", *arguments).out
    listed = json.loads(cli("templates", "list", "--json").out)
    assert [(row["cluster"], row["manual_minutes"], row["creation_minutes"], row["source"]) for row in listed] == [
        ("a", 60, 60, "default"),
        ("b", 30, 120, "set"),
    ]


def test_totals_convert_by_the_newest_rate_of_the_day(connection: Connection) -> None:
    """Guards against a rate of the future, and against figures in no currency at all."""
    cluster = add_cluster(connection, "a")
    template = add_named(connection, "clusters_jobtemplate", cluster, 1)
    hosts = [add_named(connection, "clusters_host", cluster, 1)]
    add_job(connection, cluster, 1, datetime(2025, 1, 5, tzinfo=UTC), job_template_id=template, hosts=hosts)
    refresh(connection)
    set_exchange_rate(connection, "usd", "eur", "0.5", date(2025, 1, 1))
    set_exchange_rate(connection, "USD", "EUR", "0.9", date(2025, 2, 1))
    query = "SELECT manual_costs, currency_code FROM marts.totals('2025-01-01', '2025-01-31', currency := %s)"
    assert connection.execute(query, (None,)).fetchone() == (3000, "USD")
    assert connection.execute(query, ("EUR",)).fetchone() == (1500, "EUR")
    with pytest.raises(CostError, match="'EURO' is no currency"):
        set_exchange_rate(connection, "USD", "EURO", "1", date(2025, 1, 1))
    with pytest.raises(psycopg.errors.NoDataFound, match="No exchange rate from USD to GBP is known on 2025-01-31"):
        connection.execute(query, ("GBP",))


def test_exchange_rates_are_set_on_the_command_line(cli: Cli, connection: Connection) -> None:  # noqa: F811
    """Guards against a command that the error of a missing rate names but that does not exist."""
    assert cli("settings", "fx", "set", "usd", "eur", "0.92", "--date", "2025-01-01").status == 0
    found = connection.execute(
        "SELECT from_currency, to_currency, rate_date, rate FROM common_currency_rate"
    ).fetchall()
    assert found == [("USD", "EUR", date(2025, 1, 1), Decimal("0.92"))]
    assert "must be between" in cli("settings", "fx", "set", "usd", "eur", "0").err


def test_payback_is_the_day_on_which_savings_passed_the_creation(connection: Connection) -> None:
    """Guards against a payback on the first day, or one that a later loss undoes."""
    cluster = add_cluster(connection, "a")
    template = add_named(connection, "clusters_jobtemplate", cluster, 1, time_taken_create_automation_minutes=150)
    hosts = [add_named(connection, "clusters_host", cluster, 1)]
    for day in range(1, 6):
        moment = datetime(2025, 1, day, 9, tzinfo=UTC)
        add_job(connection, cluster, day, moment, job_template_id=template, hosts=hosts, elapsed=0)
    refresh(connection)
    found = connection.execute(
        "SELECT first_run_date, payback_date, creation_costs, cumulated_savings FROM marts.payback"
    )
    assert found.fetchone() == (date(2025, 1, 1), date(2025, 1, 3), 7500, 5 * 3000 - 7500)


def test_fiscal_years_begin_when_the_setting_says(connection: Connection) -> None:
    """Guards against a calendar that forgets a change of the setting."""
    cluster = add_cluster(connection, "a")
    add_job(connection, cluster, 1, datetime(2025, 9, 30, tzinfo=UTC))
    add_job(connection, cluster, 2, datetime(2025, 10, 1, tzinfo=UTC))
    refresh(connection)
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('fiscal_year_start_month', '10')")
    found = connection.execute(
        "SELECT fiscal_year, fiscal_quarter, fiscal_month, iso_year_week FROM marts.dim_date "
        "WHERE date IN ('2025-09-30', '2025-10-01') ORDER BY date"
    ).fetchall()
    assert found == [(2025, 4, 12, "2025-W40"), (2026, 1, 1, "2025-W40")]


def test_costs_as_recorded_beyond_32_bits(connection: Connection) -> None:
    """Guards against hosts times minutes computed as int: a change of rates failed for what the refresh had stored."""
    cluster = add_cluster(connection, "prod")
    template = add_named(connection, "clusters_jobtemplate", cluster, 1, time_taken_manually_execute_minutes=1_000_000)
    finished = datetime(2025, 1, 5, tzinfo=UTC)
    add_job(connection, cluster, 1, finished, status="successful", elapsed=1, job_template_id=template, num_hosts=3_000)
    refresh(connection)
    connection.execute("SELECT marts.set_rate('manual', 2, '2025-01-01')")
    refresh(connection)
    recorded = "SELECT manual_costs_as_recorded FROM marts.{}"
    for relation in ("totals('2025-01-01', '2025-01-31')", "savings_daily", "savings_monthly"):
        assert one(connection, recorded.format(relation)) == 3_000 * 1_000_000 * 2
