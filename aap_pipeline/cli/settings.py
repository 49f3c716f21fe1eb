"""`aap-pipeline settings`."""

from datetime import date

import click

from aap_pipeline.cli.context import note_behind, warehouse_connection
from aap_pipeline.cli.values import day_option
from aap_pipeline.database import application_settings
from aap_pipeline.database.application_settings import ApplicationSettings
from aap_pipeline.marts.costs import exchange_rates, set_exchange_rate
from aap_pipeline.reports.output import json_option, negative_values, print_rows


@click.group(name="settings")
def command() -> None:
    """Show and change the application settings (table common_settings)."""


@command.command()
@click.argument("name", required=False)
@json_option
def show(name: str | None, as_json: bool) -> None:
    """Show all settings, or one, with their purpose and allowed values."""
    with warehouse_connection() as connection:
        values = application_settings.read(connection).model_dump()
    if name is not None and name not in values:
        raise application_settings.unknown(name)
    rows = [
        {
            "name": each,
            "value": values[each],
            "default": field.default,
            "allowed": application_settings.allowed(each),
            "description": " ".join((field.description or "").split()),
        }
        for each, field in ApplicationSettings.model_fields.items()
        if name in (None, each)
    ]
    headers = {"name": "Setting", "value": "Value", "default": "Default", "allowed": "Allowed"}
    headers |= {"description": "Description"}
    print_rows(headers, rows, as_json=as_json, value=_written, default=_written)


@command.command(name="set", context_settings=negative_values)
@click.argument("name")
@click.argument("value")
def set_(name: str, value: str) -> None:
    """Set NAME to VALUE. Money in the marts is recomputed automatically. A running sync keeps its old values."""
    with warehouse_connection() as connection:
        stored = application_settings.write(connection, name, value)
        note_behind(connection)
    click.echo(f"{name} is {_written(stored)}.")


@command.group(short_help="Show and set exchange rates.")
def fx() -> None:
    """Exchange rates, to show money in a currency other than the configured one."""


@fx.command(name="show")
@json_option
def fx_show(as_json: bool) -> None:
    """Show every exchange rate with its first day."""
    with warehouse_connection() as connection:
        rows = exchange_rates(connection)
    headers = {"from_currency": "From", "rate": "Rate", "to_currency": "To", "rate_date": "Valid from"}
    print_rows(headers, rows, as_json=as_json)


@fx.command(name="set", short_help="Set an exchange rate.", context_settings=negative_values)
@click.argument("from_currency")
@click.argument("to_currency")
@click.argument("rate")
@day_option("--date", "rate_date", help="First day of the rate (default: today in the reporting time zone).")
def fx_set(from_currency: str, to_currency: str, rate: str, rate_date: date | None) -> None:
    """Set the price of 1 FROM_CURRENCY in TO_CURRENCY (ISO codes). Example: fx set USD EUR 0.92."""
    with warehouse_connection() as connection:
        done = set_exchange_rate(connection, from_currency, to_currency, rate, rate_date)
    click.echo("1 {from_currency} is {rate} {to_currency} from {rate_date} on.".format(**done))


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
