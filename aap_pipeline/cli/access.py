"""`aap-pipeline access`."""

import click

from aap_pipeline.cli.context import warehouse_connection
from aap_pipeline.marts.access import access
from aap_pipeline.marts.access import grant as give
from aap_pipeline.marts.access import revoke as take
from aap_pipeline.reports.output import json_option, print_rows

_organization = click.option("--organization", "organizations", multiple=True, metavar="NAME", help="May be repeated.")
_cluster = click.option("--cluster", metavar="NAME", help="Cluster, if several have an organization of that name.")


@click.group(name="access")
def command() -> None:
    """Show and change which organizations a database role sees in the marts."""


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """List the restricted roles. All other roles see every organization."""
    with warehouse_connection() as connection:
        rows = access(connection)
    headers = {"role": "Role", "organization": "Organization", "cluster": "Cluster", "nothing": "Sees nothing"}
    print_rows(headers, rows, as_json=as_json)


@command.command(short_help="Restrict a role to organizations.")
@click.argument("role")
@_organization
@click.option("--nothing", is_flag=True, help="For the shared login of a BI server that runs SET ROLE for each viewer.")
@_cluster
def grant(role: str, organizations: tuple[str, ...], nothing: bool, cluster: str | None) -> None:
    """Let the database role ROLE see these organizations in the marts, besides those granted before, and no others."""
    with warehouse_connection() as connection:
        give(connection, role, organizations, cluster=cluster, nothing=nothing)
    click.echo(f"{role} sees {', '.join(organizations) or 'nothing until it runs SET ROLE to the role of a viewer'}.")


@command.command(short_help="Revoke organizations, or all access, from a role.")
@click.argument("role")
@_organization
@_cluster
def revoke(role: str, organizations: tuple[str, ...], cluster: str | None) -> None:
    """Revoke the organizations from ROLE. Without --organization, revoke all access to the marts."""
    with warehouse_connection() as connection:
        take(connection, role, organizations, cluster=cluster)
    click.echo(f"{role} no longer sees {', '.join(organizations) or 'the marts'}.")
