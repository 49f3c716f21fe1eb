"""Prompts, and what happens without a terminal: in cron, in CI, in a pipe."""

import sys

import click


def secret(question: str, otherwise: str) -> str:
    """Prompt for a secret without echo, or read all of standard input if it is not a terminal.

    Raises UsageError that names the options `otherwise` if the input is empty.
    """
    if sys.stdin.isatty():
        try:
            found = str(click.prompt(question, hide_input=True, default="", show_default=False))
        except click.Abort as abort:
            if not isinstance(abort.__context__, EOFError):
                raise
            found = ""
    else:
        found = sys.stdin.read()
    if not found.strip():
        raise click.UsageError(f"{question}: standard input is empty. Use {otherwise}.")
    return found


def confirm(question: str, otherwise: str) -> bool:
    """Return whether the user confirms. Raises UsageError that names the option `otherwise` if the input is empty."""
    try:
        return bool(click.confirm(question))
    except click.Abort as abort:
        if not isinstance(abort.__context__, EOFError):
            raise
        click.echo(err=True)
        raise click.UsageError(f"No answer: standard input is empty. Use {otherwise}.") from None
