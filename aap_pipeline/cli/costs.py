"""`aap-pipeline costs`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from aap_pipeline.cli.values import Day
from aap_pipeline.reports.output import Column, json_option, money, negative_values, plain, print_rows

if TYPE_CHECKING:
    from aap_pipeline.marts.costs import RateSet

_everyone = "everyone"


@click.group(name="costs")
def command() -> None:
    """Show and change what work by hand and the automation cost."""


@command.command(short_help="Show every rate with its history.")
@json_option
def show(as_json: bool) -> None:
    """Show every rate with its history; money as recorded uses the rate of its day.

    Precedence: the organization's own rate, then its cluster's, then everyone's.
    """
    from aap_pipeline.cli.context import warehouse_connection
    from aap_pipeline.marts.costs import RATE_TYPES, rates

    with warehouse_connection() as connection:
        rows = [{**vars(rate), "per": RATE_TYPES[rate.rate_type].per} for rate in rates(connection)]
    columns = [
        Column("rate_type", "Rate"),
        Column("value", "Value", lambda value: "none" if value is None else money(value), right=True),
        Column("per", "Per"),
        Column("valid_from", "From", _first_day),
        Column("valid_until", "Until"),
        Column("cluster", "Cluster", lambda value: value or _everyone),
        Column("organization", "Organization", lambda value: value or "all"),
        Column("in_force", "In force", lambda value: "yes" if value else "no"),
    ]
    print_rows(columns, rows, as_json=as_json)


@command.command(
    name="set", short_help="Set what a minute, an hour or a month costs.", context_settings=negative_values
)
@click.argument("rate", metavar="manual|automated|hourly|subscription")
@click.argument("value", metavar="MONEY|none")
@click.option(
    "--from",
    "valid_from",
    type=Day(),
    metavar="DAY",
    help="First day, past or future (default: today; always for everyone's first of its kind).",
)
@click.option("--cluster", metavar="NAME", help="Only for this cluster.")
@click.option("--organization", metavar="NAME", help="Only for this organization.")
def set_(rate: str, value: str, valid_from: date | None, cluster: str | None, organization: str | None) -> None:
    """Set a rate from a day on, for everyone, a cluster or an organization; `none` ends an override.

    \b
      aap-pipeline costs set manual 0.92         # a minute by hand: 55 an hour
      aap-pipeline costs set automated 0.05      # a minute of run time of the automation

    Where setting cost_model is subscription, in place of these:

    \b
      aap-pipeline costs set hourly 55           # an hour of a person
      aap-pipeline costs set subscription 6000   # a month of the platform, for all clusters

    Precedence: the organization's own rate, then its cluster's, then everyone's. As recorded, a run is priced by the
    rates of its day, and a month of the subscription by the price of its first day.
    """
    from aap_pipeline.cli.context import note_behind, warehouse_connection
    from aap_pipeline.marts.costs import set_rate

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
    whom = " of ".join(part for part in (organization, cluster) if part) or _everyone
    click.echo(_said(rate, None if value.lower() == "none" else Decimal(value), whom, done))


def _said(rate: str, value: Decimal | None, whom: str, done: RateSet) -> str:
    """What holds now, and until when."""
    if done.valid_until:
        days = f"from {_first_day(done.valid_from)} until {done.valid_until}"
    else:
        days = "at all times" if done.valid_from == date.min else f"from {done.valid_from} on"
    said = f"The {rate} rate of {whom} is {_amount(rate, value)} {days}."
    if done.next_from:
        said += (
            f" From {done.next_from} on it is {_amount(rate, done.next_value)}, as was set before: set it from that "
            "day, too, to change that."
        )
    if rate == "subscription" and done.valid_from.day > 1:
        said += " As recorded, a month costs the price of its first day: this one from the next month on."
    return said


def _amount(rate: str, value: Decimal | None) -> str:
    from aap_pipeline.marts.costs import RATE_TYPES

    return "none of its own" if value is None else f"{value:f} {RATE_TYPES[rate].a_unit}"


def _first_day(day: date) -> str:
    return "always" if day == date.min else plain(day)
