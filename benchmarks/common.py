"""Shared parts of the benchmarks: a private server, a cluster, and figures as JSON lines."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.migrate import migrate
from aap_pipeline.embedded.shared_server import embedded_server
from aap_pipeline_tests.servers import EXTERNAL, PostgresServer


@dataclass
class Stopwatch:
    """Wall-clock seconds of a block."""

    seconds: float = 0.0


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Time the block."""
    watch, started = Stopwatch(), time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - started


def emit(figure: str, **values: object) -> None:
    """Print one figure as a JSON line, numbers rounded to three places."""
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in values.items()}
    sys.stdout.write(json.dumps({"figure": figure, **rounded}) + "\n")
    sys.stdout.flush()


@contextmanager
def fresh_database(options: Mapping[str, str] | None = None, keep: Path | None = None) -> Iterator[str]:
    """URL of a migrated database on an embedded server of its own, as durable as the one that users get, or on the
    external server that AAP_PIPELINE_TEST_DATABASE_URL names.

    `options` are settings of the server beyond those that users get. With `keep`, the database lies in that folder and
    stays there, for the next that gives the same folder.
    """
    external = os.environ.get(EXTERNAL)
    if external:
        if options or keep:
            raise SystemExit(f"This benchmark needs a private server. Run `unset {EXTERNAL}`.")
        with PostgresServer(external).database() as url:
            migrate(url)
            yield url
        return
    if keep is not None:
        keep.mkdir(mode=0o711, parents=True, exist_ok=True)
        with embedded_server(keep / "postgres", options) as url:
            migrate(url)
            yield url
        return
    with tempfile.TemporaryDirectory(prefix="aap-pipeline-benchmark-") as folder:
        Path(folder).chmod(0o711)
        with embedded_server(Path(folder) / "postgres", options) as url:
            migrate(url)
            yield url


def add_cluster(connection: Connection, address: str) -> int:
    """A cluster; its id."""
    row = connection.execute(
        "INSERT INTO clusters_cluster (protocol, address, port, access_token) VALUES ('https', %s, 443, '') "
        "RETURNING id",
        [address],
    ).fetchone()
    connection.commit()
    assert row is not None
    return int(row[0])


def checkpoint(url: str) -> None:
    """Write out what earlier steps left in memory and refresh statistics, so that they do not slow the next one."""
    with connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def machine() -> dict[str, object]:
    """Return processors and load, as context of a figure."""
    return {"cpus": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
