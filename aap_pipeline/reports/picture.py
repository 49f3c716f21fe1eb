"""Savings and jobs a day as a small PNG, for people who look at an asset."""

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
"""Between the ends of the axis of days: fewer, and matplotlib would mark hours."""


def savings_picture(days: Sequence[Day], currency: str) -> str:
    """Markdown with the picture inside, about 10 KB: savings and runs as bars. No day, or no matplotlib: a sentence."""
    if not days:
        return "Nothing has run in this time."
    try:
        import_extra("matplotlib", "pictures")
    except PipelineError as missing:
        return f"No picture: {missing}"
    target = BytesIO()
    savings_figure(days, currency).savefig(target, format="png")
    encoded = base64.b64encode(target.getvalue()).decode("ascii")
    return f"![Savings and runs a day](data:image/png;base64,{encoded})"


def savings_figure(days: Sequence[Day], currency: str) -> Figure:
    """One axis of days, at least one, which need not follow each other; savings above, runs below."""
    # Imported here: it takes half a second, and every Dagster process loads this module.
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
