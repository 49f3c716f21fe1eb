"""Refreshes that meet, that are killed, that see changes of rates; and the checks over the whole."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.marts.asset_checks import differences
from aap_pipeline.marts.refresh import refresh
from aap_pipeline.marts.templates import set_template
from aap_pipeline_tests.marts.dataset import add_cluster, add_job, add_named, generate, note_day, one
from aap_pipeline_tests.marts.test_oracle import snapshot


@pytest.fixture
def other(database_url: str) -> Iterator[Connection]:
    """A second connection, as another process would have."""
    with connect(database_url) as connection:
        yield connection


def test_refreshes_at_once_leave_the_marts_as_one_would(connection: Connection, database_url: str) -> None:
    """Guards against two refreshes of one cluster that both insert a day, and against deadlocks between clusters."""
    generate(connection, 3, jobs=30)
    connection.commit()

    def run(_: int) -> int:
        with connect(database_url) as own:
            return len(refresh(own).days)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(8)))
    after = snapshot(connection)
    refresh(connection, everything=True)
    assert snapshot(connection) == after
    assert differences(connection) == {}


@pytest.mark.parametrize(
    ("table", "check"),
    [
        ("marts.savings_monthly", "additivity"),
        ("rollup.launches_monthly", "additivity"),
    ],
)
def test_a_sum_that_is_off_is_seen(connection: Connection, table: str, check: str) -> None:
    """Guards against sums that drift from their days: pages read little else."""
    generate(connection, 3, jobs=30)
    refresh(connection)
    assert differences(connection) == {}
    connection.execute(f"UPDATE {table} SET hosts = hosts + 1".encode())
    assert list(differences(connection)) == [check]


def test_a_killed_refresh_leaves_marts_and_notes_as_they_were(connection: Connection, other: Connection) -> None:
    """Guards against days taken from the notes but not built."""
    generate(connection, 4, jobs=20)
    connection.commit()
    before = snapshot(connection)
    notes = connection.execute("SELECT count(*) FROM pipeline.changed_day").fetchone()
    connection.commit()
    other.execute("SELECT 1")
    refresh(other)  # inside the transaction begun above: a savepoint, nothing is committed
    connection.execute("SELECT pg_terminate_backend(%s)", (other.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        other.execute("SELECT 1")
    assert snapshot(connection) == before
    assert connection.execute("SELECT count(*) FROM pipeline.changed_day").fetchone() == notes
    refresh(connection)
    assert differences(connection) == {}


def test_a_change_noted_during_a_refresh_is_left_for_the_next(connection: Connection, other: Connection) -> None:
    """Guards against a note deleted unseen."""
    cluster = add_cluster(connection, "a")
    day = datetime(2025, 1, 5, 12, tzinfo=UTC)
    add_job(connection, cluster, 1, day)
    connection.commit()
    other.execute("BEGIN")
    refresh(other)
    add_job(connection, cluster, 2, day)
    connection.commit()
    other.commit()
    assert one(connection, "SELECT count(*) FROM pipeline.changed_day") == 1
    refresh(connection)
    assert one(connection, "SELECT sum(runs_without_hosts) FROM marts.savings_daily") == 2


def test_a_first_run_that_goes_or_is_preceded_on_its_own_day_is_found_again(connection: Connection) -> None:
    """Guards against a creation cost booked on a run that is gone, or on the second run of the day."""
    cluster = add_cluster(connection, "a")
    template = add_named(connection, "clusters_jobtemplate", cluster, 1)
    hosts = [add_named(connection, "clusters_host", cluster, 1)]

    def run(number: int, day: int, hour: int = 0) -> int:
        finished = datetime(2025, 1, day, hour, tzinfo=UTC)
        return add_job(connection, cluster, number, finished, job_template_id=template, hosts=hosts)

    def first_run() -> int:
        refresh(connection)
        return int(one(connection, "SELECT DISTINCT job_id FROM rollup.first_run"))

    fifth, sixth = run(1, 5, 9), run(2, 6, 9)
    assert first_run() == fifth
    earlier = run(3, 5, 8)
    assert first_run() == earlier
    connection.execute("DELETE FROM clusters_job WHERE id IN (%s, %s)", (earlier, fifth))
    note_day(connection, cluster, datetime(2025, 1, 5, 9, tzinfo=UTC))
    assert first_run() == sixth


def test_a_rebuild_after_a_change_of_rates_writes_nothing_twice(connection: Connection) -> None:
    """Guards against sums to date that are built and at once written again, which left half of their pages dead."""
    cluster = add_cluster(connection, "a")
    template = add_named(connection, "clusters_jobtemplate", cluster, 1)
    hosts = [add_named(connection, "clusters_host", cluster, 1)]
    add_job(connection, cluster, 1, datetime(2025, 1, 5, 9, tzinfo=UTC), job_template_id=template, hosts=hosts)
    connection.execute("SELECT marts.set_rate('manual', 70, '2025-01-01')")
    assert refresh(connection, everything=True).repriced_rows == 0
    recorded = "SELECT manual_costs_as_recorded FROM marts.totals('2025-01-01', '2025-01-31')"
    assert one(connection, recorded) == 60 * 70
    assert one(connection, "SELECT count(*) FROM pipeline.changed_rate") == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cost_model", "per_hour"),
        ("hours_per_fte", "many"),
        ("hours_per_fte", "0"),
        ("hours_per_fte", "NaN"),
        ("fiscal_year_start_month", "13"),
        ("fiscal_year_start_month", "1.5"),
        ("default_manual_minutes", "-1"),
        ("default_creation_minutes", "2147483648"),
        ("reporting_timezone", "Mars/Base"),
        ("currency", "99"),
    ],
)
def test_a_bad_setting_is_refused_by_name(connection: Connection, name: str, value: str) -> None:
    """Guards against a formula that silently takes a default for a typing error, whatever program writes it."""
    with pytest.raises(psycopg.errors.CheckViolation, match=f'Setting {name} cannot be "{value}"'):
        connection.execute(
            "INSERT INTO common_settings (type, value) VALUES (%s, %s) "
            "ON CONFLICT (type) DO UPDATE SET value = excluded.value",
            (name, value),
        )


def test_a_purged_cluster_leaves_nothing_in_the_marts(connection: Connection) -> None:
    """Guards against history of a cluster that is gone."""
    dataset = generate(connection, 11, jobs=15)
    refresh(connection)
    for place in (
        (dataset.clusters[0], 0),
        (dataset.clusters[0], dataset.organizations[0]),
        (0, dataset.organizations[0]),
    ):
        connection.execute("SELECT marts.set_rate('manual', 9, '2025-01-01', %s, %s)", place)
    left = (
        "SELECT count(*) FROM marts.savings_daily",
        "SELECT count(*) FROM rollup.host_set_monthly",
        "SELECT count(*) FROM marts.rate_history WHERE cluster_id + organization_id > 0",
        "SELECT runs FROM marts.totals('2000-01-01', '2100-01-01')",
    )
    assert all(one(connection, query) for query in left)
    for table in ("clusters_jobhostsummary", "clusters_joblabel", "clusters_job"):
        connection.execute(f"DELETE FROM {table}".encode())
    connection.execute("DELETE FROM clusters_cluster")
    assert [one(connection, query) for query in left] == [0, 0, 0, 0]


def test_minutes_are_estimated_from_the_first_runs_where_asked(connection: Connection) -> None:
    """Guards against an estimate that hides what it is, or that overrules a person."""
    cluster = add_cluster(connection, "a")
    guessed, said = (add_named(connection, "clusters_jobtemplate", cluster, number) for number in (1, 2))
    hosts = [add_named(connection, "clusters_host", cluster, 1)]
    connection.execute("UPDATE clusters_jobtemplate SET time_taken_manually_execute_minutes = 7 WHERE id = %s", (said,))
    for number in range(10):
        moment = datetime(2025, 1, 3, number, tzinfo=UTC)
        template = guessed if number % 2 else said
        add_job(
            connection, cluster, number, moment, job_template_id=template, hosts=hosts, elapsed=Decimal(60 * number)
        )
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('estimate_template_minutes', 'true')")
    refresh(connection)
    found = connection.execute(
        "SELECT manual_minutes, source FROM marts.template_minutes WHERE valid_to = '9999-12-31' "
        "ORDER BY job_template_id"
    )
    assert found.fetchall() == [(5, "estimated"), (7, "set")]


def test_an_estimate_keeps_what_was_said_of_the_creation_and_shows_even_where_it_is_the_default(
    connection: Connection,
) -> None:
    """Guards against creation minutes that count as manual ones, and against an estimate made anew for ever."""
    cluster = add_cluster(connection, "a")
    template = add_named(connection, "clusters_jobtemplate", cluster, 1)
    hosts = [add_named(connection, "clusters_host", cluster, 1)]
    assert set_template(connection, "jobtemplate 1", creation_minutes=90)["source"] == "default"
    for number in range(5):
        moment = datetime(2025, 1, 3, number, tzinfo=UTC)
        add_job(connection, cluster, number, moment, job_template_id=template, hosts=hosts, elapsed=3600)
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('estimate_template_minutes', 'true')")
    refresh(connection)
    assert refresh(connection).repriced_rows == 0
    history = (
        "SELECT manual_minutes, creation_minutes, source FROM marts.template_minutes "
        "WHERE job_template_id = %s ORDER BY valid_from"
    )
    assert connection.execute(history, (template,)).fetchall() == [(60, 60, "estimated"), (60, 90, "estimated")]
    connection.execute("SELECT set_config('marts.minutes_source', '', TRUE)")  # ends with the refresh's transaction
    assert set_template(connection, "jobtemplate 1", manual_minutes=60)["source"] == "set"
    assert connection.execute(history, (template,)).fetchall() == [(60, 60, "estimated"), (60, 90, "set")]


@pytest.mark.parametrize("minutes", [-1, -5])
def test_minutes_out_of_bounds_are_refused_by_name_whoever_writes_them(connection: Connection, minutes: int) -> None:
    """Guards against a program beside the command line that makes savings of nothing."""
    template = add_named(connection, "clusters_jobtemplate", add_cluster(connection, "a"), 1)
    with pytest.raises(psycopg.errors.CheckViolation, match='The minutes of job template "jobtemplate 1" cannot be'):
        connection.execute(
            "UPDATE clusters_jobtemplate SET time_taken_manually_execute_minutes = %s WHERE id = %s",
            (minutes, template),
        )


def test_every_relation_column_and_function_of_the_marts_has_a_comment(connection: Connection) -> None:
    """Guards against a data dictionary with holes."""
    missing = connection.execute(
        "SELECT c.relname || COALESCE('.' || a.attname, '') FROM pg_class c "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "WHERE c.relnamespace = 'marts'::regnamespace AND c.relkind IN ('r', 'v') "
        "AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL) "
        "UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'marts'::regnamespace "
        "AND obj_description(oid) IS NULL AND prorettype <> 'trigger'::regtype"
    ).fetchall()
    assert missing == []


@pytest.mark.parametrize("everything", [False, True])
def test_rows_that_arrived_with_triggers_off_are_priced_as_any_other(connection: Connection, everything: bool) -> None:
    """Guards against savings that are empty without a word after pg_restore --disable-triggers or a logical replica."""
    connection.execute("SET session_replication_role = replica")
    connection.execute("UPDATE clusters_costs SET value = 70 WHERE type = 'manual'")
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('creation_cost_basis', '\"once\"')")
    cluster = add_cluster(connection, "a")
    organization = add_named(connection, "clusters_organization", cluster, 1)
    template = add_named(
        connection,
        "clusters_jobtemplate",
        cluster,
        1,
        time_taken_manually_execute_minutes=30,
        time_taken_create_automation_minutes=None,
    )
    hosts = [add_named(connection, "clusters_host", cluster, 1)]
    for number in range(2):
        moment = datetime(2025, 1, 5 + number, 12, tzinfo=UTC)
        references = {"job_template_id": template, "organization_id": organization}
        add_job(connection, cluster, number, moment, hosts=hosts, elapsed=60, **references)
    connection.execute("SET session_replication_role = origin")
    refresh(connection, everything=everything)
    for relation in ("savings_daily", "savings_monthly", "fct_job_run", "totals('2025-01-01', '2025-01-31')"):
        found = connection.execute(
            f"SELECT sum(runs), sum(manual_costs), sum(creation_costs), sum(run_costs) FROM marts.{relation}".encode()
        )
        assert found.fetchone() == (2, 2 * 30 * 70, 60 * 70, 2 * 20), relation
    # Once more, after the marts knew them.
    connection.execute("SET session_replication_role = replica")
    connection.execute("UPDATE clusters_costs SET value = 80 WHERE type = 'manual'")
    connection.execute("UPDATE clusters_jobtemplate SET time_taken_manually_execute_minutes = 10")
    connection.execute("SET session_replication_role = origin")
    refresh(connection)
    money = "SELECT sum(manual_costs), sum(manual_costs_as_recorded) FROM marts.savings_monthly"
    assert connection.execute(money).fetchone() == (2 * 10 * 80, 2 * 30 * 50)  # the rates changed as of today
    connection.execute(
        "INSERT INTO marts.rate_history (rate_type, cluster_id, organization_id, valid_from, value) "
        "VALUES ('manual', %s, %s, '0001-01-01', 90)",
        (cluster, organization),
    )
    refresh(connection, everything=everything)
    assert connection.execute(money).fetchone() == (2 * 10 * 90, 2 * 30 * 90)


def test_every_published_number_is_bounded_and_small_enough_for_net(connection: Connection) -> None:
    """Guards against sums with more digits than .NET's decimal holds: a mantissa below 2^96 and at most 28 places."""
    unbounded = connection.execute(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
        "WHERE c.relnamespace = 'marts'::regnamespace AND c.relkind IN ('r', 'v') "
        "AND a.atttypid = 'numeric'::regtype AND a.atttypmod = -1"
    ).fetchall()
    assert unbounded == []
    dataset = generate(connection, 7, jobs=40)
    refresh(connection)
    relations = ["savings_daily", "savings_monthly", "kpi_daily", "template_monthly", "payback", "fct_job_run"]
    days = "'2000-01-01', '2100-01-01'"
    relations += [f"{name}({days})" for name in ("totals", "savings_by_template", "top_projects", "formula_comparison")]
    for relation in relations:
        cursor = connection.execute(f"SELECT * FROM marts.{relation} LIMIT 0".encode())
        numbers = [column.name for column in cursor.description or () if column.type_code == 1700]
        for name in numbers:
            total = one(connection, f"SELECT sum({name}) FROM marts.{relation}")
            _, digits, exponent = Decimal(total).as_tuple()
            assert -28 <= int(exponent) <= 0, (relation, name)
            mantissa = int("".join(map(str, digits)))
            if "roi" not in name:  # a quotient does not grow with the jobs, and is never added up
                mantissa *= 5_000_000 // 100
            assert mantissa < 2**96, (relation, name, total)
    assert dataset.clusters


