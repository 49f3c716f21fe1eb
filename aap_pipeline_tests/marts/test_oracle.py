"""Every function and table says what the slow computation of `oracle.py` says, after any sequence of changes.

AAP_PIPELINE_EXAMPLES tries more sequences.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from aap_pipeline.database.connection import Connection
from aap_pipeline.marts.asset_checks import differences
from aap_pipeline.marts.refresh import refresh
from aap_pipeline_tests.marts.changes import change_something
from aap_pipeline_tests.marts.dataset import DAYS, START, Dataset, generate
from aap_pipeline_tests.marts.oracle import Filters, Oracle

_EXACT = Fraction(1, 10**9)
_FILTERS = ("clusters", "organizations", "job_templates", "projects", "labels", "inventories", "launch_types")
_GRAIN = "cluster_id, organization_id, job_template_id, project_id, label_set_id, inventory_id, launch_type"
_TABLES = {
    "marts.savings_daily": f"date, {_GRAIN}, job_type, status",
    "marts.savings_monthly": f"month, {_GRAIN}, job_type, status",
    "marts.launches": f"date, {_GRAIN}, job_type, status, user_id",
    "rollup.launches_monthly": f"month, {_GRAIN}, job_type, status, user_id",
    "rollup.left_out_daily": f"date, {_GRAIN}, job_type, status",
    "rollup.host_set_daily": f"date, {_GRAIN}, chunk",
    "rollup.host_set_monthly": f"month, {_GRAIN}, chunk",
    "rollup.host_runs_daily": "date, cluster_id, organization_id",
    "rollup.host_runs_monthly": "month, cluster_id, organization_id, host_id",
    "rollup.first_run": "job_template_id, count_check_mode, successful_only, slices_once",
    "marts.dim_job_template": "job_template_id",
    "marts.bridge_label_set": "label_set_id, label_id",
    "marts.dim_label_set": "label_set_id",
}
_MEASURES = {
    "runs",
    "successful_runs",
    "failed_runs",
    "hosts",
    "elapsed_seconds",
    "provisional_runs",
    "runs_without_template",
    "time_savings_seconds",
    *(
        f"{part}{suffix}"
        for part in ("manual_costs", "creation_costs", "run_costs", "failed_run_costs", "automated_costs", "savings")
        for suffix in ("", "_as_recorded")
    ),
}
seeds = st.integers(0, 2**32)
many = settings(
    max_examples=int(os.environ.get("AAP_PIPELINE_EXAMPLES", "25")),
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.long
@many
@given(seed=seeds)
@example(seed=40)  # a template that runs for organizations of different rates
@example(seed=678084)  # a chart of slices that count once
@example(seed=822167)  # totals over slices that count once
@example(seed=25345)  # savings that equal the cost of the creation, at a rate that 60 does not divide
def test_every_function_says_what_the_oracle_says(connection: Connection, seed: int) -> None:
    """Guards against any error in rollups, filters, settings, rates or days: the oracle shares nothing but core."""
    rng = random.Random(seed)
    with connection.transaction(force_rollback=True):
        dataset = generate(connection, seed)
        refresh(connection)
        for _ in range(rng.randint(0, 6)):
            change_something(connection, rng, dataset)
        refresh(connection)
        oracle = Oracle(connection)
        for _ in range(4):
            compare(connection, oracle, rng, dataset)
        compare_tables(connection, oracle)
        compare_formulas(connection, oracle, rng)
        compare_kpis(connection, oracle)
        compare_payback(connection, oracle)
        compare_hosts(connection, oracle)
        assert differences(connection) == {}


@pytest.mark.long
@many
@given(seed=seeds)
@example(seed=7)  # a job is archived before one arrives
@example(seed=2084232)  # places without a price
def test_incremental_refreshes_leave_what_a_full_rebuild_builds(connection: Connection, seed: int) -> None:
    """Guards against a row that a refresh forgets to write, or to delete."""
    rng = random.Random(seed)
    with connection.transaction(force_rollback=True):
        dataset = generate(connection, seed)
        for _ in range(3):
            refresh(connection)
            for _ in range(rng.randint(0, 4)):
                change_something(connection, rng, dataset)
        refresh(connection)
        before = snapshot(connection)
        refresh(connection, everything=True)
        after = snapshot(connection)
        for table in _TABLES:
            assert before[table] == after[table], table


def snapshot(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, in the order of their keys."""
    return {
        table: connection.execute(f"SELECT * FROM {table} ORDER BY {key}".encode()).fetchall()
        for table, key in _TABLES.items()
    }


def draw_filters(rng: random.Random, dataset: Dataset) -> Filters:
    """Any combination of filters; also empty ones, none of its kind (0) and ids that do not exist."""
    return {
        name: rng.sample(ids, rng.randint(0, len(ids)))
        + ([] if name == "launch_types" else rng.choice([[], [], [], [0], [10**6]]))
        for name in _FILTERS
        if (ids := getattr(dataset, name)) is not None and rng.random() < 0.35
    }


