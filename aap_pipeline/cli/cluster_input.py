"""Read a cluster's secrets from the command line, and collect all its faults before reporting them."""

import os
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from aap_pipeline.cli.ask import secret
from aap_pipeline.cli.values import file, text
from aap_pipeline.clusters.registry import BadEntry, BadSecret
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.manners import Manners
from aap_pipeline.controller.secret_text import COPY_AGAIN, cleaned, read_secret
from aap_pipeline.errors import PipelineError

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


_SECRETS = (
    click.option("--token-file", type=file, help="File that holds the access token."),
    click.option("--token-env", type=text, metavar="NAME", help="Environment variable that holds the access token."),
    click.option("--refresh-token-file", type=file, help="File that holds the refresh token."),
    click.option("--client-id", default="", help="OAuth client id; required with a refresh token."),
    click.option("--client-secret-file", type=file, help="File that holds the OAuth client's secret."),
)


def secret_options(command: F) -> F:
    """Add the options that `read_tokens` reads."""
    for option in reversed(_SECRETS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Limits:
    """The limits given on the command line; None: not given."""

    max_concurrent_requests: int | None
    max_requests_per_second: float | None
    sync_window: str | None

    @property
    def given(self) -> bool:
        """Whether any limit was given."""
        return any(value is not None for value in vars(self).values())

    def over(self, manners: Manners) -> Manners:
        """Return `manners` with the given limits; "always" removes the sync window."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        if self.sync_window == "always":
            given["sync_window"] = None
        return replace(manners, **given)


_LIMITS = (
    click.option("--max-concurrent-requests", type=int, metavar="N", help="Most requests in flight (default 4)."),
    click.option("--max-requests-per-second", type=float, metavar="N", help="Most requests per second (default 16)."),
    click.option(
        "--sync-window",
        metavar="HOURS",
        help='Hours of first syncs and backfills: "20:00-06:00 Europe/Berlin" (UTC without a zone), or always.',
    ),
)


def manners_options(command: F) -> F:
    """Add the options of the cluster's limits, and pass them to the command as `limits`."""

    @wraps(command)
    def wrapped(**options: Any) -> Any:
        names = [each.name for each in fields(Limits)]
        return command(limits=Limits(**{name: options.pop(name) for name in names}), **options)

    for option in reversed(_LIMITS):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[return-value]


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
