"""Inserting raw documents: which operator class and which compression the raw table's index and column should have.

python -m benchmarks.raw_documents [--jobs 4000]
"""

from __future__ import annotations

import argparse

import psycopg

from aap_pipeline.database.connection import Connection, connect
from benchmarks.common import add_cluster, emit, fresh_database, machine, stopwatch
from benchmarks.core import raw_documents, store_raw

_INDEXES = {
    "none": None,
    "jsonb_path_ops": "CREATE INDEX measured ON clusters_clustersyncdata USING GIN (data jsonb_path_ops)",
    "jsonb_ops": "CREATE INDEX measured ON clusters_clustersyncdata USING GIN (data)",
}
_COMPRESSED = "SET STORAGE EXTENDED, ALTER COLUMN data SET COMPRESSION"  # where there is no lz4, the table has EXTERNAL
_COMPRESSIONS = {"pglz": f"{_COMPRESSED} pglz", "lz4": f"{_COMPRESSED} lz4", "none": "SET STORAGE EXTERNAL"}


def main() -> None:
    """Print documents a second and megabytes for each combination."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=4_000)
    documents = list(raw_documents(parser.parse_args().jobs))
    with fresh_database() as url, connect(url, autocommit=True) as connection:
        cluster_id = add_cluster(connection, "raw.example.com")
        connection.execute("DROP INDEX clusters_clustersyncdata_data_idx")
        for compression, change in _COMPRESSIONS.items():
            try:
                connection.execute(f"ALTER TABLE clusters_clustersyncdata ALTER COLUMN data {change}".encode())
            except (psycopg.errors.FeatureNotSupported, psycopg.errors.InvalidParameterValue):
                emit("raw.insert", compression=compression, available=False)
                continue
            for name, index in _INDEXES.items():
                _measure(connection, cluster_id, documents, compression, name, index)


def _measure(
    connection: Connection, cluster_id: int, documents: list[str], compression: str, name: str, index: str | None
) -> None:
    connection.execute("TRUNCATE clusters_clustersyncdata")
    connection.execute("DROP INDEX IF EXISTS measured")
    if index is not None:
        connection.execute(index.encode())
    connection.execute("CHECKPOINT")
    with stopwatch() as watch:
        store_raw(connection, cluster_id, documents)
    sizes = "SELECT pg_table_size(oid), pg_indexes_size(oid) FROM pg_class WHERE relname = 'clusters_clustersyncdata'"
    row = connection.execute(sizes).fetchone()
    assert row is not None
    emit(
        "raw.insert",
        compression=compression,
        index=name,
        documents_per_second=len(documents) / watch.seconds,
        table_megabytes=row[0] / 2**20,
        index_megabytes=row[1] / 2**20,
        **machine(),
    )


if __name__ == "__main__":
    main()
