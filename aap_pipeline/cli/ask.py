"""Prompts, and what happens without a terminal: in cron, in CI, in a pipe."""

import sys
from getpass import getpass

import click


def secret(question: str, otherwise: str) -> str:
    """Prompt for a secret without echo, or read all of standard input if it is not a terminal.

    Raises UsageError that names the options `otherwise` if the input is empty.
    """
    try:
        found = getpass(f"{question}: ") if sys.stdin.isatty() else sys.stdin.read()
    except EOFError:
        found = ""
    if not found.strip():
        raise click.UsageError(f"{question}: standard input is empty. Use {otherwise}.")
    return found


def confirm(question: str, otherwise: str) -> bool:
    """Return whether the user confirms. Raises UsageError that names the option `otherwise` if the input is empty."""
    try:
        return input(f"{question} [y/N]: ").strip().lower() in ("y", "yes")
    except EOFError:
        click.echo(err=True)
        raise click.UsageError(f"No answer: standard input is empty. Use {otherwise}.") from None
