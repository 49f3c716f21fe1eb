"""Rates, minutes and currencies as people set them, through the command line where they do."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from aap_pipeline.database.connection import Connection
from aap_pipeline.errors import PipelineError
from aap_pipeline.marts.costs import set_exchange_rate
from aap_pipeline.marts.refresh import refresh
from aap_pipeline_tests.cli.conftest import Cli, cli, run  # noqa: F401 - fixtures
from aap_pipeline_tests.marts.dataset import add_cluster, add_job, add_named, one


def test_rates_are_set_for_everyone_a_cluster_and_an_organization(cli: Cli, connection: Connection) -> None:  # noqa: F811
    """Guards against an override that is stored but never used, or that hides the general rate."""
    cluster = add_cluster(connection, "prod")
    organization = add_named(connection, "clusters_organization", cluster, 1)
    connection.commit()
    assert cli("costs", "set", "manual", "55", "--from", "2025-01-01").status == 0
    assert cli("costs", "set", "automated", "7.50", "--cluster", "prod").status == 0
    done = cli("costs", "set", "manual", "80", "--organization", "organization 1", "--cluster", "prod")
    assert done.out.splitlines()[-1].split()[:2] == ["manual", "80.00"]
    assert "prod     organization 1" in done.out
    assert cli("costs", "set", "manual", "70", "--cluster", "prod").status == 0
    price = "SELECT manual, automated FROM marts.rate_period WHERE organization_id = %s AND valid_to = '9999-12-31'"
    assert connection.execute(price, (organization,)).fetchone() == (80, 7.5)
    assert connection.execute(price, (0,)).fetchone() == (70, 7.5)
    assert one(connection, "SELECT value FROM clusters_costs WHERE type = 'manual'") == 55
    assert cli("costs", "set", "manual", "none", "--organization", "organization 1").status == 0
    connection.commit()
    assert connection.execute(price, (organization,)).fetchone() == (70, 7.5)
    shown = json.loads(cli("costs", "show", "--json").out)
    keys = {"rate_type", "value", "per", "valid_from", "valid_until", "cluster", "organization", "in_force"}
    assert keys == set(shown[0])


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("costs", "set", "machine", "5"), 2, "There is no rate 'machine'"),
        (("costs", "set", "manual", "dear"), 2, "'dear' is not a valid manual rate"),
        (("costs", "set", "manual", "10000000000000"), 2, "Use 0 to 9999999999999.99 per minute"),
        (("costs", "set", "hourly", "NaN"), 2, "Use 0 to 9999999999999.99 per hour"),
        (("costs", "set", "subscription", "-1"), 2, "Use 0 to 9999999999999.99 per month"),
        (("costs", "set", "manual", "1.234"), 2, "two decimal places"),
        (("costs", "set", "manual", "none"), 2, "needs a value"),
        (("costs", "set", "manual", "5", "--from", "2026-02-30"), 2, "'2026-02-30' is not a valid day"),
        (("costs", "set", "subscription", "9", "--cluster", "x"), 2, "The subscription rate is global"),
        (("settings", "set", "hourly_rate", "60"), 2, "To set a rate, run `aap-pipeline costs set`"),
        (("settings", "show", "subscription_monthly_price"), 2, "To set a rate, run `aap-pipeline costs set`"),
        (("settings", "set", "default_manual_minutes", "-1"), 2, "a whole number from 0 to 2147483647"),
        (("settings", "set", "currency", "99"), 2, "It must be one of common_currency"),
        (("settings", "fx", "set", "usd", "usd", "1"), 2, "two different currencies"),
        (("costs", "set", "manual", "5", "--cluster", "nowhere"), 1, "There is no cluster 'nowhere'"),
        (("costs", "set", "manual", "5", "--organization", "nobody"), 1, "There is no organization 'nobody'"),
        (("templates", "set", "x", "--manual-minutes", "-1"), 2, "-1 is not in the range 0<=x<=2147483647"),
        (("templates", "set", "x", "--creation-minutes", "2147483648"), 2, "2147483648 is not in the range"),
        (("templates", "set", "x", "--manual-minutes", "5"), 1, "There is no job template 'x'"),
        (("templates", "set", "x"), 2, "Nothing to set for 'x'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(cli: Cli, arguments: tuple[str, ...], status: int, message: str) -> None:  # noqa: F811
    """Guards against a traceback, a bad value that is stored, and a status that a script takes for a failure."""
    outcome = cli(*arguments)
    assert outcome.status == status
    assert message in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("minutes", [0, 1, 2**31 - 1])
def test_minutes_are_what_the_specification_stores(cli: Cli, connection: Connection, minutes: int) -> None:  # noqa: F811
    """Guards against refusing what a column INTEGER of the specification holds, in SQL, in settings and on the command
    line."""
    cluster = add_cluster(connection, "a")
    templates = [add_named(connection, "clusters_jobtemplate", cluster, number) for number in (1, 2)]
    columns = "time_taken_manually_execute_minutes", "time_taken_create_automation_minutes"
    for column in columns:
        connection.execute(f"UPDATE clusters_jobtemplate SET {column} = %s WHERE id = %s", (minutes, templates[0]))
    hosts = [add_named(connection, "clusters_host", cluster, 1)]
    for number, template in enumerate(templates):
        moment = datetime(2025, 1, 5, tzinfo=UTC)
        add_job(connection, cluster, number, moment, job_template_id=template, hosts=hosts, elapsed=60)
    connection.commit()
    both = ("--manual-minutes", str(minutes), "--creation-minutes", str(minutes))
    assert cli("templates", "set", "jobtemplate 2", *both).status == 0
    refresh(connection)
    query = "SELECT runs, manual_costs, automated_costs FROM marts.totals('2025-01-01', '2025-01-31')"
    assert connection.execute(query).fetchone() == (2, 2 * minutes * 50, 2 * (minutes * 50 + 20))
    connection.commit()
    for setting in ("default_manual_minutes", "default_creation_minutes"):
        assert cli("settings", "set", setting, str(minutes)).status == 0
    add_named(connection, "clusters_jobtemplate", cluster, 3, **dict.fromkeys(columns))
    found = f"SELECT {', '.join(columns)} FROM clusters_jobtemplate WHERE name = 'jobtemplate 3'"
    assert connection.execute(found).fetchone() == (minutes, minutes)


@pytest.mark.parametrize("value", [None, 0, Decimal("-5.25"), Decimal("100000.01"), Decimal("9999999999999.99")])
def test_a_rate_is_what_the_specification_stores(connection: Connection, value: Decimal | None) -> None:
    """Guards against refusing what a column DECIMAL(15,2) of the specification holds; NULL counts as 0."""
    cluster = add_cluster(connection, "a")
    template = add_named(connection, "clusters_jobtemplate", cluster, 1)
    hosts = [add_named(connection, "clusters_host", cluster, 1)]
    moment = datetime(2025, 1, 5, tzinfo=UTC)
    add_job(connection, cluster, 1, moment, job_template_id=template, hosts=hosts, elapsed=60)
    refresh(connection)
    for rate in ("manual", "automated"):
        connection.execute("UPDATE clusters_costs SET value = %s WHERE type = %s", (value, rate))
        assert one(connection, f"SELECT rollup.rate_on('{rate}', 0, 0, marts.today())") == (value or 0)
    refresh(connection)
    query = "SELECT manual_costs, automated_costs FROM marts.totals('2025-01-01', '2025-01-31')"
    assert connection.execute(query).fetchone() == (60 * (value or 0), 61 * (value or 0))


def test_templates_minutes_are_set_by_name_and_cluster(cli: Cli, connection: Connection) -> None:  # noqa: F811
    """Guards against setting the minutes of another cluster's template of the same name."""
    for name in ("a", "b"):
        add_named(connection, "clusters_jobtemplate", add_cluster(connection, name), 1)
    connection.commit()
    ambiguous = cli("templates", "set", "jobtemplate 1", "--manual-minutes", "30").err
    assert re.search(
        r"Several job templates are named .*, or use '#\d+' in a, '#\d+' in b", ambiguous
    )  # no comment of a shell
    assert cli("templates", "set", "jobtemplate 1", "--manual-minutes", "20", "--cluster", "b").status == 0
    arguments = ("--manual-minutes", "30", "--creation-minutes", "120", "--cluster", "b")
    assert "30 manual minutes per host" in cli("templates", "set", "jobtemplate 1", *arguments).out
    listed = json.loads(cli("templates", "list", "--json").out)
    assert [(row["cluster"], row["manual_minutes"], row["creation_minutes"], row["source"]) for row in listed] == [
        ("a", 60, 60, "default"),
        ("b", 30, 120, "set"),
    ]


