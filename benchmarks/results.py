"""Results on disk: one JSON file per benchmark, with medians and ranges of several runs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Figure = dict[str, Any]
_NOISE = ("load", "cpus")  # of single figures; the file has the machine and its load


def merged(runs: Sequence[Sequence[Figure]]) -> list[Figure]:
    """The figures of several runs, which emit the same ones in the same order, as one list.

    A number that differs from run to run becomes {"median": …, "min": …, "max": …}.
    """
    names = [[figure["figure"] for figure in run] for run in runs]
    if any(other != names[0] for other in names):
        raise ValueError("The runs of a benchmark emitted different figures, so that no median can be taken.")
    return [_merge(figures) for figures in zip(*runs, strict=True)]


def _merge(figures: Sequence[Figure]) -> Figure:
    first = figures[0]
    return {name: _value([figure[name] for figure in figures]) for name in first if name not in _NOISE}


def _value(values: Sequence[Any]) -> Any:
    if all(value == values[0] for value in values) or not all(isinstance(value, int | float) for value in values):
        return values[0]
    return {"median": round(statistics.median(values), 4), "min": min(values), "max": max(values)}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and most of repeated measurements, for `emit`."""
    return {
        "median": round(statistics.median(values), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
    }


def save(folder: Path, name: str, document: dict[str, Any]) -> Path:
    """Write `document`, which `load_all` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def load_all(folder: Path) -> dict[str, dict[str, Any]]:
    """All results in `folder`, by name of the benchmark."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def middle(value: Any) -> float:
    """The median of a value that may be a spread."""
    return float(value["median"] if isinstance(value, dict) else value)
