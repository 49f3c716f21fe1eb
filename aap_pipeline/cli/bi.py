"""`aap-pipeline bi`: dashboards for BI tools."""

from functools import partial
from pathlib import Path

import click

from aap_pipeline.bi.bundles import bundle, install_in_superset, with_database
from aap_pipeline.cli.context import warehouse_connection
from aap_pipeline.cli.values import file, text
from aap_pipeline.database.statements import statement
from aap_pipeline.reports.output import counted

_write = partial(click.option, "--write", "folder", type=file, metavar="FOLDER", help="Write the files to this folder.")


@click.group(name="bi")
def command() -> None:
    """Install or write the dashboards of this release: Superset, Grafana, dbt."""


@command.command(short_help="Install the Superset dashboards.")
@click.option("--url", type=text, help="Address of Superset, https://superset.company.com.")
@click.option("--user", type=text, help="A Superset administrator.")
@click.option("--password", envvar="AAP_PIPELINE_SUPERSET_PASSWORD", help="Better: AAP_PIPELINE_SUPERSET_PASSWORD.")
@click.option(
    "--database",
    envvar="AAP_PIPELINE_BI_DATABASE_URL",
    metavar="URL",
    help="postgresql://role:password@host:5432/name for Superset's login. Better: AAP_PIPELINE_BI_DATABASE_URL.",
)
@_write()
def superset(
    url: str | None, user: str | None, password: str | None, database: str | None, folder: Path | None
) -> None:
    """Install the dashboards through Superset's API. Repeating it overwrites changes that analysts made in them.

    With --write, write the bundle to FOLDER for `superset import-directory`.
    """
    files, secret = bundle("superset", _currency()), ""
    if database:
        files, secret = with_database(files, database)
    if folder:
        _written(files, folder)
        return
    if not (url and user and database):
        raise click.UsageError("Use --url, --user and --database, or --write FOLDER.")
    install_in_superset(files, secret, url, user, password or click.prompt("Password", hide_input=True))
    for name in ("overview", "organizations", "hosts", "operations"):
        click.echo(f"{url.rstrip('/')}/superset/dashboard/aap-savings-{name}/")


@command.command(short_help="Write the Grafana dashboards.")
@_write(required=True)
def grafana(folder: Path) -> None:
    """Write the dashboards and their provisioning to FOLDER."""
    _written(bundle("grafana", _currency()), folder)


@command.command(short_help="Write the dbt project with sources and semantic models.")
@_write(required=True)
def dbt(folder: Path) -> None:
    """Write a dbt project over the marts to FOLDER."""
    _written(bundle("dbt", _currency()), folder)


def _written(files: dict[str, str], folder: Path) -> None:
    try:
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"Cannot write {error.filename}: {error.strerror}. Use another path.") from None
    click.echo(f"Wrote {counted(len(files), 'file')} to {folder}.")


def _currency() -> str:
    with warehouse_connection() as connection:
        row = connection.execute(statement("reports/currency"), {"currency": None, "day": None}).fetchone()
    return str(row[0]) if row else "USD"
