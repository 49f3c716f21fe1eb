"""Read a cluster's secrets from the command line, and collect all its faults before reporting them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from aap_pipeline.cli.ask import secret
from aap_pipeline.cli.values import File, Word
from aap_pipeline.clusters.registry import BadEntry, BadSecret
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.secret_text import COPY_AGAIN, cleaned, read_secret
from aap_pipeline.errors import PipelineError

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


_FILE = File()
_SECRETS = (
    click.option("--token-file", type=_FILE, help="File that holds the access token."),
    click.option("--token-env", type=Word(), metavar="NAME", help="Environment variable that holds the access token."),
    click.option("--refresh-token-file", type=_FILE, help="File that holds the refresh token."),
    click.option("--client-id", default="", help="OAuth client id; required with a refresh token."),
    click.option("--client-secret-file", type=_FILE, help="File that holds the OAuth client's secret."),
)


def secret_options(command: F) -> F:
    """Add the options that `read_tokens` reads."""
    for option in reversed(_SECRETS):
        command = option(command)
    return command


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

    Appends faults to `faults`. Raises BadSecret (exit status 1) if the content of a secret is the only fault.
    """
    access = refresh = client_secret = None
    if token_file and token_env:
        faults.append("Use --token-file or --token-env, not both.")
    elif token_file:
        access = noted(faults, lambda: _secret(token_file))
    elif token_env:
        access = cleaned(os.environ.get(token_env, ""))
        if not access:
            faults.append(f"The environment variable {token_env} is not set or is empty.")
    if refresh_token_file:
        refresh = noted(faults, lambda: _secret(refresh_token_file))
    if client_secret_file:
        client_secret = noted(faults, lambda: _secret(client_secret_file))
    if ask and refresh_token_file and not client_id:
        faults.append("--refresh-token-file needs --client-id.")
    if ask and not faults and access is None:
        access = cleaned(secret("Access token", "--token-file FILE or --token-env NAME"))
    tokens = Tokens(access or "", refresh or "", cleaned(client_id), client_secret or "")
    unusable = [f"{each}: {COPY_AGAIN}." for each in tokens.faults()]
    if unusable and not faults:
        raise BadSecret("\n".join(unusable))
    faults += unusable
    return tokens


def noted(faults: list[str], make: Callable[[], T]) -> T | None:
    """Return `make()`, or append its error to `faults` and return None."""
    try:
        return make()
    except PipelineError as error:
        faults.append(str(error))
        return None


def warn(name: str, endpoint: Endpoint) -> None:
    """Warn that the token would cross a network in clear text."""
    if endpoint.exposes_token:
        command = replace(endpoint, cluster=name).update(f"--url {endpoint.encrypted_url}")
        click.echo(f"Warning: {name}: the token will cross the network in clear text. Use https: {command}.", err=True)


def _secret(file: Path) -> str:
    try:
        secret = read_secret(file)
    except (OSError, UnicodeDecodeError) as error:
        raise BadEntry(f"Cannot read {file}: {getattr(error, 'strerror', 'it is not UTF-8 text')}.") from None
    if not secret:
        raise BadEntry(f"{file} is empty. It must contain the token or secret.")
    return secret
