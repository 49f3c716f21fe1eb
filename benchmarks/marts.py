"""Stage marts: the six questions of a dashboard, a refresh, a change of rates and the size, over generated core data.

python -m benchmarks.marts [--jobs 1000000] [--hosts 2000] [--days 730] [--scatter]

marts_data.sql says how the data are distributed. Questions are timed from the client, rows fetched, in a session that
has asked them before (median of 7) and in a new one (the first asking, with its planning).
"""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from aap_pipeline.marts.refresh import refresh
from aap_pipeline.warehouse.connection import Connection, connect
from benchmarks.common import checkpoint, emit, fresh_database, machine, stopwatch

_BEGIN = date(2024, 6, 1)
_QUESTIONS = {
    "savings_by_template": "SELECT * FROM marts.savings_by_template(%(first)s, %(last)s{filters})",
    "totals": "SELECT * FROM marts.totals(%(first)s, %(last)s{filters})",
    "jobs_chart": "SELECT date_bucket, job_count FROM marts.job_counts(%(first)s, %(last)s, %(granularity)s{filters})",
    "hosts_chart": "SELECT date_bucket, host_count "
    "FROM marts.job_counts(%(first)s, %(last)s, %(granularity)s{filters})",
    "top_users": "SELECT * FROM marts.top_users(%(first)s, %(last)s, 5{filters})",
    "top_projects": "SELECT * FROM marts.top_projects(%(first)s, %(last)s, 5{filters})",
}
_FILTERS = {
    "none": "",
    "cluster": ", clusters := ARRAY[1]",
    "two organizations": ", organizations := ARRAY[3, 4]",
    "one template": ", job_templates := ARRAY[7]",
    "three quarters of the templates": ", job_templates := ARRAY(SELECT generate_series(1, 75))",
    "one project": ", projects := ARRAY[25]",
    "one label": ", labels := ARRAY[3]",
    "half of the labels": ", labels := ARRAY(SELECT generate_series(1, 15))",
}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--hosts", type=int, default=2_000)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--scatter", action="store_true", help="runs touch any hosts, not those of an inventory")
    arguments = parser.parse_args()
    emit("machine", **machine())
    with fresh_database() as url:
        load(url, arguments.jobs, arguments.hosts, arguments.days, scatter=arguments.scatter)
        checkpoint(url)
        with connect(url) as connection, stopwatch() as build:
            runs = refresh(connection).runs
        emit("marts.build", runs=runs, seconds=build.seconds)
        checkpoint(url)
        _size(url)
        last = _BEGIN + timedelta(days=arguments.days - 2)
        for name, filters in _FILTERS.items():
            for days, granularity in ((365, "month"), (30, "day")):
                _page(url, name, filters, last - timedelta(days=days - 1), last, granularity)
        _refresh(url, last)
        _reprice(url)


def load(url: str, jobs: int, hosts: int, days: int, *, scatter: bool) -> None:
    """Fill core by marts_data.sql."""
    with connect(url) as connection:
        for name, value in (("jobs", jobs), ("hosts", hosts), ("days", days), ("scatter", scatter)):
            connection.execute("SELECT set_config(%s, %s, FALSE)", (f"bench.{name}", str(value)))
        connection.execute((Path(__file__).parent / "marts_data.sql").read_bytes())


def _size(url: str) -> None:
    with connect(url) as connection:
        row = connection.execute(
            "SELECT sum(pg_total_relation_size(relid)) FILTER (WHERE schemaname = 'marts')::bigint, "
            "sum(pg_total_relation_size(relid)) FILTER (WHERE relname LIKE 'clusters%%')::bigint "
            "FROM pg_stat_user_tables",
            (),
        ).fetchone()
    assert row is not None
    emit("marts.size", marts_bytes=row[0], core_bytes=row[1], ratio=row[0] / row[1])


def _page(url: str, name: str, filters: str, first: date, last: date, granularity: str) -> None:
    parameters = {"first": first, "last": last, "granularity": granularity}
    warm: dict[str, float] = {}
    cold = 0.0
    with connect(url, autocommit=True) as connection:
        for question, text in _QUESTIONS.items():
            times = [_milliseconds(connection, text.format(filters=filters), parameters) for _ in range(13)]
            warm[question] = statistics.median(times[6:])
            cold += times[0]
    emit("marts.page", filter=name, days=(last - first).days + 1, ms=sum(warm.values()), first_time_ms=cold, **warm)


def _milliseconds(connection: Connection, query: str, parameters: dict[str, object]) -> float:
    started = time.perf_counter()
    connection.execute(query.encode(), parameters).fetchall()
    return (time.perf_counter() - started) * 1000


def _refresh(url: str, last: date) -> None:
    """1,000 new jobs of one cluster, finished on the newest day, ten hosts each."""
    day = datetime(last.year, last.month, last.day, tzinfo=UTC)
    for turn in range(3):
        with connect(url) as connection:
            connection.execute(
                "WITH added AS (INSERT INTO clusters_job (cluster_id, external_id, name, started, finished, "
                "elapsed, num_hosts, "
                "job_template_id, organization_id, project_id, launched_by_id) "
                "SELECT j.cluster_id, 100000000 + %(turn)s * 1000 + row_number() OVER (), 'new', "
                "%(day)s, %(day)s, 60, 10, "
                "j.job_template_id, j.organization_id, j.project_id, j.launched_by_id "
                "FROM (SELECT * FROM clusters_job WHERE cluster_id = 1 LIMIT 1000) j RETURNING id, cluster_id) "
                "INSERT INTO clusters_jobhostsummary (job_id, host_id, created, modified) "
                "SELECT a.id, h.id, %(day)s, %(day)s FROM added a "
                "CROSS JOIN LATERAL (SELECT id FROM clusters_host WHERE cluster_id = a.cluster_id LIMIT 10) h",
                {"turn": turn, "day": day},
            )
            connection.execute("INSERT INTO pipeline.changed_day (cluster_id, day) VALUES (1, %s)", (last,))
        with connect(url) as connection, stopwatch() as watch:
            refresh(connection, 1)
        emit("marts.refresh_1000_new_jobs", seconds=watch.seconds)


def _reprice(url: str) -> None:
    with connect(url) as connection, stopwatch() as watch:
        connection.execute("UPDATE clusters_costs SET value = value + 1 WHERE type = 'manual'")
        connection.commit()
        refresh(connection)
    emit("marts.rate_change_today", seconds=watch.seconds)
    with connect(url) as connection, stopwatch() as watch:
        connection.execute("SELECT marts.set_rate('manual', 61, %s)", (_BEGIN,))
        connection.commit()
        rows = refresh(connection).repriced_rows
    emit("marts.rate_change_of_all_history", seconds=watch.seconds, rows=rows)


if __name__ == "__main__":
    main()
