"""`aap-pipeline costs`."""

from datetime import date
from decimal import Decimal

import click

from aap_pipeline.cli.context import note_behind, warehouse_connection
from aap_pipeline.cli.values import day
from aap_pipeline.marts.costs import RATE_TYPES, RateSet, rates, set_rate
from aap_pipeline.reports.output import json_option, money, negative_values, plain, print_rows

_all_clusters = "all clusters"


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
        rows = [{**rate, "per": RATE_TYPES[rate["rate_type"]]} for rate in rates(connection)]
    headers = {"rate_type": "Rate", "value": "Value", "per": "Per", "valid_from": "Valid from"}
    headers |= {"valid_until": "Valid until", "cluster": "Cluster", "organization": "Organization"}
    print_rows(
        headers | {"in_force": "In force"},
        rows,
        as_json=as_json,
        value=lambda value: "none" if value is None else money(value),
        valid_from=_first_day,
        cluster=lambda value: value or "all",
        organization=lambda value: value or "all",
    )


@command.command(name="set", short_help="Set the rate per minute, hour or month.", context_settings=negative_values)
@click.argument("rate", metavar="manual|automated|hourly|subscription")
@click.argument("value", metavar="MONEY|none")
@click.option(
    "--from",
    "valid_from",
    type=day,
    metavar="DAY",
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

    Precedence: organization, then cluster, then the global rate. Money as recorded prices a job by the rates of its
    day, and a month of the subscription by the rate of its first day.
    """
    with warehouse_connection() as connection:
        done = set_rate(
            connection,
            rate,
            None if value.lower() == "none" else value,
            valid_from=valid_from,
            cluster=cluster,
            organization=organization,
        )
        note_behind(connection)
    whom = " of ".join(part for part in (organization, cluster) if part) or _all_clusters
    click.echo(_confirmation(rate, None if value.lower() == "none" else Decimal(value), whom, done))


def _confirmation(rate: str, value: Decimal | None, whom: str, done: RateSet) -> str:
    if done.valid_until:
        days = f"from {_first_day(done.valid_from)} until {done.valid_until}"
    else:
        days = "at all times" if done.valid_from == date.min else f"from {done.valid_from} on"
    text = f"The {rate} rate of {whom} is {_amount(rate, value)} {days}."
    if done.next_from:
        text += (
            f" An earlier command set {_amount(rate, done.next_value)} from {done.next_from} on. To replace that, "
            f"repeat the command with --from {done.next_from}."
        )
    if rate == "subscription" and done.valid_from.day > 1:
        text += " Money as recorded uses the rate of a month's first day, so this rate counts from the next month on."
    return text


def _amount(rate: str, value: Decimal | None) -> str:
    return "no own rate" if value is None else f"{value:f} per {RATE_TYPES[rate]}"


def _first_day(day: date) -> str:
    return "always" if day == date.min else plain(day)