def compare(connection: Connection, oracle: Oracle, rng: random.Random, dataset: Dataset) -> None:
    """One range, one combination of filters, all functions."""
    first = START.date() + timedelta(days=rng.randint(-3, DAYS + 2))
    last = first + timedelta(days=rng.choice([0, 1, 6, rng.randint(0, DAYS)]))
    filters = draw_filters(rng, dataset)
    jobs = oracle.chosen(first, last, filters)
    arguments = "".join(f", {name} := %({name})s::{'text' if name == 'launch_types' else 'int'}[]" for name in filters)
    parameters: dict[str, Any] = {"first": first, "last": last, **filters}

    def call(function: str, extra: str = "") -> list[dict[str, Any]]:
        query = f"SELECT * FROM marts.{function}(%(first)s, %(last)s{extra}{arguments})"
        cursor = connection.execute(query.encode(), parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    totals = oracle.totals(jobs)
    expect(totals, call("totals")[0])
    (in_force,) = (row for row in call("formula_comparison") if row["in_force"])
    expect({name: totals[name] for name in ("manual_costs", "automated_costs", "savings")}, in_force)
    found = {row["job_template_id"]: row for row in call("savings_by_template")}
    expected = oracle.by_template(jobs)
    assert found.keys() == expected.keys()
    for template, figures in expected.items():
        expect(figures | {"num_hosts": figures["hosts"]}, found[template])
    assert call("unique_hosts") == [{"unique_hosts": totals["unique_hosts"]}]
    granularity = rng.choice(["hour", "day", "week", "month", "quarter", "year"])
    if granularity == "hour":
        last = min(last, first + timedelta(days=3))
        parameters["last"] = last
        jobs = oracle.chosen(first, last, filters)
    chart = [
        (row["date_bucket"], row["job_count"], row["host_count"]) for row in call("job_counts", f", '{granularity}'")
    ]
    assert chart == oracle.chart(first, last, granularity, jobs)
    users, projects = call("top_users", ", 3"), call("top_projects", ", 3")
    assert [(row["user_id"], row["runs"]) for row in users] == oracle.top(jobs, lambda job: job.user, 3)
    assert [(row["project_id"], row["runs"]) for row in projects] == oracle.top(jobs, lambda job: job.project, 3)
    for row in users:
        expect(oracle.totals(job for job in jobs if job.user == row["user_id"]), row)
    for row in projects:
        expect(oracle.totals(job for job in jobs if job.project == row["project_id"]), row)


def compare_tables(connection: Connection, oracle: Oracle) -> None:
    """Views by day, by month and by job, key by key: the same jobs, grouped by what each view shows."""
    jobs = [replace(job, organization=job.organization or 0, template=job.template or 0) for job in oracle.jobs]
    original = {job.id: job for job in oracle.jobs}
    counted = [job for job in jobs if oracle.is_counted(job)]
    month = lambda job: oracle.day(job).replace(day=1)  # noqa: E731
    series = lambda job: (  # noqa: E731
        *(job.cluster, job.organization, job.template, job.project or 0, job.inventory or 0),
        *(job.job_type, job.status, job.launch_type),
    )
    columns = "cluster_id, organization_id, job_template_id, project_id, inventory_id, job_type, status, launch_type"
    views: dict[str, tuple[str, list[Any], Callable[[Any], tuple[Any, ...]]]] = {
        "savings_daily": (f"date, {columns}", counted, lambda job: (oracle.day(job), *series(job))),
        "savings_monthly": (f"month, {columns}", counted, lambda job: (month(job), *series(job))),
        "template_monthly": ("month, job_template_id", counted, lambda job: (month(job), job.template)),
        "organization_monthly": (
            "month, cluster_id, organization_id",
            counted,
            lambda job: (month(job), job.cluster, job.organization),
        ),
        "fct_job_run": ("job_id", jobs, lambda job: (job.id,)),
        "launches": (
            f"date, user_id, {columns}",
            [job for job in counted if job.num_hosts > 0],
            lambda job: (oracle.day(job), job.user or 0, *series(job)),
        ),
    }
    for view, (keys, chosen, key) in views.items():
        groups = defaultdict(list)
        for job in chosen:
            groups[key(job)].append(original[job.id])
        measures = sorted(_MEASURES & columns_of(connection, view))
        if view == "fct_job_run":
            measures.remove("elapsed_seconds")  # also that of jobs without hosts, which are no runs
        found = {
            row[: -len(measures)]: dict(zip(measures, row[-len(measures) :], strict=True))
            for row in connection.execute(
                f"SELECT {keys}, {', '.join(f'sum({measure})' for measure in measures)} "
                f"FROM marts.{view} GROUP BY {keys}".encode()
            )
        }
        if view.endswith("_monthly") and view != "savings_monthly":
            assert not any(row["runs"] for each, row in found.items() if each not in groups), (
                view
            )  # months without runs
            found = {each: row for each, row in found.items() if each in groups}
        assert found.keys() == groups.keys(), view
        for each, group in groups.items():
            counts = oracle.totals(group)
            if view == "fct_job_run":
                counts["runs"] = sum(oracle.is_run(job) and oracle.is_counted(job) for job in group)
            expect({**counts, "elapsed_seconds": counts["elapsed"]}, found[each])


def columns_of(connection: Connection, view: str) -> set[str]:
    """Names of a view's columns."""
    cursor = connection.execute(f"SELECT * FROM marts.{view} LIMIT 0".encode())
    return {column.name for column in cursor.description or ()}


def compare_formulas(connection: Connection, oracle: Oracle, rng: random.Random) -> None:
    """Every row of formula_comparison is what the oracle finds under those settings."""
    first = START.date() + timedelta(days=rng.randint(-3, DAYS // 2))
    last = first + timedelta(days=rng.randint(0, DAYS))
    cursor = connection.execute("SELECT * FROM marts.formula_comparison(%s, %s)", (first, last))
    names = [column.name for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    assert len(rows) in (24, 48)
    assert sum(row["in_force"] for row in rows) == 1
    for row in rng.sample(rows, 4):
        other = oracle.under(
            cost_model=row["cost_model"],
            creation_cost_basis="once" if row["creation"] == "once" else "per_run",
            enable_template_creation_time="false" if row["creation"] == "not counted" else "true",
            savings_population=row["savings_population"],
            count_check_mode=str(row["count_check_mode"]).lower(),
            count_slices=row["count_slices"],
        )
        jobs = other.chosen(first, last, {})
        figures = other.totals(jobs)
        population = row["savings_population"]
        counted = sum(other.is_run(job) and (population == "all" or job.status == "successful") for job in jobs)
        expect({**figures, "runs": counted}, row)


def compare_kpis(connection: Connection, oracle: Oracle) -> None:
    """One row a day and cluster with jobs that count."""
    cursor = connection.execute("SELECT * FROM marts.kpi_daily")
    names = [column.name for column in cursor.description or ()]
    found = {(row[0], row[1]): dict(zip(names, row, strict=True)) for row in cursor}
    jobs = oracle.chosen(date.min, date.max, {})
    assert found.keys() == {(oracle.day(job), job.cluster) for job in jobs}
    for (day, cluster), row in found.items():
        expected = oracle.totals(job for job in jobs if oracle.day(job) == day and job.cluster == cluster)
        expect(expected | {"elapsed_seconds": expected["elapsed"]}, row)


def compare_payback(connection: Connection, oracle: Oracle) -> None:
    """Every template with counted runs: its first day, cost, the day since which it has paid, what it has saved."""
    for suffix in ("", "_as_recorded"):
        found = {
            row[0]: row[1:]
            for row in connection.execute(
                f"SELECT job_template_id, first_run_date, creation_costs{suffix}, payback_date{suffix}, "
                f"cumulated_savings{suffix} FROM marts.payback".encode()
            )
        }
        expected = oracle.payback(recorded=bool(suffix))
        assert found.keys() == expected.keys()
        for template, (first, cost, since, saved) in expected.items():
            assert (found[template][0], found[template][2]) == (first, since), template
            assert abs(Fraction(found[template][1]) - cost) < _EXACT, template
            assert abs(Fraction(found[template][3]) - saved) < _EXACT, template


def compare_hosts(connection: Connection, oracle: Oracle) -> None:
    """Every host with runs: its first and last day, how many runs touched it; its months; machines by name."""
    runs = defaultdict(list)
    months = set()
    for job in oracle.chosen(date.min, date.max, {}):
        for host in job.hosts if job.num_hosts > 0 else ():
            runs[host].append(oracle.day(job))
            months.add((oracle.day(job).replace(day=1), host, job.template or 0))
    found = connection.execute(
        "SELECT host_id, first_automated, last_automated, runs FROM marts.dim_host WHERE runs > 0"
    )
    assert {row[0]: row[1:] for row in found} == {
        host: (min(days), max(days), len(days)) for host, days in runs.items()
    }
    listed = connection.execute("SELECT DISTINCT month, host_id, job_template_id FROM marts.host_monthly").fetchall()
    assert set(listed) == months
    names = connection.execute(
        "SELECT count(DISTINCT lower(name)) FROM clusters_host WHERE id = ANY (%s)", (list(runs),)
    ).fetchone()
    assert connection.execute("SELECT marts.managed_nodes('2000-01-01', '2100-01-01')").fetchone() == names


def expect(expected: dict[str, Any], found: dict[str, Any]) -> None:
    """Counts equal, money equal far below a cent."""
    for name, value in expected.items():
        if name in found:
            exact = not isinstance(value, Fraction) or found[name] is None
            bound = _EXACT
            if name == "roi" and value:  # a quotient of any size, of costs that are exact to _EXACT
                bound *= max(1, abs(value)) / min(1, expected["automated_costs"])
            same = value == found[name] if exact else abs(value - Fraction(found[name])) < bound
            assert same, f"{name}: expected {value}, found {found[name]}"
