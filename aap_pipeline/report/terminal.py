"""A report on a terminal: figures, a table, a small chart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from aap_pipeline.report.summary import Row, Summary

_BLOCKS = " ▁▂▃▄▅▆▇█"
_CHART_ROWS = 6


def print_summary(console: Console, summary: Summary, most_templates: int = 10, chart: Summary | None = None) -> None:
    """Print `summary`, with the `most_templates` templates that saved most; the chart of `chart` if that is given."""
    console.print(_totals(summary))
    console.print(_templates(summary, most_templates))
    console.print(_chart(chart or summary, max(min(console.width, 120) - 14, 20)))


def _totals(summary: Summary) -> RenderableType:
    totals = summary.totals
    grid = Table.grid(padding=(0, 3))
    for _ in range(4):
        grid.add_column(justify="right")
        grid.add_column()
    figures = [
        (f"{totals['runs']:,}", "runs"),
        (f"{totals['unique_hosts']:,}", "unique hosts"),
        (_money(totals["manual_costs"], summary), "by hand"),
        (_money(totals["savings"], summary), "saved"),
        (f"{totals['successful_runs']:,}", "successful"),
        (f"{totals['hosts']:,}", "host runs"),
        (_money(totals["automated_costs"], summary), "automated"),
        (_percent(totals["roi"]), "return on investment"),
        (f"{totals['failed_runs']:,}", "failed"),
        (f"{totals['elapsed_hours']:,.1f}", "hours of automation"),
        (f"{totals['time_savings_hours']:,.0f}", "hours saved"),
        (f"{totals['runs_without_template']:,}", "runs without template"),
    ]
    for start in range(0, len(figures), 4):
        cells = [
            Text(part, style="bold" if index == 0 else "")
            for pair in figures[start : start + 4]
            for index, part in enumerate(pair)
        ]
        grid.add_row(*cells)
    title = f"Savings from {summary.from_date} to {summary.to_date}, in {summary.currency}"
    return Panel(grid, title=title, title_align="left", box=box.ROUNDED, expand=False)


def _templates(summary: Summary, most: int) -> RenderableType:
    table = Table(title="Savings by job template", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Job template", overflow="ellipsis", max_width=44, no_wrap=True)
    for header in ("Runs", "Failed", "Hosts", "By hand", "Automated", "Saved"):
        table.add_column(header, justify="right", no_wrap=True)
    for row in summary.templates[:most]:
        table.add_row(Text(str(row["name"])), *_template_cells(row, summary))
    rest = summary.templates[most:]
    if rest:
        keys = ("runs", "failed_runs", "num_hosts", "manual_costs", "automated_costs", "savings")
        other = {key: sum((row[key] for row in rest), Decimal(0)) for key in keys}
        table.add_row(Text(f"{len(rest)} more", style="dim"), *_template_cells(other, summary))
    return table


def _template_cells(row: Row, summary: Summary) -> list[str]:
    counts = [f"{row[key]:,.0f}" for key in ("runs", "failed_runs", "num_hosts")]
    return [*counts, *(_money(row[key], summary) for key in ("manual_costs", "automated_costs", "savings"))]


def _chart(summary: Summary, width: int) -> RenderableType:
    days: Sequence[tuple[date, int]] = [(row["bucket_date"], row["job_count"]) for row in summary.job_counts]
    days = days[-width:]
    highest = max((count for _, count in days), default=0)
    lines = []
    bar = max(1, min(6, width // max(len(days), 1)))
    for level in range(_CHART_ROWS, 0, -1):
        label = f"{highest:,}" if level == _CHART_ROWS else "0" if level == 1 else ""
        marks = "".join((_block(count, highest, level) * (bar - (bar > 1))).ljust(bar) for _, count in days)
        lines.append(Text(f"{label:>9} ").append(marks, style="cyan"))
    first, last = (str(days[0][0]), str(days[-1][0])) if days else ("", "")
    lines.append(Text(" " * 10 + first + last.rjust(max(len(days) * bar - len(first), len(last) + 1)), style="dim"))
    return Group(Text(f"Jobs by {summary.granularity}", style="italic"), *lines, Text())


def _block(count: int, highest: int, level: int) -> str:
    """The part of a bar of `count` that lies in row `level` of the chart, 1 the lowest."""
    eighths = round(8 * _CHART_ROWS * count / highest) if highest else 0
    return _BLOCKS[max(0, min(8, eighths - 8 * (level - 1)))]


def _money(value: Decimal | None, summary: Summary) -> str:
    from aap_pipeline.cli.output import money

    return money(value, summary.symbol)


def _percent(ratio: Decimal | None) -> str:
    return "–" if ratio is None else f"{ratio:,.0%}"
