"""The options that describe a cluster, and the prompt for its token."""

import sys
from dataclasses import replace
from getpass import getpass

import click

from aap_pipeline.cli.values import text
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.secret_text import cleaned

OPTIONS = (
    click.option(
        "--token-file", "access_token_file", type=text, metavar="FILE", help="File that holds the access token."
    ),
    click.option(
        "--token-env",
        "access_token_env",
        type=text,
        metavar="NAME",
        help="Environment variable that holds the access token.",
    ),
    click.option("--refresh-token-file", type=text, metavar="FILE", help="File that holds the refresh token."),
    click.option("--client-id", help="OAuth client id; required with a refresh token."),
    click.option("--client-secret-file", type=text, metavar="FILE", help="File that holds the OAuth client's secret."),
    click.option("--max-concurrent-requests", type=int, metavar="N", help="Most requests in flight (default 4)."),
    click.option("--max-requests-per-second", type=float, metavar="N", help="Most requests per second (default 16)."),
    click.option(
        "--sync-window",
        metavar="HOURS",
        help='Hours of first syncs and backfills: "20:00-06:00 Europe/Berlin" (UTC without a zone), or always.',
    ),
    click.option("--ca-bundle", type=text, metavar="FILE", help="PEM file of the CA that signed the certificate."),
)
"""The options of `clusters add` and `clusters update`, named as the keys of an entry in a file of clusters."""


def warn(name: str, endpoint: Endpoint) -> None:
    if endpoint.exposes_token:
        command = replace(endpoint, cluster=name).update(f"--url {endpoint.encrypted_url}")
        click.echo(f"Warning: {name}: the token will cross the network in clear text. Use https: {command}.", err=True)


def asked_token() -> str:
    """Prompt for the access token without echo, or read all of standard input if it is not a terminal."""
    try:
        found = cleaned(getpass("Access token: ") if sys.stdin.isatty() else sys.stdin.read())
    except EOFError:
        found = ""
    if not found:
        raise click.UsageError("Access token: standard input is empty. Use --token-file FILE or --token-env NAME.")
    return found
