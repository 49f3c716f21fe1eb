"""Cost against size as small SVG pictures, each line with its fitted exponent: 1 is linear, 0 is flat."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.results import middle
from benchmarks.targets import Results, figures

Line = tuple[str, list[float], list[float]]
_MARTS = ("marts_10k", "marts_100k", "marts_1m", "marts_5m")


def draw(results: Results, folder: Path) -> list[str]:
    """Write all pictures that the results allow; the names of the files."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "bench-stages.svg": (_stages(results), "jobs (10 host summaries each)", "seconds"),
        "bench-marts-pages.svg": (_pages(results), "jobs (10 host summaries each)", "a dashboard page, ms"),
        "bench-marts-upkeep.svg": (_upkeep(results), "jobs (10 host summaries each)", "seconds"),
        "bench-marts-size.svg": (_size(results), "jobs (10 host summaries each)", "megabytes"),
        "bench-workers.svg": (_workers(results), "workers", "jobs a second"),
    }
    drawn = []
    for name, (lines, x, y) in pictures.items():
        if any(len(line[1]) > 1 for line in lines):
            _draw(folder / name, lines, x, y)
            drawn.append(name)
    return drawn


def exponent(x: Sequence[float], y: Sequence[float]) -> float:
    """The slope of the straight line through the logarithms."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def exponents(results: Results) -> list[tuple[str, float, float]]:
    """(what, exponent over all sizes, exponent between the two largest) of everything that grows with the jobs."""
    lines = [*_stages(results), *_pages(results), *_upkeep(results), *_size(results)]
    return [(name, exponent(x, y), exponent(x[-2:], y[-2:])) for name, x, y in lines if len(x) > 1]


def _stages(results: Results) -> list[Line]:
    found = {"raw": figures(results, "raw_scale", "raw_scale"), "core": figures(results, "core", "core.scale")}
    return [
        _line(f"stage {stage}", [(each["jobs"], middle(each["seconds"])) for each in rows])
        for stage, rows in found.items()
    ]


def _pages(results: Results) -> list[Line]:
    lines = []
    for figure, who in (("marts.page", "marts"), ("marts.page_of_core", "specification's SQL on core")):
        for days in (30, 365):
            points = [
                (each["jobs"], middle(each["ms"]))
                for name in _MARTS
                for each in figures(results, name, figure, days=days, filter="none")
            ]
            lines.append(_line(f"{who}, {days} days", points))
    return lines


def _upkeep(results: Results) -> list[Line]:
    names = {
        "marts.build": "building all marts",
        "marts.refresh_1000_new_jobs": "refresh after 1,000 jobs",
        "marts.rate_change_of_all_history": "rate changed for all history",
    }
    return [
        _line(
            label,
            [(each["jobs"], middle(each["seconds"])) for name in _MARTS for each in figures(results, name, figure)],
        )
        for figure, label in names.items()
    ]


def _size(results: Results) -> list[Line]:
    return [
        _line(
            label,
            [(each["jobs"], each[field] / 2**20) for name in _MARTS for each in figures(results, name, "marts.size")],
        )
        for field, label in (("core_bytes", "core on disk"), ("marts_bytes", "marts on disk"))
    ]


def _workers(results: Results) -> list[Line]:
    lines = []
    for latency in (0, 20):
        found = figures(results, "workers", "workers", latency_ms=latency)
        for field, label in (("bare_seconds", "bare fetch"), ("raw_seconds", "stage raw")):
            points = [(each["workers"], each["jobs"] / middle(each[field])) for each in found]
            lines.append(_line(f"{label}, {latency} ms", points))
    return lines


def _line(name: str, points: list[tuple[float, float]]) -> Line:
    return name, [float(x) for x, _ in points], [float(y) for _, y in points]


def _draw(path: Path, lines: Sequence[Line], x_label: str, y_label: str) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "aap-pipeline", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 3.8), layout="constrained")
    for (name, x, y), marker in zip(lines, "osD^v<>", strict=False):
        if x:
            label = f"{name}: exponent {exponent(x, y):.2f}" if len(x) > 1 else name
            axes.plot(x, y, marker=marker, markersize=4, linewidth=1.2, label=label)
    axes.set(xscale="log", yscale="log", xlabel=x_label, ylabel=y_label)
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
