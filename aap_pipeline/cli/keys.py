"""`aap-pipeline keys`."""

import click

from aap_pipeline.database.encryption import new_key


@click.group(name="keys")
def command() -> None:
    """Generate keys for AAP_PIPELINE_ENCRYPTION_KEYS, which encrypt the controllers' tokens in the database."""


@command.command()
def new() -> None:
    """Print a new key.

    To rotate: put it before the old ones (NEW,OLD), run `aap-pipeline clusters rotate-key`, then remove the old ones.
    """
    click.echo(new_key())
