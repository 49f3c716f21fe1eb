"""Lay out column charts over time: bars, ticks and labels, which the page's template draws as SVG."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from aap_pipeline.reports.output import counted

WIDE: Final = 1000
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
    steps: Sequence[date],
    step: str,
    series: dict[str, Sequence[Decimal | int]],
    write: Callable[[Decimal | int], str],
    symbol: str = "",
    width: int = NARROW,
) -> Chart:
    """Lay out one column per step with stacked series. A single series may be negative.

    `write` formats the value in a tooltip; `symbol` precedes the numbers of the axis; `width` is in pixels.
    """
    tops = [sum(values, Decimal(0)) for values in zip(*series.values(), strict=True)]
    low, high = min([Decimal(0), *tops]), max([Decimal(0), *tops])
    ticks = _ticks(float(low), float(high))
    bottom, top = ticks[0], ticks[-1]
    inner = _HEIGHT - _TOP - _BOTTOM

    def y(value: float) -> float:
        return round(_TOP + inner * (top - value) / (top - bottom), 1)

    slot = (width - _LEFT - 8) / max(len(steps), 1)
    thickness = round(min(slot * 0.72, 56), 1)
    bars = []
    for index, day in enumerate(steps):
        x, base = round(_LEFT + slot * index + (slot - thickness) / 2, 1), 0.0
        for name, values in series.items():
            value = float(values[index])
            upper, lower = y(max(base, base + value)), y(min(base, base + value))
            name_of_sign = f"{name} below" if value < 0 else name
            if value:
                tip = f"{day}: {write(values[index])} {name}"
                bars.append(Bar(x, upper, thickness, max(round(lower - upper, 1), 1), name_of_sign, tip))
            base += value
    highest = max(zip(tops, steps, strict=True), default=(Decimal(0), None))
    description = f"{counted(len(steps), 'column')}, one per {step}."
    if highest[1]:
        description += f" The highest, {write(highest[0])}, begins on {highest[1]}. The table below has all values."
    return Chart(
        title=title,
        description=description,
        bars=bars,
        ticks=[(y(tick), _compact(tick, symbol)) for tick in ticks],
        labels=_labels(steps, step, slot),
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
