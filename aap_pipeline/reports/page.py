"""A report as a self-contained HTML page, and as Markdown for the Dagster UI and the terminal."""

import base64
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from aap_pipeline.reports.chart import columns
from aap_pipeline.reports.output import change, counted, minute_of, money, number, percent, plain
from aap_pipeline.reports.summary import FigureRow, Summary, quarantine_line

_FIGURES: Final = (
    ("savings", "saved", "money"),
    ("manual_costs", "manual", "money"),
    ("automated_costs", "automated", "money"),
    ("roi", "return on investment (ROI)", "ratio"),
    ("time_savings_hours", "hours saved", "number"),
    ("runs", "runs", "number"),
    ("failed_runs", "failed runs", "number"),
    ("failed_run_costs", "cost of failed runs", "money"),
    ("unique_hosts", "unique hosts", "number"),
    ("hosts", "host runs", "number"),
)
_WIDTH_WITHOUT_MONEY: Final = 43
"""Width of the table of job templates without its three columns of money."""


def page(summary: Summary, title: str = "Automation savings", *, mail: bool = False) -> str:
    """Return the page. With `mail`, it has no charts, which mail programs remove, and its tables are open."""
    return _TEMPLATES.get_template("report.html.j2").render(r=summary, title=title, mail=mail)


def markdown(summary: Summary, most_templates: int = 10, width: int | None = None) -> str:
    """Return a short report: the figures, the `most_templates` templates that saved most, and organizations.

    For the Dagster UI it has a picture of the savings. For a terminal of `width` characters it has bars of text and, if
    there is room, more columns and cents.
    """
    largest = max(abs(summary.totals[key]) for key, _, kind in _FIGURES if kind == "money")

    def fits(digits: int) -> bool:
        return width is None or width >= _WIDTH_WITHOUT_MONEY + 3 * (len(money(largest, summary.symbol, digits)) + 2)

    return _TEMPLATES.get_template("report.md.j2").render(
        r=summary,
        printed=width is not None,
        digits=2 if width and fits(2) else 0,
        narrow=not fits(0),
        picture=picture(summary.over_time, f"Savings per {summary.step}"),
        templates=summary.templates[:most_templates],
        rest=summary.templates[most_templates:],
    )


def picture(rows: Sequence[FigureRow], words: str) -> str:
    """Return the `savings` from each `bucket_date` on as Markdown with an inline SVG of about 1.5 KB.

    Returns a sentence without rows.
    """
    if not rows:
        return "No job ran in this period."
    drawn = _TEMPLATES.get_template("picture.svg.j2").render(c=columns(words, rows, "day", {"saved": "savings"}))
    return f"![{words}](data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()})"


def _escaped(text: str) -> str:
    """Escape a name for a cell of a Markdown table, and replace control characters."""
    shown = "".join(each if each.isprintable() else " " for each in text[:60])
    return re.sub(r"([|\\`*_~&<\[])", r"\\\1", shown)


def written(value: Decimal | None, kind: str, symbol: str, digits: int = 0) -> str:
    """Format a figure by its kind in _FIGURES; `digits` are those of money."""
    if kind == "money":
        return money(value, symbol, digits)
    return percent(value) if kind == "ratio" else number(value)


_TEMPLATES: Final = Environment(
    loader=PackageLoader("aap_pipeline.reports"),
    autoescape=select_autoescape(["html.j2"]),
    undefined=StrictUndefined,
    trim_blocks=True,
)
_TEMPLATES.filters |= {"abs": abs, "escaped": _escaped}
_USED: Final = (change, columns, counted, minute_of, money, number, plain, quarantine_line, written)
_TEMPLATES.globals |= {each.__name__: each for each in _USED} | {"figures": _FIGURES}