def test_no_amount_stops_the_refresh_of_everyone(connection: Connection) -> None:
    """Guards against rates and minutes that the tables take, and whose product no column holds."""
    other, cluster = add_cluster(connection, "other"), add_cluster(connection, "extreme")
    most = 2**31 - 1
    day = datetime(2025, 1, 5, 12, tzinfo=UTC)
    for place in (other, cluster):
        minutes = most if place == cluster else 30
        template = add_named(
            connection,
            "clusters_jobtemplate",
            place,
            1,
            time_taken_manually_execute_minutes=minutes,
            time_taken_create_automation_minutes=minutes,
        )
        for number in range(40):
            moment = day + timedelta(days=number % 20)
            hosts = most // 40 if place == cluster else 1
            elapsed = 999_999_999_999 if place == cluster else 60
            add_job(connection, place, number, moment, elapsed=elapsed, job_template_id=template, num_hosts=hosts)
    for rate, sign in (("manual", 1), ("automated", -1)):
        connection.execute(
            "SELECT marts.set_rate(%s, %s, '2025-01-01', %s)", (rate, sign * Decimal("9999999999999.99"), cluster)
        )
    assert refresh(connection).runs == 80
    connection.execute("SELECT marts.set_rate('manual', -9999999999999.99, '2025-01-01', %s)", [cluster])
    refresh(connection)
    refresh(connection, everything=True)
    saved = "SELECT sum({}) FROM marts.savings_monthly WHERE cluster_id = {}"
    assert one(connection, saved.format("savings", other)) == 40 * (30 * 50 - 30 * 50 - 20)
    assert one(connection, saved.format("manual_minutes", cluster)) == 40 * (most // 40) * most
    assert one(connection, saved.format("savings", cluster)) < -Decimal("1e25")
    assert connection.execute("SELECT sum(savings) FROM marts.totals('2025-01-01', '2025-12-31')").fetchone()


def test_the_star_has_one_path_from_each_fact_to_each_dimension(connection: Connection) -> None:
    """Guards against a fact whose keys a tool cannot follow, or that it can follow twice."""
    found = connection.execute(
        "SELECT c.conrelid::regclass::text, c.confrelid::regclass::text, count(*) FROM pg_constraint c "
        "JOIN pg_class f ON f.oid = c.conrelid WHERE c.contype = 'f' AND f.relnamespace = 'marts'::regnamespace "
        "AND f.relname IN ('savings_daily', 'savings_monthly', 'launches') GROUP BY 1, 2"
    ).fetchall()
    dimensions = {
        f"marts.dim_{name}"
        for name in ("date", "cluster", "organization", "job_template", "project", "inventory", "label_set")
    }
    paths = {(fact, dimension): count for fact, dimension, count in found}
    for fact, more in (("savings_daily", set()), ("savings_monthly", set()), ("launches", {"marts.dim_user"})):
        assert dict.fromkeys(dimensions | more, 1) == {
            dimension: count for (name, dimension), count in paths.items() if name == f"marts.{fact}"
        }
    detours = connection.execute(
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' "
        "AND conrelid::regclass::text LIKE 'marts.dim%' AND confrelid::regclass::text LIKE 'marts.dim%'"
    ).fetchall()
    assert detours == []


def test_schema_marts_reads_like_a_catalogue(connection: Connection) -> None:
    """Guards against relations that only functions read, and against one comment for columns of different meaning."""
    assert one(
        connection,
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'marts'::regnamespace AND relkind IN ('r', 'v', 'm')",
    ) <= 28  # fmt: skip
    shared = connection.execute(
        "SELECT d.description, array_agg(DISTINCT a.attname::text) FROM pg_class c "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
        "JOIN pg_description d ON d.objoid = c.oid AND d.objsubid = a.attnum AND d.classoid = 'pg_class'::regclass "
        "WHERE c.relnamespace = 'marts'::regnamespace GROUP BY 1 HAVING count(DISTINCT a.attname) > 1"
    ).fetchall()
    assert shared == []
