"""Stage core: from raw rows to committed rows, against COPY alone into the same table, indexes and foreign keys.

python -m benchmarks.core [--jobs 20000] [--existing 1000000] [--scale 5000,50000] [--keep FOLDER]

Each parse runs in a process of its own, as a run of the job does, so that the memory and the CPU measured are its own.
Besides one cluster alone, two clusters are parsed at once: batches of one cluster follow each other (docs/adr/0013).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from aap_pipeline.core.batch import ParseResult
from aap_pipeline.core.parse import BATCH_SIZE, parse
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.documents.raw_documents import raw_job
from aap_simulator.generate import generate
from benchmarks import red_hat
from benchmarks.common import add_cluster, checkpoint, emit, fresh_database, stopwatch
from benchmarks.meter import Usage, metered

_HOSTS_PER_JOB = 10
_SUMMARY_COLUMNS = (
    "job_id, host_id, host_name, changed, dark, failures, ok, processed, skipped, failed, ignored, rescued, "
    "created, modified"
)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--batch-size", type=int, default=BATCH_SIZE)
    parser.add_argument("--existing", type=int, default=0, help="jobs already there, ten host summaries each")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--scale", default="", help="numbers of jobs at which to measure time and peak memory alone")
    parser.add_argument("--keep", type=Path, help="parse into the database that benchmarks.marts kept in this folder")
    arguments = parser.parse_args()
    documents = list(raw_documents(arguments.jobs))
    with fresh_database(keep=arguments.keep) as url:
        if arguments.keep:
            _sizes(url)
            for _ in range(arguments.repeat):
                _parse(url, documents, arguments.batch_size, f"kept-{time.time_ns()}")
            return
        for jobs in map(int, filter(None, arguments.scale.split(","))):
            cluster_id = _raw_rows(url, f"scale-{jobs}", raw_documents(jobs))
            checkpoint(url)
            result, usage = _parse_alone(url, cluster_id, arguments.batch_size)
            emit("core.scale", jobs=result.jobs, seconds=result.seconds, peak_megabytes=usage.peak_megabytes)
        empty = []
        for turn in range(arguments.repeat):
            empty.append(_parse(url, documents, arguments.batch_size, f"empty-{turn}"))
            copy = _copy_alone(url)
            emit("core.copy_alone", host_summaries_per_second=copy, parse_ratio=empty[-1] / copy)
        for turn in range(arguments.repeat):
            _side_by_side(url, documents, arguments.batch_size, turn)
        if arguments.existing:
            _fill(url, arguments.existing)
            full = [_parse(url, documents, arguments.batch_size, f"full-{turn}") for turn in range(arguments.repeat)]
            ratio = statistics.median(full) / statistics.median(empty)
            emit("core.with_existing", existing_jobs=arguments.existing, ratio_to_empty=ratio)


def _sizes(url: str) -> None:
    """Bytes of the host summaries, and the levels above the leaves of each of their indexes."""
    with connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pageinspect")
        indexes = connection.execute(
            "SELECT relname, pg_relation_size(c.oid), (bt_metap(relname)).level FROM pg_class c "
            "JOIN pg_index i ON i.indexrelid = c.oid WHERE indrelid = 'clusters_jobhostsummary'::regclass"
        ).fetchall()
        table = connection.execute(
            "SELECT reltuples::bigint, pg_relation_size(oid), pg_database_size(current_database()) FROM pg_class "
            "WHERE oid = 'clusters_jobhostsummary'::regclass"
        ).fetchone()
    assert table is not None
    emit("core.size", host_summaries=table[0], table_bytes=table[1], database_bytes=table[2])
    for index, size, levels in indexes:
        emit("core.index", index=index, bytes=size, levels=levels)


def raw_documents(jobs: int) -> Iterator[str]:
    """Raw documents of jobs with ten hosts each, as JSON."""
    generator = generate(
        jobs=jobs, hosts=2_000, templates=40, hosts_per_job=_HOSTS_PER_JOB, spread=False, odd_cases=False
    )
    for document, summaries in generator.documents():
        yield raw_job(document, summaries, None, b"").document.decode()


def _parse(url: str, documents: list[str], batch_size: int, name: str) -> float:
    """Return host summaries/s from raw rows to committed core."""
    with stopwatch() as insert:
        cluster_id = _raw_rows(url, name, documents)
    emit("core.raw_insert", documents=len(documents), documents_per_second=len(documents) / insert.seconds)
    checkpoint(url)
    result, usage = _parse_alone(url, cluster_id, batch_size)
    rate = result.host_summaries / result.seconds
    emit(
        "core.parse",
        database=name,
        jobs=result.jobs,
        host_summaries=result.host_summaries,
        **{**usage.figures(result.jobs), "seconds": result.seconds},
        jobs_per_second=result.jobs / result.seconds,
        host_summaries_per_second=rate,
        times_red_hat=result.jobs / result.seconds / red_hat.PARSE_JOBS_PER_SECOND,
    )
    return rate


def _side_by_side(url: str, documents: list[str], batch_size: int, turn: int) -> None:
    """Parse two clusters concurrently, half of the documents each. Returns their total rate until both are done."""
    half = len(documents) // 2
    parts = {f"left-{turn}": documents[:half], f"right-{turn}": documents[half:]}
    cluster_ids = [_raw_rows(url, name, part) for name, part in parts.items()]
    checkpoint(url)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        list(processes.map(_import_all, range(2)))
        with stopwatch() as watch:
            results = list(processes.map(partial(parse, url, batch_size=batch_size), cluster_ids))
    jobs = sum(result.jobs for result in results)
    host_summaries = sum(result.host_summaries for result in results)
    emit(
        "core.two_clusters",
        jobs=jobs,
        host_summaries=host_summaries,
        seconds=watch.seconds,
        jobs_per_second=jobs / watch.seconds,
        host_summaries_per_second=host_summaries / watch.seconds,
        times_red_hat=jobs / watch.seconds / red_hat.PARSE_JOBS_PER_SECOND,
    )


def _import_all(_: int) -> None:
    """What a process does before its first parse: it has imported this module."""
    time.sleep(0.1)  # so that the pool gives each of its processes one


def _parse_alone(url: str, cluster_id: int, batch_size: int) -> tuple[ParseResult, Usage]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_metered_parse, url, cluster_id, batch_size).result()


def _metered_parse(url: str, cluster_id: int, batch_size: int) -> tuple[ParseResult, Usage]:
    with metered(url) as usage:
        result = parse(url, cluster_id, batch_size=batch_size)
    return result, usage


def _raw_rows(url: str, name: str, documents: Iterable[str]) -> int:
    """A cluster with `documents` unparsed; its id."""
    with connect(url, autocommit=True) as connection:
        cluster_id = add_cluster(connection, f"{name}.example.com")
        store_raw(connection, cluster_id, documents)
    return cluster_id


def store_raw(connection: Connection, cluster_id: int, documents: Iterable[str]) -> None:
    """Raw rows, committed 200 at a time as the sweep does."""
    copy_raw = "COPY clusters_clustersyncdata (cluster_id, data, fingerprint) FROM STDIN"
    digest = bytes(16)  # stage raw has computed it by then
    remaining = iter(documents)
    while rows := list(islice(remaining, 200)):
        with connection.cursor() as cursor, cursor.copy(copy_raw) as copy:
            for document in rows:
                copy.write_row((cluster_id, document, digest))


def _copy_alone(url: str) -> float:
    """Host summaries/s that one binary COPY fills into the emptied table, its indexes and foreign keys in place."""
    table = f"clusters_jobhostsummary ({_SUMMARY_COLUMNS})"
    with connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY {table} TO STDOUT (FORMAT BINARY)".encode()) as copy:
            blocks = [bytes(block) for block in copy]
        connection.execute("TRUNCATE clusters_jobhostsummary")
        checkpoint(url)
        with stopwatch() as watch, cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)".encode()) as copy:
            for start in range(0, len(blocks), 1_000):
                copy.write(b"".join(blocks[start : start + 1_000]))
    return (len(blocks) - 1) / watch.seconds


def _fill(url: str, jobs: int) -> None:
    """`jobs` jobs of another cluster with ten host summaries each, made by the server."""
    with connect(url, autocommit=True) as connection:
        cluster_id = add_cluster(connection, "existing.example.com")
        connection.execute("SET session_replication_role = replica")  # foreign keys hold by construction
        values = {"cluster": cluster_id, "jobs": jobs, "hosts": 20_000, "each": _HOSTS_PER_JOB}
        connection.execute(
            "INSERT INTO clusters_host (cluster_id, external_id, name) "
            "SELECT %(cluster)s, n, 'existing' || n FROM generate_series(1, %(hosts)s) n",
            values,
        )
        connection.execute(
            "INSERT INTO clusters_job (cluster_id, external_id, name, started, finished) "
            "SELECT %(cluster)s, n, 'existing', timestamptz '2024-01-01' + n * interval '31 s', "
            "timestamptz '2024-01-01' + n * interval '31 s' "
            "FROM generate_series(1, %(jobs)s) n",
            values,
        )
        connection.execute(
            "INSERT INTO clusters_jobhostsummary (job_id, host_id, host_name, created, modified) "
            "SELECT j.id, h.id, h.name, j.started, j.started FROM clusters_job j, generate_series(1, %(each)s) n, "
            "LATERAL (SELECT id, name FROM clusters_host WHERE cluster_id = %(cluster)s AND external_id IS NOT NULL "
            "AND external_id = 1 + (j.id::bigint * 7919 + n * 104729) %% %(hosts)s) h WHERE j.cluster_id = %(cluster)s",
            values,
        )
    checkpoint(url)


if __name__ == "__main__":
    main()
