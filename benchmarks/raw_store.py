"""Raw documents/s of the sweep's store, compared with one COPY into a plain table of text.

python -m benchmarks.raw_store [--jobs 6000] [--rounds 5]

Three steps from the plain table to ours: text without an index, JSONB without an index, the table as it is, written
by the store in the batches in which the sweep hands jobs over.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from psycopg.types.json import Jsonb

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.documents.fingerprint import fingerprint
from aap_pipeline.documents.raw_documents import RawJob, raw_job
from aap_pipeline.raw.store import RawStore
from aap_simulator.generate import generate
from benchmarks.common import add_cluster, emit, fresh_database
from benchmarks.meter import Usage, metered
from benchmarks.results import spread

_BATCH = 170  # documents of ten hosts in the 1 MB that the sweep writes at a time


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    jobs = raw_jobs(arguments.jobs)
    with fresh_database() as url, connect(url, autocommit=True) as connection:
        store = RawStore(connection, add_cluster(connection, "store.example.com"))
        connection.execute("CREATE TABLE plain_text (document TEXT)")
        connection.execute("CREATE TABLE plain_jsonb (document JSONB)")
        steps: dict[str, Callable[[], None]] = {
            "COPY into a plain table of text": lambda: _copy(connection, "plain_text", jobs),
            "COPY into a plain table of jsonb": lambda: _copy(connection, "plain_jsonb", jobs),
            "the sweep's store": lambda: _write(store, jobs),
        }
        costs: dict[str, list[Usage]] = {name: [] for name in steps}
        for _ in range(arguments.rounds):
            for name, step in steps.items():
                connection.execute("TRUNCATE plain_text, plain_jsonb, clusters_clustersyncdata")
                connection.execute("CHECKPOINT")
                with metered(url) as usage:
                    step()
                costs[name].append(usage)
    plain = [usage.wall for usage in costs["COPY into a plain table of text"]]
    for name, usages in costs.items():
        emit(
            "raw_store",
            step=name,
            documents=len(jobs),
            documents_per_second=spread([len(jobs) / usage.wall for usage in usages]),
            ratio_of_rates=spread([limit / usage.wall for limit, usage in zip(plain, usages, strict=True)]),
            client_cpu_ms_a_job=spread([usage.client_cpu / len(jobs) * 1000 for usage in usages]),
            database_cpu_ms_a_job=spread([usage.database_cpu / len(jobs) * 1000 for usage in usages]),
        )


def raw_jobs(count: int) -> list[RawJob]:
    """Jobs with ten host summaries each, as the sweep hands them over."""
    generator = generate(jobs=count, hosts=2_000, hosts_per_job=10, spread=False, odd_cases=False)
    return [raw_job(job, summaries, None, fingerprint(job)) for job, summaries in generator.documents()]


def _copy(connection: Connection, table: str, jobs: Sequence[RawJob]) -> None:
    copy_in = f"COPY {table} FROM STDIN (FORMAT BINARY)".encode()
    with connection.cursor() as cursor, cursor.copy(copy_in) as copy:
        copy.set_types(["text" if table == "plain_text" else "jsonb"])
        for job in jobs:
            copy.write_row((job.document.decode() if table == "plain_text" else Jsonb(job.document, dumps=bytes),))


def _write(store: RawStore, jobs: Sequence[RawJob]) -> None:
    for start in range(0, len(jobs), _BATCH):
        store.write(jobs[start : start + _BATCH])


if __name__ == "__main__":
    main()