def test_a_template_is_left_out_of_every_figure_from_a_day_on(cli: Cli, connection: Connection) -> None:  # noqa: F811
    """Guards against runs of an excluded template that one table leaves out and another counts, or that are lost."""
    cluster = add_cluster(connection, "a")
    template = add_named(connection, "clusters_jobtemplate", cluster, 1)
    user = add_named(connection, "clusters_aapuser", cluster, 1, type="user")
    for number in range(1, 5):
        hosts = [add_named(connection, "clusters_host", cluster, number)]
        moment = datetime(2025, 1, number, tzinfo=UTC)
        add_job(
            connection, cluster, number, moment, job_template_id=template, hosts=hosts, elapsed=0, launched_by_id=user
        )
    refresh(connection)
    connection.commit()

    def figures() -> list[int]:
        refresh(connection)
        connection.commit()
        january = "'2025-01-01', '2025-01-31'"
        return [
            one(connection, f"SELECT COALESCE({measure}, 0) FROM {source}")
            for measure, source in (
                ("sum(runs)", "marts.savings_daily"),
                ("sum(runs)", "marts.savings_monthly"),
                ("sum(runs)", "marts.launches"),
                ("sum(runs)", "marts.fct_job_run"),
                ("sum(runs)", "marts.kpi_daily"),
                ("count(DISTINCT host_id)", "marts.host_monthly"),
                ("max(runs)", f"marts.formula_comparison({january})"),
                ("sum(runs)", f"marts.top_users({january})"),
                ("sum(job_count)", f"marts.job_counts({january}, 'hour')"),
                ("sum(job_count)", f"marts.job_counts({january})"),
                ("unique_hosts", f"marts.unique_hosts({january})"),
                ("runs", f"marts.totals({january})"),
            )
        ]

    assert set(figures()) == {4}
    assert (
        "It is excluded from the savings."
        in cli("templates", "set", f"#{template}", "--exclude", "--from", "2025-01-02").out
    )
    assert set(figures()) == {1}
    assert cli("templates", "set", f"#{template}", "--include", "--from", "2025-01-04").status == 0
    assert set(figures()) == {2}
    assert one(connection, "SELECT count(*) FROM marts.fct_job_run WHERE left_out") == 2
    assert "is in the future" in cli("templates", "set", f"#{template}", "--exclude", "--from", "2999-01-01").err
    assert "needs --exclude" in cli("templates", "set", "#1", "--manual-minutes", "5", "--from", "2025-01-01").err


