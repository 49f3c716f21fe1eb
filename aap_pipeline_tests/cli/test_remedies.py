"""Commands that the product's own texts tell a reader to run: each is one that the command line understands."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import aap_pipeline
from aap_pipeline.cli import aap_pipeline as command_line

_PACKAGE = Path(aap_pipeline.__file__).parent
_ROOT = _PACKAGE.parent
_COMMAND = re.compile(r"`aap-pipeline( [^`]*)?`")


def _texts() -> Iterator[tuple[str, str]]:
    """(where, text) of each string in the code, and of each document for users."""
    for path in sorted(_PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{path.relative_to(_ROOT)}:{node.lineno}", node.value
            elif isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "VALUE" for part in node.values]
                yield f"{path.relative_to(_ROOT)}:{node.lineno}", "".join(map(str, parts))
    for path in [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]:
        yield path.name, path.read_text(encoding="utf-8")


COMMANDS = sorted({(found[1] or "").strip() for _, text in _texts() for found in _COMMAND.finditer(text)})


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_that_a_text_names_exists_with_its_options(line: str) -> None:
    """Guards against advice that ends in "No such command" or "No such option"."""
    command: click.Command = command_line
    options: list[str] = []
    for word in shlex.split(line):
        if word.startswith("-"):
            options.append(word.partition("=")[0])
        elif isinstance(command, click.Group) and not options:
            found = command.get_command(click.Context(command), word)
            assert found is not None, f"aap-pipeline has no command {word}"
            command = found
    known = {name for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts]}
    assert set(options) <= {*known, "--help", "-h", "--version"}


def test_there_are_such_texts() -> None:
    """Guards against a search that finds nothing."""
    assert {"clusters check VALUE", "reconcile --cluster NAME"} <= set(COMMANDS)
