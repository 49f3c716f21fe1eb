"""`aap-pipeline migrate`."""

from __future__ import annotations

import click


@click.command(name="migrate")
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit status 1 if a migration is pending.")
@click.option("--sql", "print_sql", is_flag=True, help="Print the SQL of all revisions. Needs no database.")
def command(only_check: bool, print_sql: bool) -> int:
    """Migrate the database to this release's schema.

    Safe to repeat and to run concurrently: it takes a lock and runs the pending migrations in one transaction. It
    rejects a database that a newer release has migrated.
    """
    from aap_pipeline.cli.context import database
    from aap_pipeline.database.connection import describe
    from aap_pipeline.database.migrate import check, migrate, pending_sql

    if print_sql and only_check:
        raise click.UsageError("Use --check or --sql, not both.")
    if print_sql:
        click.echo(pending_sql())
        return 0
    with database() as url:
        before = check(url) if only_check else migrate(url)
    where = f"{describe(url)}:"
    if before.up_to_date:
        click.echo(f"{where} schema {before.newest} is up to date.")
    elif only_check:
        click.echo(
            f"{where} schema {before.current or 'none'}, but this release needs {before.newest}. Run "
            "`aap-pipeline migrate`.",
            err=True,
        )
        return 1
    else:
        click.echo(f"{where} migrated from {before.current or 'an empty database'} to schema {before.newest}.")
    return 0
