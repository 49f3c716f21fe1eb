"""Lay out column charts over time: bars, ticks and labels, which the page's template draws as SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from aap_pipeline.reports.output import counted, money, number

NARROW: Final = 480
_HEIGHT: Final = 240
_LEFT, _TOP, _BOTTOM = 64, 10, 34
_MOST_LABELS: Final = 13
_LABELS: Final = {
    "day": ("%-d", "%b %Y"),
    "week": ("%-d %b", "%Y"),
    "month": ("%b", "%Y"),
    "quarter": ("%b", "%Y"),
    "year": ("%Y", ""),
}


class Bar(NamedTuple):
    """A rectangle, its series (a CSS class) and its tooltip."""

    x: float
    y: float
    width: float
    height: float
    series: str
    tip: str


@dataclass(frozen=True)
class Chart:
    """A chart of `width` x `height`: bars, horizontal lines with labels, and two rows of labels below."""

    title: str
    description: str
    bars: Sequence[Bar]
    ticks: Sequence[tuple[float, str]]
    labels: Sequence[tuple[float, str, str]]
    zero: float
    width: int
    height: int = _HEIGHT
    left: int = _LEFT


def columns(
    title: str,
    rows: Sequence[Mapping[str, Any]],
    step: str,
    series: Mapping[str, str],
    symbol: str | None = None,
    width: int = NARROW,
) -> Chart:
    """Lay out one column per row, each a `step` from its `bucket_date` on, with stacked `series` {name: key}.

    A single series may be negative. With a `symbol` the values are money. `width` is in pixels.
    """

    def written(value: Decimal | int) -> str:
        return number(value) if symbol is None else money(value, symbol, 0)

    days = [row["bucket_date"] for row in rows]
    totals = [sum((row[key] for key in series.values()), Decimal(0)) for row in rows]
    ticks = _ticks(float(min([0, *totals])), float(max([0, *totals])))
    bottom, top = ticks[0], ticks[-1]
    inner = _HEIGHT - _TOP - _BOTTOM

    def y(value: float) -> float:
        return round(_TOP + inner * (top - value) / (top - bottom), 1)

    slot = (width - _LEFT - 8) / max(len(rows), 1)
    thickness = round(min(slot * 0.72, 56), 1)
    bars = []
    for index, row in enumerate(rows):
        x, base = round(_LEFT + slot * index + (slot - thickness) / 2, 1), 0.0
        for name, key in series.items():
            value = float(row[key])
            upper, lower = y(max(base, base + value)), y(min(base, base + value))
            if value:
                tip = f"{days[index]}: {written(row[key])} {name}"
                kind = f"{name} below" if value < 0 else name
                bars.append(Bar(x, upper, thickness, max(round(lower - upper, 1), 1), kind, tip))
            base += value
    description = f"{counted(len(rows), 'column')}, one per {step}."
    if rows:
        highest, day = max(zip(totals, days, strict=True))
        description += f" The highest, {written(highest)}, begins on {day}. The table below has all values."
    return Chart(
        title=title,
        description=description,
        bars=bars,
        ticks=[(y(tick), _compact(tick, symbol or "")) for tick in ticks],
        labels=_labels(days, step, slot),
        zero=y(0),
        width=width,
    )


def _ticks(low: float, high: float) -> list[float]:
    """Return four to six round numbers from at most `low` to at least `high`."""
    span = (high - low) or 1.0
    power = 10 ** math.floor(math.log10(span / 4))
    step = next(power * each for each in (1, 2, 5, 10) if span / (power * each) <= 5)
    first, last = math.floor(low / step), math.ceil((high or 1.0) / step)
    return [number * step for number in range(first, last + 1)]


def _labels(steps: Sequence[date], step: str, slot: float) -> list[tuple[float, str, str]]:
    upper, lower = _LABELS[step]
    found, before = [], ""
    for index in range(0, len(steps), math.ceil(len(steps) / _MOST_LABELS) or 1):
        below = steps[index].strftime(lower)
        x = round(_LEFT + slot * (index + 0.5), 1)
        found.append((x, steps[index].strftime(upper), below if below != before else ""))
        before = below
    return found


def _compact(value: float, symbol: str) -> str:
    """Format an axis label: $1.5M, -$200k, 40."""
    size, unit = next(
        ((size, unit) for size, unit in ((1e9, "bn"), (1e6, "M"), (1e3, "k")) if abs(value) >= size), (1, "")
    )
    return f"{'-' if value < 0 else ''}{symbol}{abs(value) / size:g}{unit}"
