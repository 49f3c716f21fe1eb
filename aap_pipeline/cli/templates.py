"""`aap-pipeline templates`."""

from __future__ import annotations

from datetime import date

import click

from aap_pipeline.cli.context import note_behind, warehouse_connection
from aap_pipeline.cli.values import Day, Whole
from aap_pipeline.marts.templates import set_template, templates
from aap_pipeline.reports.output import Column, json_option, number, print_rows

_MINUTES = Whole(0, 2**31 - 1)  # INTEGER


@click.group(name="templates")
def command() -> None:
    """Show and set the manual and creation minutes of job templates, and exclude templates from the savings."""


@command.command(name="list")
@click.option("--cluster", metavar="NAME", help="Only this cluster.")
@json_option
def list_(cluster: str | None, as_json: bool) -> None:
    """List job templates with their minutes and the source of these."""
    with warehouse_connection() as connection:
        rows = [vars(template) for template in templates(connection, cluster)]
    columns = [
        Column("id", "Id"),
        Column("cluster", "Cluster"),
        Column("organization", "Organization"),
        Column("name", "Job template"),
        Column("manual_minutes", "Manual minutes", number, right=True),
        Column("creation_minutes", "Creation minutes", number, right=True),
        Column("source", "Source"),
        Column("excluded", "Excluded", lambda value: "yes" if value else "no"),
        Column("runs", "Runs", number, right=True),
    ]
    print_rows(columns, rows, as_json=as_json)


@command.command(name="set", short_help="Set the minutes of a job template, or exclude it.")
@click.argument("name")
@click.option("--manual-minutes", type=_MINUTES, help="Minutes of manual work that a run saves per host.")
@click.option("--creation-minutes", type=_MINUTES, help="Minutes that creating the automation took.")
@click.option("--exclude/--include", "excluded", default=None, help="Exclude its runs from all figures, or not.")
@click.option(
    "--from", "excluded_from", type=Day(), metavar="DAY", help="First day of --exclude or --include (default: today)."
)
@click.option("--cluster", metavar="NAME", help="Cluster, if several have a template of that name.")
def set_(
    name: str,
    manual_minutes: int | None,
    creation_minutes: int | None,
    excluded: bool | None,
    excluded_from: date | None,
    cluster: str | None,
) -> None:
    """Set the minutes of the job template NAME (or '#ID' from `templates list`) from today on.

    --exclude leaves runs from a day on out of all figures; the jobs stay in core. The next refresh of the marts applies
    the change.
    """
    with warehouse_connection() as connection:
        found = set_template(
            connection,
            name,
            manual_minutes=manual_minutes,
            creation_minutes=creation_minutes,
            excluded=excluded,
            excluded_from=excluded_from,
            cluster=cluster,
        )
        note_behind(connection)
    excluded_text = " It is excluded from the savings." if found.excluded else ""
    click.echo(
        f"{found.name} ({found.cluster}): {found.manual_minutes} manual minutes per host, "
        f"{found.creation_minutes} creation minutes.{excluded_text}"
    )
