"""Stage marts: a dashboard's six questions by range and filter, BI tools' tiles, the same asked of core, refreshes.

python -m benchmarks.marts [--jobs 1000000] [--hosts 2000] [--days 730] [--scatter] [--no-core]
    [--keep FOLDER | --default-options | --database URL]

marts_data.sql says how the data are distributed. Questions are timed from the client, rows fetched, with the settings
of the server, as BI tools ask: in a session that has asked them before (7 times) and in a new one (the first asking,
with its planning). Those asked of core are the specification's SQL (questions.py), each after a first one: three
times, or fewer where it takes many seconds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.migrate import migrate
from aap_pipeline.marts.refresh import refresh
from aap_pipeline_tests.servers import server_with_default_options
from benchmarks import questions
from benchmarks.common import checkpoint, emit, fresh_database, stopwatch
from benchmarks.meter import cpu_of_process, database_megabytes, metered
from benchmarks.results import spread

_BEGIN = date(2024, 6, 1)
_NEW_JOBS = 1_000
_ROUNDS = 3
_PROGRAMS = Path("/usr/lib/postgresql/15/bin")  # Debian's, with JIT
_WARM_UPS, _ASKED = 6, 7
_ENOUGH_SECONDS = 6.0  # of asking core one question again


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--hosts", type=int, default=2_000)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--scatter", action="store_true", help="runs touch any hosts, not those of an inventory")
    parser.add_argument("--core", action=argparse.BooleanOptionalAction, default=True, help="query core too")
    parser.add_argument("--keep", type=Path, help="folder of a database that stays: filled and built only once")
    parser.add_argument("--default-options", action="store_true", help="on a server with PostgreSQL's default options")
    parser.add_argument("--database", help="URL of a database that stays, of any server: filled and built only once")
    arguments = parser.parse_args()
    shape = {"jobs": arguments.jobs, "hosts": arguments.hosts}
    with _database(arguments) as url:
        if _is_empty(url):
            with stopwatch() as filling:
                load(url, arguments.jobs, arguments.hosts, arguments.days, scatter=arguments.scatter)
                checkpoint(url)
            emit("marts.filled", **shape, seconds=filling.seconds, megabytes=database_megabytes(url))
            with connect(url) as connection, metered(url) as build:
                runs = refresh(connection).runs
            emit("marts.build", **shape, runs=runs, **build.figures(arguments.jobs))
            checkpoint(url)
        _size(url, shape)
        last = _BEGIN + timedelta(days=arguments.days - 2)
        for days, granularity in questions.RANGES.items():
            span = {"first": max(_BEGIN, last - timedelta(days=days - 1)), "last": last, "granularity": granularity}
            if arguments.core:
                _page_of_core(url, shape, days, span)
            for name, filters in questions.FILTERS.items():
                _page(url, shape, name, filters, days, span)
            _views(url, shape, days, span)
        _refresh(url, shape, last)
        _reprice(url, shape)


@contextmanager
def _database(arguments: argparse.Namespace) -> Iterator[str]:
    if arguments.database:
        migrate(arguments.database)
        yield arguments.database
    elif arguments.default_options:
        with tempfile.TemporaryDirectory(prefix="aap-pipeline-benchmark-") as folder:
            Path(folder).chmod(0o777)
            with server_with_default_options(_PROGRAMS, Path(folder)) as server, server.database() as url:
                migrate(url)
                yield url
    else:
        with fresh_database(keep=arguments.keep) as url:
            yield url


def _is_empty(url: str) -> bool:
    with connect(url) as connection:
        return connection.execute("SELECT FROM clusters_cluster LIMIT 1").fetchone() is None


def load(url: str, jobs: int, hosts: int, days: int, *, scatter: bool) -> None:
    """Fill core by marts_data.sql."""
    with connect(url) as connection:
        for name, value in (("jobs", jobs), ("hosts", hosts), ("days", days), ("scatter", scatter)):
            connection.execute("SELECT set_config(%s, %s, FALSE)", (f"bench.{name}", str(value)))
        connection.execute((Path(__file__).parent / "marts_data.sql").read_bytes())


def _size(url: str, shape: Mapping[str, int]) -> None:
    with connect(url) as connection:
        row = connection.execute(
            "SELECT sum(pg_total_relation_size(relid)) FILTER (WHERE schemaname IN ('marts', 'rollup'))::bigint, "
            "sum(pg_total_relation_size(relid)) FILTER (WHERE relname LIKE 'clusters%%')::bigint "
            "FROM pg_stat_user_tables",
            (),
        ).fetchone()
    assert row is not None
    emit("marts.size", **shape, marts_bytes=row[0], core_bytes=row[1], ratio=row[0] / row[1])


def _page(url: str, shape: Mapping[str, int], name: str, filters: str, days: int, span: Mapping[str, object]) -> None:
    asked: dict[str, list[float]] = {}
    cold = cpu = 0.0
    with psycopg.connect(url, autocommit=True) as connection:
        for question, text in {**questions.MARTS, **questions.ALONE}.items():
            query = text.format(filters=filters)
            first = [_milliseconds(connection, query, span) for _ in range(_WARM_UPS)]
            before = cpu_of_process(connection.info.backend_pid)
            asked[question] = [_milliseconds(connection, query, span) for _ in range(_ASKED)]
            if question in questions.MARTS:
                cold += first[0]
                cpu += (cpu_of_process(connection.info.backend_pid) - before) / _ASKED * 1000
    page = spread([sum(times) for times in zip(*(asked[question] for question in questions.MARTS), strict=True)])
    alone = {question: statistics.median(times) for question, times in asked.items()}
    emit("marts.page", **shape, filter=name, days=days, ms=page, cpu_ms=cpu, first_time_ms=cold, **alone)


def _views(url: str, shape: Mapping[str, int], days: int, span: Mapping[str, object]) -> None:
    asked, cpu = {}, {}
    with psycopg.connect(url, autocommit=True) as connection:
        for view, query in {"sum_of_savings": questions.SUM, **questions.VIEWS}.items():
            before = cpu_of_process(connection.info.backend_pid)
            times = _asked_again(connection, query, span)
            asked[view] = statistics.median(times)
            cpu[view] = (cpu_of_process(connection.info.backend_pid) - before) / (len(times) + 1) * 1000
    tiles = {
        "tiles": sum(asked[tile] for tile in questions.TILES),
        "tiles_cpu_ms": sum(cpu[tile] for tile in questions.TILES),
        "tile_against_sum": sum(asked[tile] for tile in questions.TILES)
        / len(questions.TILES)
        / asked["sum_of_savings"],
    }
    emit("marts.views", **shape, days=days, **tiles, **asked)


def _page_of_core(url: str, shape: Mapping[str, int], days: int, span: Mapping[str, object]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        control = [
            connection.execute(text.format(totals=questions.CORE["totals"]).encode(), span).fetchone()
            for text in questions.CONTROL.values()
        ]
        assert control[0] == control[1], f"marts and core disagree over {days} days: {control}"
        warm = {
            question: statistics.median(_asked_again(connection, text, span))
            for question, text in questions.CORE.items()
        }
    emit("marts.page_of_core", **shape, filter="none", days=days, ms=sum(warm.values()), **warm)


def _asked_again(connection: Connection, query: str, parameters: Mapping[str, object]) -> list[float]:
    """Return the milliseconds of each execution after the first."""
    _milliseconds(connection, query, parameters)
    times: list[float] = []
    while len(times) < _ROUNDS and sum(times) < _ENOUGH_SECONDS * 1000:
        times.append(_milliseconds(connection, query, parameters))
    return times


def _milliseconds(connection: Connection, query: str, parameters: Mapping[str, object]) -> float:
    started = time.perf_counter()
    connection.execute(query.encode(), parameters).fetchall()
    return (time.perf_counter() - started) * 1000


def _refresh(url: str, shape: Mapping[str, int], last: date) -> None:
    """1,000 new jobs of one cluster, finished on the newest day, ten hosts each."""
    day = datetime(last.year, last.month, last.day, tzinfo=UTC)
    usages = []
    for turn in range(_ROUNDS):
        with connect(url) as connection:
            connection.execute(
                "WITH added AS (INSERT INTO clusters_job (cluster_id, external_id, name, started, finished, "
                "elapsed, num_hosts, "
                "job_template_id, organization_id, project_id, launched_by_id) "
                "SELECT j.cluster_id, 100000000 + %(turn)s * %(new)s + row_number() OVER (), 'new', "
                "%(day)s, %(day)s, 60, 10, "
                "j.job_template_id, j.organization_id, j.project_id, j.launched_by_id "
                "FROM (SELECT * FROM clusters_job WHERE cluster_id = 1 LIMIT %(new)s) j RETURNING id, cluster_id) "
                "INSERT INTO clusters_jobhostsummary (job_id, host_id, created, modified) "
                "SELECT a.id, h.id, %(day)s, %(day)s FROM added a "
                "CROSS JOIN LATERAL (SELECT id FROM clusters_host WHERE cluster_id = a.cluster_id LIMIT 10) h",
                {"turn": turn, "day": day, "new": _NEW_JOBS},
            )
            connection.execute("INSERT INTO pipeline.changed_day (cluster_id, day) VALUES (1, %s)", (last,))
        with connect(url) as connection, metered(url) as usage:
            refresh(connection, 1)
        usages.append(usage)
    emit(
        "marts.refresh_1000_new_jobs",
        **shape,
        seconds=spread([usage.wall for usage in usages]),
        database_cpu_seconds=spread([usage.database_cpu for usage in usages]),
    )


def _reprice(url: str, shape: Mapping[str, int]) -> None:
    today, history, rows = [], [], 0
    for turn in range(_ROUNDS):
        with connect(url) as connection, metered(url) as usage:
            connection.execute("UPDATE clusters_costs SET value = value + 1 WHERE type = 'manual'")
            connection.commit()
            refresh(connection)
        today.append(usage)
        with connect(url) as connection, metered(url) as usage:
            connection.execute("SELECT marts.set_rate('manual', %s, %s)", (60 + turn, _BEGIN))
            connection.commit()
            rows = refresh(connection).repriced_rows
        history.append(usage)
    for figure, usages in (("today", today), ("of_all_history", history)):
        emit(
            f"marts.rate_change_{figure}",
            **shape,
            rows=rows,
            seconds=spread([usage.wall for usage in usages]),
            database_cpu_seconds=spread([usage.database_cpu for usage in usages]),
        )


if __name__ == "__main__":
    main()
