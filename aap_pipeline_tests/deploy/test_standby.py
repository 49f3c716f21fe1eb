"""BI tools on a hot standby: everything in schema marts answers there as on the primary."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from psycopg import sql

from aap_pipeline.database.connection import connect
from aap_pipeline.database.migrate import migrate
from aap_pipeline.embedded.processes import as_unprivileged_user, die_with_parent
from aap_pipeline.embedded.server import binaries
from aap_pipeline_tests.runtime.running import free_port, wait_for
from aap_pipeline_tests.servers import server_with_default_options

pytestmark = [pytest.mark.usefixtures("starts_server"), pytest.mark.long]

_RELATIONS = """SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'marts'::regnamespace
    AND c.relkind IN ('r', 'v', 'm', 'p') AND NOT c.relispartition ORDER BY 1"""
_FUNCTIONS = """SELECT proname FROM pg_proc WHERE pronamespace = 'marts'::regnamespace AND prokind = 'f'
    AND provolatile <> 'v' AND pronargs - pronargdefaults = 2
    AND proargtypes[0] = 'date'::regtype AND proargtypes[1] = 'date'::regtype
    ORDER BY 1"""


@contextmanager
def standby(primary: str, folder: Path) -> Iterator[str]:
    """Address of a hot standby of the server at `primary`, as `postgresql://USER:PASSWORD@HOST:PORT`."""
    data, port = folder / "standby", free_port()
    as_user = as_unprivileged_user(die_with_parent(signal.SIGINT))
    copy: list[str | Path] = [binaries() / "pg_basebackup", "--dbname", primary, "--pgdata", data]
    copy += ["--write-recovery-conf", "--no-sync", "--checkpoint=fast"]
    subprocess.run(copy, check=True, capture_output=True, preexec_fn=as_user)
    command: list[str | Path] = [binaries() / "postgres", "-D", data, "-p", str(port)]
    with (folder / "standby.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, preexec_fn=as_user)
    try:
        state = data / "postmaster.pid"
        wait_for(lambda: state.exists() and "ready" in state.read_text(encoding="ascii"), 60)
        there = urlsplit(primary)
        yield f"postgresql://{there.username}:{there.password}@127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def test_a_standby_answers_what_bi_tools_ask(tmp_path: Path) -> None:
    """Guards against a view or function that writes or locks, and so fails on a replica only."""
    with server_with_default_options(binaries(), tmp_path) as primary:
        url = primary.url("postgres")
        migrate(url)
        with connect(url) as connection:
            connection.execute(
                "INSERT INTO clusters_cluster (protocol, address, port, access_token, name) "
                "VALUES ('https', 'a', 443, '', 'a')"
            )
        with standby(url, tmp_path) as address, connect(url) as writer, connect(f"{address}/postgres") as reader:
            reader.autocommit = True
            writer.execute("UPDATE clusters_cluster SET address = 'seen.example.com'")
            writer.commit()
            address_there = "SELECT address FROM clusters_cluster"
            wait_for(lambda: reader.execute(address_there).fetchall() == [("seen.example.com",)])
            relations = [row[0] for row in reader.execute(_RELATIONS)]
            functions = [row[0] for row in reader.execute(_FUNCTIONS)]
            assert "savings_daily" in relations
            assert "totals" in functions
            for each in relations:
                question = sql.SQL("SELECT count(*) FROM marts.{}").format(sql.Identifier(each))
                assert reader.execute(question).fetchall() == writer.execute(question).fetchall(), each
            for each in functions:
                question = sql.SQL("SELECT count(*) FROM marts.{}('2026-01-01', '2026-12-31')").format(
                    sql.Identifier(each)
                )
                assert reader.execute(question).fetchall() == writer.execute(question).fetchall(), each
