"""The database for the duration of a command: reachable, at this release's schema, with one-line errors."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

import click
from psycopg.errors import InsufficientPrivilege

from aap_pipeline.database.connection import Connection, clear_errors, connect
from aap_pipeline.database.migrate import migrate, schema_state
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import PipelineError
from aap_pipeline.reports.output import print_json
from aap_pipeline.settings import Settings


@contextmanager
def database(settings: Settings | None = None) -> Iterator[str]:
    """Yield the URL of the database, whatever its schema. Starts the embedded server unless an external one is set.

    Errors of PostgreSQL and lost connections in the block become a PipelineError.
    """
    settings = settings or Settings()
    with clear_errors():
        if settings.database_url is not None:
            yield settings.database_url.get_secret_value()
        else:
            from aap_pipeline.embedded.shared_server import embedded_server

            with embedded_server(settings.postgres_directory) as url:
                yield url


@contextmanager
def warehouse(settings: Settings | None = None) -> Iterator[str]:
    """Yield the URL of the database at this release's schema. Migrates the embedded server, never an external one."""
    settings = settings or Settings()
    with database(settings) as url:
        if settings.database_url is None:
            migrate(url)
        else:
            with suppress(InsufficientPrivilege):  # a reader of the marts who runs `aap-pipeline sql`
                schema_state(url).require_newest()
        yield url


@contextmanager
def warehouse_connection(settings: Settings | None = None) -> Iterator[Connection]:
    """Yield a connection to `warehouse` that commits at the end of the block and rolls back after an error."""
    with warehouse(settings) as url, connect(url) as connection:
        yield connection


def note_behind(connection: Connection) -> None:
    """If savings predate a change of rates, minutes or settings, print to standard error how they are updated."""
    try:
        with connection.transaction():
            behind = connection.execute(statement("marts/is_behind")).fetchall()[0][0]
    except InsufficientPrivilege:  # a role that may only read the marts
        return
    if behind:
        click.echo(
            "Savings do not include the latest change of rates, minutes or settings. If `aap-pipeline up` is running, "
            "it updates them within seconds. To update them now, run `aap-pipeline rebuild marts`.",
            err=True,
        )


def each_cluster(
    chosen: Iterable[Any], work: Callable[[Any], Any], show: Callable[[str, Any], None], *, as_json: bool = False
) -> tuple[list[Any], bool]:
    """Do `work` for each cluster, and show what it returns, or print all of it as JSON.

    An error of one cluster is printed and does not stop the others. Returns the results, and whether all succeeded.
    """
    results: list[Any] = []
    by_name: dict[str, Any] = {}
    for cluster in chosen:
        try:
            found = work(cluster)
        except PipelineError as error:
            by_name[cluster.name] = {"error": str(error)}
            click.echo(f"{cluster.name}: {error}", err=True)
            continue
        results.append(found)
        by_name[cluster.name] = asdict(found)
        if not as_json:
            show(cluster.name, found)
    if as_json:
        print_json(by_name)
    return results, len(results) == len(by_name)
