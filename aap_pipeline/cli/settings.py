"""`aap-pipeline settings`."""

from __future__ import annotations

import click

from aap_pipeline.cli.output import Column, json_option, print_rows


@click.group(name="settings")
def command() -> None:
    """Show and change the application settings (table common_settings)."""


@command.command()
@click.argument("name", required=False)
@json_option
def show(name: str | None, as_json: bool) -> None:
    """Show all settings, or one, with what each is for and what it allows."""
    from aap_pipeline.cli.context import warehouse_connection
    from aap_pipeline.warehouse import options

    with warehouse_connection() as connection:
        values = options.read(connection)
    if name is not None and name not in values:
        raise options.unknown(name)
    rows = [
        {
            "name": option.name,
            "value": values[option.name],
            "default": option.default,
            "allowed": option.kind.allowed,
            "description": option.description,
        }
        for option in options.OPTIONS.values()
        if name in (None, option.name)
    ]
    columns = [
        Column("name", "Setting"),
        Column("value", "Value", _written),
        Column("default", "Default", _written),
        Column("allowed", "Allowed"),
        Column("description", "What it is for"),
    ]
    print_rows(columns, rows, as_json=as_json)


@command.command(name="set")
@click.argument("name")
@click.argument("value")
def set_(name: str, value: str) -> None:
    """Set NAME to VALUE. Money in the marts follows by itself; a running sync keeps the values it began with."""
    from aap_pipeline.cli.context import warehouse_connection
    from aap_pipeline.warehouse import options

    with warehouse_connection() as connection:
        stored = options.write(connection, name, value)
    click.echo(f"{name} is {_written(stored)}.")


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