def test_a_template_that_came_with_triggers_off_can_be_left_out_before_any_refresh(
    cli: Cli,  # noqa: F811
    connection: Connection,
) -> None:
    """Guards against an exclusion that is lost without a word, because the template has no minutes yet."""
    connection.execute("SET session_replication_role = replica")
    cluster = add_cluster(connection, "a")
    template = add_named(connection, "clusters_jobtemplate", cluster, 1)
    connection.execute("SET session_replication_role = origin")
    add_job(connection, cluster, 1, datetime(2025, 1, 5, tzinfo=UTC), job_template_id=template, num_hosts=1)
    connection.commit()
    assert "It is excluded" in cli("templates", "set", f"#{template}", "--exclude", "--from", "2025-01-01").out
    refresh(connection)
    assert one(connection, "SELECT runs FROM marts.totals('2025-01-01', '2025-01-31')") == 0


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
    assert one(connection, "SELECT manual_costs FROM marts.totals(NULL, NULL, currency := 'EUR')") == 2700
    with pytest.raises(PipelineError, match="'EURO' is not a valid currency"):
        set_exchange_rate(connection, "USD", "EURO", "1", date(2025, 1, 1))
    with pytest.raises(psycopg.errors.NoDataFound, match="No exchange rate from USD to GBP is known on 2025-01-31"):
        connection.execute(query, ("GBP",))
    connection.rollback()
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="'EURO' is not a valid currency"):
        connection.execute(query, ("EURO",))


