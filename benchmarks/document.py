"""Writes docs/benchmarks.md, its pictures and the README's figures from the kept results: none is typed by hand.

python -m benchmarks.document [FOLDER]
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import curves
from benchmarks.results import load_all
from benchmarks.tables import TABLES, in_brief
from benchmarks.targets import TARGETS, Results

_HERE = Path(__file__).parent
_DOCS = _HERE.parent / "docs"
_README = _HERE.parent / "README.md"
_MARK = re.compile(r"^\{\{(\w+)\}\}$", re.MULTILINE)
_IN_README = re.compile(r"(?<=<!-- by python -m benchmarks.document -->\n).*?(?=<!-- end -->)", re.DOTALL)


def write(folder: Path = _HERE / "results") -> Path:
    """Write the document, and the README's figures, from the results in `folder`; the document's path."""
    results = load_all(folder)
    path = _DOCS / "benchmarks.md"
    path.write_text(text(results, curves.draw(results, _DOCS / "images")), encoding="utf-8")
    _README.write_text(with_figures(_README.read_text(encoding="utf-8"), results), encoding="utf-8")
    return path.relative_to(_HERE.parent)


def text(results: Results, pictures: Sequence[str]) -> str:
    """Fill the marks of template.md, given the names of the pictures."""
    filled = parts(results, pictures)
    return _MARK.sub(lambda mark: filled[mark.group(1)], (_HERE / "template.md").read_text(encoding="utf-8"))


def with_figures(readme: str, results: Results) -> str:
    """Return `readme` with an updated table of figures."""
    table = f"{in_brief(results)}\n"
    return _IN_README.sub(lambda _: table, readme)


def parts(results: Results, pictures: Sequence[str]) -> dict[str, str]:
    """Return the text of each mark of the template, given the names of the pictures."""
    return {
        **{name: table(results) for name, table in TABLES.items()},
        "summary": _summary(results),
        "exponents": _exponents(results),
        "pictures": "\n\n".join(f"![{_caption(name)}](images/{name})" for name in pictures),
    }


def _summary(results: Results) -> str:
    measured = [(target, target.measured(results)) for target in TARGETS]
    met = sum(value is not None and target.met(value) for target, value in measured)
    missed = sum(value is not None and not target.met(value) for target, value in measured)
    unknown = len(TARGETS) - met - missed
    return f"Of {len(TARGETS)} targets {met} are met, {missed} are missed, {unknown} were not measured."


def _exponents(results: Results) -> str:
    rows = [f"| {name} | {all_sizes:.2f} | {largest:.2f} |" for name, all_sizes, largest in curves.exponents(results)]
    head = ["| grows with the number of jobs | exponent, all sizes | the two largest |", "| --- | --- | --- |"]
    return "\n".join([*head, *rows])


def _caption(name: str) -> str:
    return name.removeprefix("bench-").removesuffix(".svg").replace("-", " ") + ", both axes logarithmic"


if __name__ == "__main__":
    sys.stdout.write(f"Written: {write(*map(Path, sys.argv[1:]))}\n")
