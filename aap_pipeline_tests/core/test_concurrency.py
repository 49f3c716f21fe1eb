"""Parses side by side and parses that were killed end the same as one after the other."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest

from aap_pipeline.clusters.registry import purge
from aap_pipeline.core.batch import ParseResult
from aap_pipeline.core.parse import parse, rebuild
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline_tests.core.conftest import Interrupt, Store
from aap_pipeline_tests.core.helpers import add_cluster, add_raw, job, labels, summary, values
from aap_pipeline_tests.core.oracle import Oracle
from aap_pipeline_tests.core.tables import assert_same, tables_of


def _documents(rounds: int = 3, jobs: int = 150) -> list[dict[str, object]]:
    """Every job several times, renamed each time, with hosts and launchers that all of them share."""
    return [
        job(
            number,
            name=f"round {turn}",
            job_template=number % 5 + 1,
            summary_fields={"job_template": {"id": number % 5 + 1, "name": f"T{turn}"}},
            launched_by={"id": None, "name": f"who {number % 7}", "type": "Dependency"},
            job_host_summaries=[
                summary(number * 10 + n, number, None if n % 2 else n + 1, f"host{n}", ok=turn) for n in range(4)
            ],
        )
        for turn in range(rounds)
        for number in range(1, jobs + 1)
    ]


def _expected(documents: list[dict[str, object]]) -> Oracle:
    oracle = Oracle()
    for document in documents:
        oracle.take(document)
    return oracle


def test_parses_of_one_cluster_at_once_end_as_one_would(
    connection: Connection, database_url: str, cluster: int
) -> None:
    """Guards against an older document, read ahead by one parse, that overwrites what another stored meanwhile."""
    documents = _documents()
    add_raw(connection, cluster, documents)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda size: parse(database_url, cluster, batch_size=size), (7, 11, 13, 29)))
    assert_same(tables_of(connection, cluster), _expected(documents))
    assert sum(result.rejected for result in results) == 0
    assert sum(result.documents for result in results) == len(documents)


def _moving(turns: int = 40) -> list[dict[str, object]]:
    """Three jobs, read again and again: each time with another day, other labels and hosts, names that come back."""
    rng = random.Random(7)
    documents = []
    for turn in range(turns):
        number, day = rng.randint(1, 3), rng.randint(1, 28)
        hosts = [summary(n, number, n, rng.choice(["a", "b"]), ok=turn) for n in range(1, day % 3 + 2)]
        names = {
            "job_template": {"id": 11, "name": rng.choice(["A", "B"])},
            "labels": labels(*((n, f"L{turn % 2}") for n in range(1, 4) if rng.random() < 0.5)),
        }
        started, finished = f"2026-03-{day:02}T10:00:00Z", f"2026-03-{day:02}T10:01:30Z"
        documents.append(
            job(number, started=started, finished=finished, summary_fields=names, job_host_summaries=hosts)
        )
    return documents


@pytest.mark.parametrize("sizes", [(1,), (2,), (5,), (40,), (1, 2, 3)])
def test_the_same_jobs_in_neighbouring_batches_end_as_their_newest_documents(
    connection: Connection, database_url: str, cluster: int, sizes: tuple[int, ...]
) -> None:
    """Guards against a batch that does not see what the one before it stored: host summaries twice, a name that stays
    as it was when it comes back."""
    documents = _moving()
    add_raw(connection, cluster, documents)
    with ThreadPoolExecutor(len(sizes)) as pool:
        list(pool.map(lambda size: parse(database_url, cluster, batch_size=size), sizes))
    assert_same(tables_of(connection, cluster), _expected(documents))


def test_each_batch_notes_the_day_that_a_job_left_and_the_one_to_which_it_moved(
    connection: Connection, database_url: str, cluster: int
) -> None:
    """Guards against a day that a job left in the batch just before, which the marts would keep with the job in it."""
    documents = _moving()
    add_raw(connection, cluster, documents)
    parse(database_url, cluster, batch_size=1)
    noted = iter(values(connection, "SELECT day::text FROM pipeline.changed_day ORDER BY id"))
    last: dict[object, str] = {}
    for document in documents:
        day = str(document["finished"])[:10]
        expected = sorted({last.get(document["id"], day), day})
        assert [next(noted) for _ in expected] == expected
        last[document["id"]] = day
    assert list(noted) == []


def test_parses_of_several_clusters_at_once_do_not_meet(connection: Connection, database_url: str) -> None:
    """Guards against deadlocks and waits between clusters."""
    documents = _documents()
    clusters = [add_cluster(connection, f"aap{number}.example.com") for number in range(3)]
    for cluster_id in clusters:
        add_raw(connection, cluster_id, documents)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda cluster_id: parse(database_url, cluster_id, batch_size=20), clusters))
    for cluster_id in clusters:
        assert_same(tables_of(connection, cluster_id), _expected(documents))


def test_a_rebuild_beside_a_parse_ends_with_the_newest_values(
    connection: Connection, database_url: str, cluster: int
) -> None:
    """Guards against an archive that overwrites what came in during the rebuild."""
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('raw_retention_days', '9')")
    documents = _documents()
    add_raw(connection, cluster, documents[:300])
    parse(database_url, cluster)
    add_raw(connection, cluster, documents[300:])
    with ThreadPoolExecutor(2) as pool:
        rebuilding = pool.submit(rebuild, database_url, cluster)
        parse(database_url, cluster, batch_size=10)
        rebuilding.result()
    rebuild(database_url, cluster)
    assert_same(tables_of(connection, cluster), _expected(documents))


def test_a_purge_waits_for_the_batch_under_way(
    connection: Connection, database_url: str, cluster: int, before: Interrupt
) -> None:
    """Guards against a purge of minutes that ends as the victim of a deadlock with a batch."""
    add_raw(connection, cluster, [job(1), job(2)])
    with ThreadPoolExecutor(1) as pool, connect(database_url) as purging:
        started: list[Future[int]] = []

        def begin() -> None:
            started.append(pool.submit(purge, purging, "aap.example.com:443"))
            blocked = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            while not values(connection, blocked):
                assert not started[0].done()

        before("core/known_jobs", begin)
        assert parse(database_url, cluster).jobs == 2
        assert started[0].result() == 2
        purging.commit()
    for table in ("cluster", "job", "jobhostsummary", "host", "clustersyncdata"):
        assert values(connection, f"SELECT count(*) FROM clusters_{table}") == [0], table


def test_a_parse_that_ends_between_batches_goes_on_where_it_was(
    connection: Connection, database_url: str, cluster: int
) -> None:
    """Guards against rows lost or doubled by an interruption, and against a reader thread that keeps it alive."""
    documents = _documents()
    add_raw(connection, cluster, documents)

    def interrupt(result: ParseResult) -> None:
        if result.batches == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parse(database_url, cluster, batch_size=20, progress=interrupt)
    assert values(connection, "SELECT count(*) FROM clusters_clustersyncdata") == [len(documents) - 60]
    parse(database_url, cluster)
    assert_same(tables_of(connection, cluster), _expected(documents))


def test_a_parse_killed_at_any_instant_goes_on_where_it_was(
    connection: Connection, database_url: str, cluster: int
) -> None:
    """Guards against a batch stored in part."""
    documents = _documents()
    add_raw(connection, cluster, documents)
    program = (
        "import sys; from aap_pipeline.core.parse import parse\n"
        "parse(sys.argv[1], int(sys.argv[2]), batch_size=5, progress=lambda r: print(r.batches, flush=True))"
    )
    for batches in ("4", "9", "2"):
        child = subprocess.Popen(
            [sys.executable, "-c", program, database_url, str(cluster)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        with child.stdout:
            for line in child.stdout:
                if line.strip() == batches:
                    os.kill(child.pid, signal.SIGKILL)
                    break
        child.wait()
    parse(database_url, cluster)
    assert_same(tables_of(connection, cluster), _expected(documents))


def test_a_parse_whose_connection_breaks_fails_and_goes_on_later(
    connection: Connection, database_url: str, cluster: int
) -> None:
    """Guards against a server restart taken for a document's fault."""
    documents = _documents(1)
    add_raw(connection, cluster, documents)

    def break_connections(result: ParseResult) -> None:
        with connect(database_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name LIKE 'aap_pipeline core%'"
            )

    with suppress(psycopg.OperationalError):
        parse(database_url, cluster, batch_size=10, progress=break_connections)
    assert 0 < values(connection, "SELECT count(*) FROM clusters_clustersyncdata")[0] < len(documents)
    parse(database_url, cluster)
    assert_same(tables_of(connection, cluster), _expected(documents))


@pytest.mark.parametrize("together", [True, False])
def test_what_comes_first_counts_first_within_a_batch_as_between_batches(
    connection: Connection, store: Store, cluster: int, together: bool
) -> None:
    """Guards against tables that depend on which documents happened to share a batch."""
    documents: list[tuple[str, dict[str, object], bool]] = [
        ("job_template_gone", {"ids": [11]}, False),
        ("job_settled", {"ids": [1, 2]}, False),
        ("job", job(1), True),
        ("job", job(2), True),
        ("job_settled", {"ids": [2]}, False),
    ]
    for kind, document, provisional in documents:
        add_raw(connection, cluster, [document], kind, provisional=provisional)
        if not together:
            store()
    store()
    assert values(connection, "SELECT provisional FROM clusters_job ORDER BY external_id") == [True, False]
    assert values(connection, "SELECT removed_at FROM clusters_jobtemplate") == [None]