def test_exchange_rates_are_set_on_the_command_line(cli: Cli, connection: Connection) -> None:  # noqa: F811
    """Guards against a command that the error of a missing rate names but that does not exist."""
    assert cli("settings", "fx", "set", "usd", "eur", "0.92", "--date", "2025-01-01").status == 0
    found = connection.execute(
        "SELECT from_currency, to_currency, rate_date, rate FROM common_currency_rate"
    ).fetchall()
    assert found == [("USD", "EUR", date(2025, 1, 1), Decimal("0.92"))]
    assert "0 is not a valid exchange rate" in cli("settings", "fx", "set", "usd", "eur", "0").err
    for zone in ("Etc/GMT+12", "Etc/GMT-14"):  # in one of them it is another day than in UTC
        assert cli("settings", "set", "reporting_timezone", zone).status == 0
        connection.commit()
        today = one(connection, "SELECT marts.today()")
        assert f"1 USD is 0.93 EUR from {today} on." in cli("settings", "fx", "set", "usd", "eur", "0.93").out
    with pytest.raises(psycopg.errors.CheckViolation, match="iso_codes_in_capitals"):
        connection.execute(
            "INSERT INTO common_currency_rate (from_currency, to_currency, rate_date, rate) "
            "VALUES ('usd', 'eur', '2025-01-01', 1)"
        )


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


@pytest.mark.parametrize(
    ("elapsed", "payback"),
    [
        ({}, date(2025, 1, 31)),
        ({date(2025, 2, 5): 5}, date(2025, 1, 31)),
        ({date(2025, 2, 5): 6}, date(2025, 2, 6)),  # back to zero on one day of a month that begins and ends above it
        ({date(2025, 3, 1): 44}, date(2025, 3, 16)),
        ({date(2025, 2, 5): 6, date(2025, 3, 1): 64}, date(2025, 4, 11)),
        ({date(2025, 4, 1): 90}, None),
    ],
)
def test_payback_is_undone_by_any_day_on_which_savings_are_back_at_zero(
    connection: Connection, elapsed: dict[date, int], payback: date | None
) -> None:
    """Guards against months that are taken to stay above zero because they begin and end there.

    A run a day from 1 January to 30 April saves 50, after 30 times that for its creation; on the days named it costs
    so many times that."""
    cluster = add_cluster(connection, "a")
    minutes = {"time_taken_manually_execute_minutes": 1, "time_taken_create_automation_minutes": 30}
    template = add_named(connection, "clusters_jobtemplate", cluster, 1, **minutes)
    hosts = [add_named(connection, "clusters_host", cluster, 1)]
    for number in range(120):
        moment = datetime(2025, 1, 1, 9, tzinfo=UTC) + timedelta(days=number)
        seconds = elapsed.get(moment.date(), 0) * 150  # 2.5 minutes at 20
        add_job(connection, cluster, number, moment, job_template_id=template, hosts=hosts, elapsed=seconds)
    refresh(connection)
    found = connection.execute("SELECT payback_date, payback_date_as_recorded FROM marts.payback").fetchall()
    assert found == [(payback, payback)]


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


@pytest.mark.parametrize(
    ("rate", "value", "organization", "message"),
    [
        ("hour", 1, 0, 'There is no rate "hour": the rates are manual, automated, hourly and subscription'),
        (
            "hourly",
            10**13,
            0,
            "The hourly rate cannot be 10000000000000: .* of two decimal places below 10000000000000",
        ),
        ("subscription", -(10**13), 0, "The subscription rate cannot be -10000000000000"),
        ("manual", Decimal("0.001"), 0, "The manual rate cannot be 0.001: .* of two decimal places"),
        ("manual", "NaN", 0, "The manual rate cannot be NaN"),
        ("hourly", None, 0, "The hourly rate cannot be <NULL>"),
        ("subscription", 1, 7, "no cluster or organization has one of its own"),
    ],
)
def test_a_rate_out_of_bounds_is_refused_by_name_whoever_sets_it(
    connection: Connection, rate: str, value: object, organization: int, message: str
) -> None:
    """Guards against a program beside the command line that sets a rate which nobody meant."""
    with pytest.raises(psycopg.errors.CheckViolation, match=message):
        connection.execute("SELECT marts.set_rate(%s, %s, '2025-01-01', 0, %s)", (rate, value, organization))


@pytest.mark.parametrize("name", ["hourly_rate", "subscription_monthly_price"])
def test_a_rate_written_among_the_settings_is_refused(connection: Connection, name: str) -> None:
    """Guards against money that somebody set as a setting, as one did once, and that no figure follows."""
    with pytest.raises(psycopg.errors.CheckViolation, match="are no settings but rates with a history"):
        connection.execute("INSERT INTO common_settings (type, value) VALUES (%s, '60')", (name,))


