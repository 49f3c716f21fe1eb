"""PostgreSQL servers for tests: the embedded one, one that the environment names, and one with default options."""

from __future__ import annotations

import itertools
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import psycopg

from aap_pipeline.embedded.processes import as_unprivileged_user, die_with_parent
from aap_pipeline.embedded.server import EmbeddedServer
from aap_pipeline_tests.runtime.running import free_port, wait_for

EXTERNAL = "AAP_PIPELINE_TEST_DATABASE_URL"
"""URL of an administrator of the server on which tests and benchmarks make their databases; unset: embedded ones."""

_numbers = itertools.count(1)


class PostgresServer(NamedTuple):
    """A running server, by the URL of an administrator."""

    administrator_url: str

    def url(self, database: str) -> str:
        """The administrator's URL of another database."""
        return urlunsplit(urlsplit(self.administrator_url)._replace(path=f"/{database}"))

    def execute(self, command: str) -> None:
        """Run a command as the administrator, outside a transaction."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(command.encode())

    @contextmanager
    def database(self, template: str = "template0", encoding: str = "UTF8") -> Iterator[str]:
        """URL of a fresh database for the block."""
        name = f"aap_test_{os.getpid()}_{next(_numbers)}"
        locale = "" if encoding == "UTF8" else " LOCALE_PROVIDER libc LOCALE 'C'"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING '{encoding}'{locale} STRATEGY FILE_COPY")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def role(self, name: str, url: str, options: str = "LOGIN") -> Iterator[str]:
        """`url` for a role of that name, which exists for the block."""
        password = secrets.token_urlsafe(24)
        self.execute(f"CREATE ROLE {name} {options} PASSWORD '{password}'")
        there = urlsplit(url)
        try:
            yield urlunsplit(there._replace(netloc=f"{name}:{password}@{there.netloc.rpartition('@')[2]}"))
        finally:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}".encode())
            self.execute(f"DROP ROLE {name}")


@contextmanager
def server(folder: Path) -> Iterator[PostgresServer]:
    """The server that the environment names, or an embedded one in `folder` that does not wait for the disk."""
    external = os.environ.get(EXTERNAL)
    if external:
        yield PostgresServer(external)
        return
    options = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "512MB"}
    embedded = EmbeddedServer(folder, options)
    try:
        yield PostgresServer(embedded.start())
    finally:
        embedded.stop()


@contextmanager
def server_with_default_options(programs: Path, folder: Path) -> Iterator[PostgresServer]:
    """A server made by the `initdb` in `programs`, with PostgreSQL's own options but for where it listens and fsync."""
    password = folder / "password"
    password.write_text(secrets.token_urlsafe(24), encoding="ascii")
    initdb = ["initdb", f"--pgdata={folder / 'data'}", "--username=postgres", "--auth=scram-sha-256", "--no-sync"]
    more = [f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8"]
    as_user = as_unprivileged_user(die_with_parent(signal.SIGINT))
    subprocess.run([programs / initdb[0], *initdb[1:], *more], check=True, capture_output=True, preexec_fn=as_user)
    port = free_port()
    with (folder / "data" / "postgresql.conf").open("a", encoding="ascii") as configuration:
        # fsync decides no plan: without it the many databases of a run are made in a tenth of the time.
        configuration.write("unix_socket_directories = ''\nfsync = off\n")
    command: list[str | Path] = [programs / "postgres", "-D", folder / "data", "-p", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, preexec_fn=as_user)
    try:
        state = folder / "data" / "postmaster.pid"
        wait_for(lambda: state.exists() and "ready" in state.read_text(encoding="ascii"), 60)
        yield PostgresServer(f"postgresql://postgres:{password.read_text()}@127.0.0.1:{port}/postgres")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
