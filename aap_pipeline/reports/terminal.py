"""A report on a terminal: figures, a table, a small chart."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from aap_pipeline.reports.output import cell, money, percent
from aap_pipeline.reports.page import basis
from aap_pipeline.reports.summary import FigureRow, Summary, quarantine_line

_BLOCKS = " ▁▂▃▄▅▆▇█"
_CHART_ROWS = 6
_WIDEST_CHART = 120
_WIDEST_BAR = 8
_AXIS = 8  # columns of the numbers left of the chart
_WIDTH_FOR_CENTS = 98
_HEADERS = ("Runs", "Failed", "Host runs", "Manual", "Automated", "Saved")


def print_summary(console: Console, summary: Summary, most_templates: int = 10) -> None:
    """Print `summary`, with the `most_templates` templates that saved most."""
    console.print(_totals(summary))
    console.print(_context(summary))
    console.print()
    console.print(_templates(summary, most_templates, console.width))
    if losing := [row["name"][:60] for row in reversed(summary.templates) if row["savings"] < 0]:
        more = f" and {len(losing) - 5:,} more (--html has all)" if len(losing) > 5 else ""
        words = f"{len(losing):,} job templates cost more than they save: {', '.join(losing[:5])}{more}"
        console.print(Text(words, "dim"))
    console.print()
    console.print(_chart(summary, min(console.width, _WIDEST_CHART) - _AXIS - 2))
    console.print()
    if line := quarantine_line(summary.in_quarantine):
        console.print(Text(line, "yellow"))


def _totals(summary: Summary) -> RenderableType:
    """Lay out runs, hosts and money in three columns: 79 characters for amounts up to a billion."""
    totals = summary.totals
    runs = [
        (f"{totals['runs']:,}", "runs"),
        (f"{totals['successful_runs']:,}", "successful"),
        (f"{totals['failed_runs']:,}", "failed"),
        (f"{totals['runs_without_template']:,}", "without template"),
    ]
    hosts = [
        (f"{totals['unique_hosts']:,}", "unique hosts"),
        (f"{totals['hosts']:,}", "host runs"),
        (f"{totals['elapsed_hours']:,.1f}", "hours of runs"),
        (f"{totals['time_savings_hours']:,.1f}", "hours saved"),
    ]
    amounts = [
        (_money(totals["manual_costs"], summary), "manual"),
        (_money(totals["automated_costs"], summary), "automated"),
        (_money(totals["savings"], summary), "saved"),
        (percent(totals["roi"]), "ROI"),
    ]
    grid = Table.grid(padding=0)
    for last in (False, False, True):
        grid.add_column(justify="right", style="bold", no_wrap=True)
        grid.add_column(no_wrap=True, min_width=0 if last else 14)
    for row in zip(runs, hosts, amounts, strict=True):
        grid.add_row(*(part for figure, label in row for part in (figure, f" {label}  ")))
    title = f"Savings from {summary.from_date} to {summary.to_date}, in {summary.currency}"
    return Panel(grid, title=title, title_align="left", box=box.ROUNDED, expand=False)


def _context(summary: Summary) -> RenderableType:
    """List filters, the previous period and the rates, so that users notice defaults."""
    lines = [f"only {kind.replace('_', ' ')}: {', '.join(names)}" for kind, names in summary.filters.items()]
    if before := summary.before:
        saved, then = summary.totals["savings"], before["savings"]
        change = f", {(saved - then) / abs(then):+.1%}" if then else ""
        lines.append(
            f"before, {summary.before_from} to {summary.before_to}: {_money(then, summary)} saved{change}; "
            f"{before['runs']:,} runs, {before['unique_hosts']:,} unique hosts"
            + (f"; nothing is on record before {summary.before_begins}" if summary.before_begins else "")
        )
    if summary.as_recorded:
        lines.append("money as recorded: by the rates and minutes of each run's day")
    words = dict(basis(summary))
    lines.append(f"today: {words['Rates']}" if summary.as_recorded else words["Rates"])
    if summary.settings["count_creation"]:
        lines.append(f"automated includes the creation of templates: {words['Creation']} (aap-pipeline settings show)")
    return Text("\n".join(lines), "dim")


def _templates(summary: Summary, most: int, width: int) -> RenderableType:
    """Build the table, at most `width` wide if that leaves 16 characters for the names."""
    digits = 2 if width >= _WIDTH_FOR_CENTS else 0
    rows = [(str(row["name"]), "", _template_cells(row, summary, digits)) for row in summary.templates[:most]]
    rest = summary.templates[most:]
    if rest:
        keys = ("runs", "failed_runs", "num_hosts", "manual_costs", "automated_costs", "savings")
        other = {key: sum((row[key] for row in rest), Decimal(0)) for key in keys}
        rows.append((f"{len(rest):,} more", "dim", _template_cells(other, summary, digits)))
    table = Table(
        title="Savings by job template",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        collapse_padding=True,
    )
    figures = sum(max(map(len, column)) + 2 for column in zip(_HEADERS, *(cells for _, _, cells in rows), strict=True))
    table.add_column("Job template", overflow="ellipsis", max_width=max(16, min(width - figures, 44)), no_wrap=True)
    for header in _HEADERS:
        table.add_column(header, justify="right", no_wrap=True)
    for name, style, cells in rows:
        text = cell(name)
        text.stylize(style)
        table.add_row(text, *cells)
    return table


def _template_cells(row: FigureRow, summary: Summary, digits: int) -> list[str]:
    counts = [f"{row[key]:,.0f}" for key in ("runs", "failed_runs", "num_hosts")]
    return [*counts, *(_money(row[key], summary, digits) for key in ("manual_costs", "automated_costs", "savings"))]


def _chart(summary: Summary, width: int) -> RenderableType:
    """Draw bars of jobs, in `width` columns right of the axis; the last ones if there are more bars than columns."""
    steps: Sequence[tuple[date, int]] = [(row["bucket_date"], row["job_count"]) for row in summary.job_counts]
    steps = steps[-width:]
    highest = max((count for _, count in steps), default=0)
    bar = max(1, min(_WIDEST_BAR, width // max(len(steps), 1)))
    ink = bar - 1 if bar > 1 else 1
    lines = []
    for level in range(_CHART_ROWS, 0, -1):
        label = f"{highest:,}" if level == _CHART_ROWS else ""
        marks = "".join((_block(count, highest, level) * ink).ljust(bar) for _, count in steps)
        lines.append(Text(f"{label:>{_AXIS}} ┤" if label else f"{'':{_AXIS}} │").append(marks.rstrip(), style="cyan"))
    lines.append(Text(f"{'0':>{_AXIS}} ┼{'─' * (len(steps) * bar)}"))
    lines.append(Text(f"{'':{_AXIS}}  {_labels([step for step, _ in steps], summary.granularity, bar)}", style="dim"))
    return Group(Text(f"Jobs by {summary.granularity}", style="italic"), *lines)


def _labels(steps: Sequence[date], granularity: str, bar: int) -> str:
    """Label the bars with each month or year that fits, else with the first and the last date."""
    short = {"month": "%b", "year": "%Y"}.get(granularity)
    if short and bar > 4:
        return "".join(f"{step:{short}}".ljust(bar) for step in steps).rstrip()
    if not steps:
        return ""
    first, last = str(steps[0]), str(steps[-1])
    return first if len(steps) == 1 else first + last.rjust(max(len(steps) * bar - len(first), len(last) + 1))


def _block(count: int, highest: int, level: int) -> str:
    """Return the part of a bar of `count` in row `level` (1: lowest) of the chart. Any count above 0 is visible."""
    eighths = max(round(8 * _CHART_ROWS * count / highest), 1) if highest and count else 0
    return _BLOCKS[max(0, min(8, eighths - 8 * (level - 1)))]


def _money(value: Decimal | None, summary: Summary, digits: int = 2) -> str:
    return money(value, summary.symbol, digits)
