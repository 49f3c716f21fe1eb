"""`aap-pipeline costs`."""

from __future__ import annotations

from datetime import datetime

import click

from aap_pipeline.cli.output import Column, json_option, money, plain, print_rows

_everyone = "everyone"


@click.group(name="costs")
def command() -> None:
    """Show and change what a minute of manual work and of run time costs."""


@command.command(short_help="Show every rate with its history.")
@json_option
def show(as_json: bool) -> None:
    """Show every rate with its history; money as recorded uses the rate of its day."""
    from aap_pipeline.cli.context import warehouse_connection
    from aap_pipeline.marts.costs import rates

    with warehouse_connection() as connection:
        rows = [vars(rate) for rate in rates(connection)]
    columns = [
        Column("rate_type", "Rate"),
        Column("value", "A minute", lambda value: "ends" if value is None else money(value), right=True),
        Column("valid_from", "From", lambda value: "always" if value.year == 1 else plain(value)),
        Column("cluster", "Cluster", lambda value: value or _everyone),
        Column("organization", "Organization", lambda value: value or "all"),
        Column("in_force", "In force", lambda value: "yes" if value else "no"),
    ]
    print_rows(columns, rows, as_json=as_json)


@command.command(name="set", short_help="Set what a minute costs.")
@click.argument("rate", metavar="manual|automated")
@click.argument("value", metavar="MONEY|none")
@click.option(
    "--from",
    "valid_from",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="First day (default: today), past or future.",
)
@click.option("--cluster", metavar="NAME", help="Only for this cluster.")
@click.option("--organization", metavar="NAME", help="Only for this organization.")
def set_(rate: str, value: str, valid_from: datetime | None, cluster: str | None, organization: str | None) -> None:
    """Set what a minute costs, for everyone, a cluster or an organization; `none` ends an override.

    \b
      aap-pipeline costs set manual 0.92         # 55 an hour, by hand
      aap-pipeline costs set automated 0.05      # a minute of run time of the automation
    """
    from aap_pipeline.cli.context import warehouse_connection
    from aap_pipeline.marts.costs import set_rate

    with warehouse_connection() as connection:
        starting = set_rate(
            connection,
            rate,
            None if value.lower() == "none" else value,
            valid_from=valid_from.date() if valid_from else None,
            cluster=cluster,
            organization=organization,
        )
    whom = " of ".join(part for part in (organization, cluster) if part) or _everyone
    click.echo(f"The {rate} rate of {whom} is {value} a minute from {starting} on.")
