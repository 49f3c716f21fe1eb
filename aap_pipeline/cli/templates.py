"""`aap-pipeline templates`."""

from typing import Any

import click

from aap_pipeline.cli.context import note_behind, warehouse_connection
from aap_pipeline.cli.values import Whole, day_option
from aap_pipeline.marts.templates import set_template, templates
from aap_pipeline.reports.output import json_option, print_rows

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
        rows = templates(connection, cluster)
    headers = {"id": "Id", "cluster": "Cluster", "organization": "Organization", "name": "Job template"}
    headers |= {"manual_minutes": "Manual minutes", "creation_minutes": "Creation minutes", "source": "Source"}
    print_rows(headers | {"excluded": "Excluded", "runs": "Runs"}, rows, as_json=as_json, id=str)


@command.command(name="set", short_help="Set the minutes of a job template, or exclude it.")
@click.argument("name")
@click.option("--manual-minutes", type=_MINUTES, help="Minutes of manual work that a run saves per host.")
@click.option("--creation-minutes", type=_MINUTES, help="Minutes that creating the automation took.")
@click.option("--exclude/--include", "excluded", default=None, help="Exclude its runs from all figures, or not.")
@day_option("--from", "excluded_from", help="First day of --exclude or --include (default: today).")
@click.option("--cluster", metavar="NAME", help="Cluster, if several have a template of that name.")
def set_(name: str, **changes: Any) -> None:
    """Set the minutes of the job template NAME (or '#ID' from `templates list`) from today on.

    --exclude leaves runs from a day on out of all figures; the jobs stay in core. The next refresh of the marts applies
    the change.
    """
    with warehouse_connection() as connection:
        found = set_template(connection, name, **changes)
        note_behind(connection)
    text = "{name} ({cluster}): {manual_minutes} manual minutes per host, {creation_minutes} creation minutes."
    click.echo(text.format(**found) + (" It is excluded from the savings." if found["excluded"] else ""))
