"""A report as a self-contained HTML page, and as Markdown for the Dagster UI and the terminal."""

import base64
import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from aap_pipeline.reports.chart import WIDE, columns
from aap_pipeline.reports.output import counted, minute_of, money, number, percent, plain
from aap_pipeline.reports.summary import Summary, quarantine_line

RATES: Final = {
    "manual": "per manual minute",
    "automated": "per minute of run time",
    "hourly": "per manual hour",
    "subscription": "per month for the platform",
}
"""The unit of each kind of rate."""

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
_MOST_TEMPLATES: Final = 20
_MOST_BARS: Final = 31
_WIDTH_FOR_CENTS: Final = 98


def page(summary: Summary, title: str = "Automation savings", *, mail: bool = False) -> str:
    """Return the page. With `mail`, it has no charts, which mail programs remove, and its tables are open."""
    shown, time = summary.templates[:_MOST_TEMPLATES], summary.over_time
    steps = [row["bucket_date"] for row in time]
    return _template("report.html.j2").render(
        r=summary,
        title=title,
        mail=mail,
        figures=_FIGURES,
        templates=shown,
        hidden=summary.templates[_MOST_TEMPLATES:],
        losing=[row for row in summary.templates if row["savings"] < 0][::-1],
        quarantine=quarantine_line(summary.in_quarantine),
        basis=list(basis(summary)),
        savings_chart=columns(
            f"Savings per {summary.step}",
            steps,
            summary.step,
            {"saved": [row["savings"] for row in time]},
            lambda value: money(value, summary.symbol, 0),
            summary.symbol,
            WIDE,
        ),
        runs_chart=columns(
            f"Runs per {summary.step}",
            steps,
            summary.step,
            {name: [row[f"{name}_runs"] for row in time] for name in ("successful", "failed")},
            number,
        ),
        hosts_chart=columns(
            "Unique hosts",
            [row["bucket_date"] for row in summary.hosts_by_month],
            summary.step if summary.step in ("quarter", "year") else "month",
            {"hosts": [row["unique_hosts"] for row in summary.hosts_by_month]},
            number,
        ),
    )


def markdown(summary: Summary, most_templates: int = 10, width: int | None = None) -> str:
    """Return a short report: the figures, the `most_templates` templates that saved most, and organizations.

    For the Dagster UI it has a picture of the savings. For a terminal of `width` characters it has bars of text and, if
    there is room, cents.
    """
    days = [(row["bucket_date"], row["savings"]) for row in summary.over_time]
    jobs = summary.job_counts[-_MOST_BARS:]
    return _template("report.md.j2").render(
        r=summary,
        printed=width is not None,
        figures=_FIGURES,
        basis=dict(basis(summary)),
        picture=picture(days, f"Savings per {summary.step}"),
        templates=summary.templates[:most_templates],
        rest=summary.templates[most_templates:],
        losing=[row for row in reversed(summary.templates) if row["savings"] < 0],
        quarantine=quarantine_line(summary.in_quarantine),
        jobs=jobs,
        most_jobs=max((row["job_count"] for row in jobs), default=0) or 1,
        written=lambda value, kind: _written(value, kind, summary.symbol, 2 if (width or 0) >= _WIDTH_FOR_CENTS else 0),
    )


def _escaped(text: str) -> str:
    """Escape a name for a cell of a Markdown table, and replace control characters."""
    shown = "".join(each if each.isprintable() else " " for each in text[:60])
    return re.sub(r"([|\\`*_~&<\[])", r"\\\1", shown)


def picture(days: Sequence[tuple[date, Decimal]], words: str) -> str:
    """Return savings per step as Markdown with an inline SVG of about 1.5 KB, or a sentence without steps."""
    if not days:
        return "No job ran in this period."
    chart = columns(words, [day for day, _ in days], "day", {"saved": [amount for _, amount in days]}, number)
    path = "".join(f"M{bar.x:g} {bar.y:g}h{bar.width:g}v{bar.height:g}h-{bar.width:g}z" for bar in chart.bars)
    places = [(0.0, y + 4, label) for y, label in chart.ticks]
    places += [(x, chart.height - 14, upper) for x, upper, _ in chart.labels]
    texts = "".join(f'<text x="{x:g}" y="{y:g}">{text}</text>' for x, y, text in places)
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {chart.width} {chart.height}" width="560">'
        f'<path fill="#0b8a83" d="{path}"/><path stroke="#888" d="M{chart.left} {chart.zero}H{chart.width}"/>'
        f'<g fill="#888" font-family="sans-serif" font-size="12">{texts}</g></svg>'
    )
    return f"![{words}](data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()})"


def basis(summary: Summary) -> Iterator[tuple[str, str]]:
    """Yield the rates and settings behind the money, as (term, text)."""
    settings = summary.settings
    rates = ", ".join(
        f"{money(summary.rates[kind], summary.symbol)} {words}"
        for kind, words in RATES.items()
        if kind in summary.rates
    )
    yield "Rates", f"{rates or 'No rate is set'} (aap-pipeline costs set)"
    for row in summary.own_rates:
        yield "Own rate", f"{row['name']}: {money(row['value'], summary.symbol)} {RATES[row['rate_type']]}"
    own = f"{settings['own_minutes']} of {len(summary.templates)} shown do"
    yield "Manual minutes", f"{settings['default_manual_minutes']} per host unless a template has its own; {own}"
    creation = "once per template" if settings["creation_once"] else "with every run"
    yield (
        "Creation",
        f"{creation}, {settings['default_creation_minutes']} minutes by default"
        if settings["count_creation"]
        else "is not counted",
    )
    yield "Cost model", "subscription" if settings["subscription"] else "per minute"
    yield "Savings count", "successful runs" if settings["successful_only"] else "successful and failed runs"
    yield "Check mode", "counts" if settings["count_check_mode"] else "is excluded"
    yield "Slices of one launch", "count as one run" if settings["slices_once"] else "count as runs each"
    yield "Fiscal year", f"begins in month {settings['fiscal_year_start_month']}"


def _written(value: Decimal | None, kind: str, symbol: str, digits: int) -> str:
    """Format a figure by its kind in _FIGURES."""
    if kind == "money":
        return money(value, symbol, digits)
    return percent(value) if kind == "ratio" else number(value)


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("aap_pipeline.reports"),
        autoescape=name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"abs": abs, "escaped": _escaped}
    environment.globals |= {
        "counted": counted,
        "money": money,
        "number": number,
        "minute_of": minute_of,
        "plain": plain,
        "percent": percent,
    }
    return environment.get_template(name)
