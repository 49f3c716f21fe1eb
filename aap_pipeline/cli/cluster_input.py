"""Read a cluster's secrets from the command line, and collect all its faults before reporting them."""

import os
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from getpass import getpass
from pathlib import Path
from typing import Any, TypeVar

import click

from aap_pipeline.cli.values import file, text
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.manners import Manners
from aap_pipeline.controller.secret_text import COPY_AGAIN, cleaned, read_secret
from aap_pipeline.errors import PipelineError

T = TypeVar("T")
OPTIONS = (
    click.option("--token-file", type=file, help="File that holds the access token."),
    click.option("--token-env", type=text, metavar="NAME", help="Environment variable that holds the access token."),
    click.option("--refresh-token-file", type=file, help="File that holds the refresh token."),
    click.option("--client-id", default="", help="OAuth client id; required with a refresh token."),
    click.option("--client-secret-file", type=file, help="File that holds the OAuth client's secret."),
    click.option("--max-concurrent-requests", type=int, metavar="N", help="Most requests in flight (default 4)."),
    click.option("--max-requests-per-second", type=float, metavar="N", help="Most requests per second (default 16)."),
    click.option(
        "--sync-window",
        metavar="HOURS",
        help='Hours of first syncs and backfills: "20:00-06:00 Europe/Berlin" (UTC without a zone), or always.',
    ),
    click.option("--ca-bundle", type=file, help="PEM file of the CA that signed the certificate."),
)
"""The options that `clusters add` and `clusters update` share."""


def take_limits(options: dict[str, Any]) -> dict[str, Any]:
    """Remove the limits from `options`, and return those that are given as fields of Manners; "always" is None."""
    values = {each.name: options.pop(each.name) for each in fields(Manners)}
    return {name: None if value == "always" else value for name, value in values.items() if value is not None}


def read_tokens(
    faults: list[str],
    *,
    ask: bool,
    token_file: Path | None,
    token_env: str | None,
    refresh_token_file: Path | None,
    client_id: str,
    client_secret_file: Path | None,
) -> Tokens:
    """Return the secrets that the options name. With `ask`, prompt for a missing access token if there is no fault.

    Appends faults to `faults`. Raises PipelineError (exit status 1) if the content of a secret is the only fault.
    """
    access = refresh = client_secret = None
    if token_file and token_env:
        faults.append("Use --token-file or --token-env, not both.")
    elif token_file:
        access = noted(faults, lambda: read_secret(token_file))
    elif token_env:
        access = cleaned(os.environ.get(token_env, ""))
        if not access:
            faults.append(f"The environment variable {token_env} is not set or is empty.")
    if refresh_token_file:
        refresh = noted(faults, lambda: read_secret(refresh_token_file))
    if client_secret_file:
        client_secret = noted(faults, lambda: read_secret(client_secret_file))
    if ask and refresh_token_file and not client_id:
        faults.append("--refresh-token-file needs --client-id.")
    if ask and not faults and access is None:
        access = _asked()
    tokens = Tokens(access or "", refresh or "", cleaned(client_id), client_secret or "")
    unusable = [f"{each}: {COPY_AGAIN}." for each in tokens.faults()]
    if unusable and not faults:
        raise PipelineError("\n".join(unusable))
    faults += unusable
    return tokens


def noted(faults: list[str], make: Callable[[], T]) -> T | None:
    """Return `make()`, or append its error to `faults`."""
    try:
        return make()
    except PipelineError as error:
        faults.append(str(error))
        return None


def warn(name: str, endpoint: Endpoint) -> None:
    if endpoint.exposes_token:
        command = replace(endpoint, cluster=name).update(f"--url {endpoint.encrypted_url}")
        click.echo(f"Warning: {name}: the token will cross the network in clear text. Use https: {command}.", err=True)


def _asked() -> str:
    """Prompt for the access token without echo, or read all of standard input if it is not a terminal."""
    try:
        found = cleaned(getpass("Access token: ") if sys.stdin.isatty() else sys.stdin.read())
    except EOFError:
        found = ""
    if not found:
        raise click.UsageError("Access token: standard input is empty. Use --token-file FILE or --token-env NAME.")
    return found
