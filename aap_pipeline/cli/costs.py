"""`aap-pipeline costs`."""

from datetime import date
from typing import Any

import click

from aap_pipeline.cli.context import note_behind, warehouse_connection
from aap_pipeline.cli.values import day_option
from aap_pipeline.marts.costs import RATE_TYPES, rates, set_rate
from aap_pipeline.reports.output import json_option, money, negative_values, plain, print_rows


@click.group(name="costs")
def command() -> None:
    """Show and change the rates that price manual work and automation."""


@command.command(short_help="Show every rate with its history.")
@json_option
def show(as_json: bool) -> None:
    """Show every rate with its history. Money as recorded uses the rate of the job's day.

    Precedence: organization, then cluster, then the global rate.
    """
    with warehouse_connection() as connection:
        found = rates(connection)
    _print(found, as_json=as_json)


@command.command(name="set", short_help="Set the rate per minute, hour or month.", context_settings=negative_values)
@click.argument("rate", metavar="manual|automated|hourly|subscription")
@click.argument("value", metavar="MONEY|none")
@day_option(
    "--from",
    "valid_from",
    help="First day, past or future. Default: today, but all time for the first global rate of its kind.",
)
@click.option("--cluster", metavar="NAME", help="Only for this cluster.")
@click.option("--organization", metavar="NAME", help="Only for this organization.")
def set_(rate: str, value: str, valid_from: date | None, cluster: str | None, organization: str | None) -> None:
    """Set a global rate, or the rate of a cluster or organization, from a day on; `none` ends an override.

    \b
      aap-pipeline costs set manual 0.92         # per minute of manual work: 55 per hour
      aap-pipeline costs set automated 0.05      # per minute of job run time

    If the setting cost_model is subscription, these apply instead:

    \b
      aap-pipeline costs set hourly 55           # per hour of manual work
      aap-pipeline costs set subscription 6000   # per month, for the platform with all clusters

    It ends where a rate of a later day begins, so the command prints all rates of this kind with their days.
    Precedence: organization, then cluster, then the global rate. Money as recorded prices a job by the rates of its
    day, and a month of the subscription by the rate of its first day.
    """
    with warehouse_connection() as connection:
        amount = None if value.lower() == "none" else value
        set_rate(connection, rate, amount, valid_from=valid_from, cluster=cluster, organization=organization)
        found = [each for each in rates(connection) if each["rate_type"] == rate]
        note_behind(connection)
    _print(found)


def _print(found: list[dict[str, Any]], *, as_json: bool = False) -> None:
    headers = {"rate_type": "Rate", "value": "Value", "per": "Per", "valid_from": "From"}
    headers |= {"valid_until": "Until", "cluster": "Cluster", "organization": "Organization"}
    print_rows(
        headers | {"in_force": "In force"},
        [{**each, "per": RATE_TYPES[each["rate_type"]]} for each in found],
        as_json=as_json,
        value=lambda value: "none" if value is None else money(value),
        valid_from=lambda day: "always" if day == date.min else plain(day),
        cluster=lambda value: value or "all",
        organization=lambda value: value or "all",
    )