def test_an_organizations_rate_comes_before_its_clusters_before_everyones(connection: Connection) -> None:
    """Guards against another order, also where an organization's rate was set without naming its cluster."""
    cluster = add_cluster(connection, "a")
    own, alone, none = (add_named(connection, "clusters_organization", cluster, number) for number in range(3))
    elsewhere = add_named(connection, "clusters_organization", add_cluster(connection, "b"), 1)
    for rate in ("manual", "automated", "hourly"):
        for value, place, organization in ((1, 0, 0), (2, cluster, 0), (3, cluster, own), (4, 0, alone)):
            connection.execute(
                "SELECT marts.set_rate(%s, %s, '2025-01-01', %s, %s)", (rate, value, place, organization)
            )
        found = connection.execute(f"SELECT organization_id, {rate} FROM marts.current_rate".encode()).fetchall()
        assert {own: 3, alone: 4, none: 2, elsewhere: 1}.items() <= dict(found).items(), rate
        connection.execute("SELECT marts.set_rate(%s, NULL, '2025-01-02', %s, %s)", (rate, cluster, own))
        connection.execute("SELECT marts.set_rate(%s, NULL, '2025-01-02', 0, %s)", (rate, alone))
        found = connection.execute(f"SELECT organization_id, {rate} FROM marts.current_rate".encode()).fetchall()
        assert {own: 2, alone: 2, none: 2, elsewhere: 1}.items() <= dict(found).items(), rate


def test_setting_a_rate_says_which_days_it_holds(cli: Cli, connection: Connection) -> None:  # noqa: F811
    """Guards against a rate that an earlier one for a later day ends unseen, and that is taken to hold for good."""

    def set_rate(*arguments: str) -> list[list[str]]:
        return [line.split()[1:6] for line in cli("costs", "set", *arguments).out.splitlines()[2:]]

    april = ["90.00", "hour", "2025-04-01", "–", "all"]
    assert set_rate("hourly", "90", "--from", "2025-04-01") == [april]
    assert set_rate("hourly", "80", "--from", "2025-01-01") == [
        ["80.00", "hour", "2025-01-01", "2025-03-31", "all"],
        april,
    ]
    assert set_rate("subscription", "6000") == [["6,000.00", "month", "always", "–", "all"]]
    set_rate("subscription", "7000", "--from", "2025-05-02")
    set_rate("subscription", "7500", "--from", "2025-06-01")
    add_cluster(connection, "prod")
    connection.commit()
    assert set_rate("manual", "9", "--cluster", "prod", "--from", "2025-02-01")
    assert ["none", "minute", "2025-01-01", "2025-01-31", "prod"] in set_rate(
        "manual", "none", "--cluster", "prod", "--from", "2025-01-01"
    )
    shown = json.loads(cli("costs", "show", "--json").out)
    assert [(row["value"], row["valid_from"], row["valid_until"], row["in_force"]) for row in shown[2:7]] == [
        (80.0, "2025-01-01", "2025-03-31", False),
        (90.0, "2025-04-01", None, True),
        (6000.0, "0001-01-01", "2025-05-01", False),
        (7000.0, "2025-05-02", "2025-05-31", False),
        (7500.0, "2025-06-01", None, True),
    ]
    table = cli("costs", "show").out
    assert [line.split()[:6] for line in table.splitlines() if line.startswith(("hourly", "subscription"))][:3] == [
        ["hourly", "80.00", "hour", "2025-01-01", "2025-03-31", "all"],
        ["hourly", "90.00", "hour", "2025-04-01", "–", "all"],
        ["subscription", "6,000.00", "month", "always", "2025-05-01", "all"],
    ]


def test_functions_are_filtered_by_names(connection: Connection) -> None:
    """Guards against a name that is taken for none, which filters everything out, and against ambiguous names."""
    dataset = [add_cluster(connection, name) for name in ("a", "b")]
    mine, other = (add_named(connection, "clusters_organization", cluster, 1) for cluster in dataset)
    refresh(connection)
    ids = "SELECT marts.ids('organization', %s)"
    assert one(connection, ids, ["organization 1"]) == [mine, other]
    assert one(connection, ids, ["organization 1 (b)"]) == [other]
    assert one(connection, "SELECT marts.ids('cluster', '{b}')") == [dataset[1]]
    with pytest.raises(psycopg.errors.NoDataFound, match='There is no organization "orgnization 1"'):
        connection.execute(ids, (["organization 1", "orgnization 1"],))
