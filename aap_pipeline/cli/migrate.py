"""`aap-pipeline migrate`."""

import click

from aap_pipeline.cli.context import database
from aap_pipeline.database.migrate import all_sql, migrate, schema_state


@click.command(name="migrate")
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit status 1 if a migration is pending.")
@click.option("--sql", "print_sql", is_flag=True, help="Print the SQL of all revisions. Needs no database.")
@click.option(
    "--dagster", "for_dagster", is_flag=True, help="Also migrate Dagster's own tables of the instance in DAGSTER_HOME."
)
def command(only_check: bool, print_sql: bool, for_dagster: bool) -> None:
    """Migrate the database to this release's schema.

    Safe to repeat and to run concurrently: it takes a lock and runs the pending migrations in one transaction. It
    rejects a database that a newer release has migrated.
    """
    if only_check + print_sql + for_dagster > 1:
        raise click.UsageError("Use only one of --check, --sql and --dagster.")
    if print_sql:
        click.echo(all_sql())
        return
    with database() as url:
        before = schema_state(url) if only_check else migrate(url)
        if for_dagster:
            from aap_pipeline.runtime.instance import create_schema, prepare_storage

            create_schema(url)
            prepare_storage()
    if only_check:
        before.require_newest()
    if before.up_to_date:
        click.echo(f"{before.database}: schema {before.newest} is up to date.")
    else:
        came_from = before.current or "an empty database"
        click.echo(f"{before.database}: migrated from {came_from} to schema {before.newest}.")
