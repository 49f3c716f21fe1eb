"""Draw savings and jobs per day as a small PNG for the Dagster UI."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Final

from aap_pipeline.errors import PipelineError, import_extra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Day = tuple[date, int, Decimal]

_AT_LEAST: Final = timedelta(days=13)
"""Minimum days on the axis, below which matplotlib would mark hours."""


def savings_picture(days: Sequence[Day], currency: str) -> str:
    """Return Markdown with an inline picture (about 10 KB), or a sentence without days or without matplotlib."""
    if not days:
        return "No job ran in this period."
    try:
        import_extra("matplotlib", "pictures")
    except PipelineError as missing:
        return f"No picture: {missing}"
    target = BytesIO()
    savings_figure(days, currency).savefig(target, format="png")
    encoded = base64.b64encode(target.getvalue()).decode("ascii")
    return f"![Savings and runs per day](data:image/png;base64,{encoded})"


def savings_figure(days: Sequence[Day], currency: str) -> Figure:
    """Draw savings above runs over an axis of days (at least one, with or without gaps)."""
    # Imported here because it takes 0.5 s and every Dagster process loads this module.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    figure = Figure(figsize=(7.5, 3.2), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    savings, runs = figure.subplots(2, sharex=True, height_ratios=(2, 1))
    positions = [float(date2num(day)) for day, _, _ in days]
    savings.bar(positions, [float(amount) for _, _, amount in days], color="#4c78a8")
    savings.axhline(0, color="black", linewidth=0.8)
    savings.set_ylabel(f"savings, {currency}")
    savings.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    runs.bar(positions, [count for _, count, _ in days], color="#f58518")
    runs.set_ylabel("runs")
    runs.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    first, last = days[0][0], days[-1][0]
    runs.set_xlim(float(date2num(min(first, last - _AT_LEAST))) - 0.6, float(date2num(last)) + 0.6)
    locator = AutoDateLocator(maxticks=8)
    runs.xaxis.set_major_locator(locator)
    runs.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    return figure
