"""Savings and jobs a day as a small PNG, for people who look at an asset."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from io import BytesIO

Day = tuple[date, int, Decimal]


def savings_picture(days: Sequence[Day], currency: str) -> str:
    """Markdown with the picture inside, about 15 KB: savings as bars, runs as a line. No day: a sentence."""
    if not days:
        return "Nothing has run in this time."
    # Imported here: it takes half a second, and every Dagster process loads this module.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 2.6), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    savings = figure.add_subplot()
    positions = [float(date2num(day)) for day, _, _ in days]
    savings.bar(positions, [float(amount) for _, _, amount in days], color="#4c78a8", label="savings")
    savings.set_ylabel(f"savings, {currency}")
    runs = savings.twinx()
    runs.plot(positions, [count for _, count, _ in days], color="#f58518", linewidth=1.2, label="runs")
    runs.set_ylabel("runs")
    runs.set_ylim(bottom=0)
    locator = AutoDateLocator(maxticks=8)
    savings.xaxis.set_major_locator(locator)
    savings.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    figure.legend(loc="outside upper right", ncols=2, frameon=False)
    target = BytesIO()
    figure.savefig(target, format="png")
    encoded = base64.b64encode(target.getvalue()).decode("ascii")
    return f"![Savings and runs a day](data:image/png;base64,{encoded})"
