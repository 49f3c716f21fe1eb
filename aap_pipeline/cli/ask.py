"""Questions to a person, and what to do where there is none: in cron, in CI, at the end of a pipe."""

from __future__ import annotations

import sys

import click


def secret(question: str, otherwise: str) -> str:
    """A secret that is typed unseen, or all that standard input holds where that is not a terminal.

    Raises UsageError, which names the options to use `otherwise`, when there is none.
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
    """Whether a person agrees. Raises UsageError, which names the options to use `otherwise`, if none can be asked."""
    try:
        return bool(click.confirm(question))
    except click.Abort as abort:
        if not isinstance(abort.__context__, EOFError):
            raise
        click.echo(err=True)
        raise click.UsageError(f"No answer: standard input is empty. Use {otherwise}.") from None
