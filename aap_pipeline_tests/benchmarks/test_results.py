"""What turns measurements into docs/benchmarks.md: medians, targets, tables, fitted exponents."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

import benchmarks
from benchmarks import curves
from benchmarks.document import parts, text, with_figures
from benchmarks.plan import BENCHMARKS, chosen
from benchmarks.results import load_all, merged, save
from benchmarks.targets import TARGETS

_TEMPLATE = Path(benchmarks.__file__).with_name("template.md")


def _result(**figure: Any) -> dict[str, Any]:
    return {
        "command": "python -m benchmarks.none",
        "measured_at": "2026-01-02T03:04:05+00:00",
        "seconds": 1.0,
        "load_before": 0.1,
        "load_after": 0.2,
        "machine": {"cores": 2, "processor": "a processor", "memory_gib": 24},
        "versions": {"commit": "0000000", "python": "3.11"},
        "figures": [figure],
    }


def test_several_runs_become_medians_with_their_spread_and_what_never_changed_stays() -> None:
    """Guards against a lucky run being quoted, and against sizes that turn into medians."""
    runs = [[{"figure": "f", "jobs": 10, "seconds": seconds, "load": seconds}] for seconds in (3.0, 1.0, 2.0)]
    assert merged(runs) == [{"figure": "f", "jobs": 10, "seconds": {"median": 2.0, "min": 1.0, "max": 3.0}}]


def test_runs_that_measured_different_things_are_not_merged() -> None:
    """Guards against a median over unlike figures, when one run broke off early."""
    with pytest.raises(ValueError, match="different figures"):
        merged([[{"figure": "f"}], [{"figure": "g"}]])


def test_the_exponent_of_a_power_law_is_found() -> None:
    """Guards against curves that call quadratic growth linear."""
    assert curves.exponent([1, 10, 100], [2, 200, 20_000]) == pytest.approx(2.0)


def test_the_worst_measurement_decides_whether_a_target_is_met(tmp_path: Path) -> None:
    """Guards against a target that counts as met because one of its shapes meets it."""
    document = _result(figure="raw", latency_ms=20, ratio=1.1)
    document["figures"].append({"figure": "raw", "latency_ms": 20, "ratio": {"median": 1.4, "min": 1, "max": 2}})
    save(tmp_path, "raw", document)
    target = TARGETS[0]
    value = target.measured(load_all(tmp_path))
    assert value == 1.4
    assert not target.met(value)


def test_every_mark_of_the_template_has_a_table_even_where_nothing_was_measured() -> None:
    """Guards against a document with holes, and against a generator that needs all results to write any."""
    marks = set(re.findall(r"^\{\{(\w+)\}\}$", _TEMPLATE.read_text(encoding="utf-8"), re.MULTILINE))
    assert marks == parts({}, pictures=[]).keys()


def test_the_documents_quote_the_kept_results() -> None:
    """Guards against figures that were edited by hand, or that are those of an earlier measurement."""
    results = load_all(_TEMPLATE.with_name("results"))
    root = _TEMPLATE.parents[1]
    document, readme = ((root / name).read_text(encoding="utf-8") for name in ("docs/benchmarks.md", "README.md"))
    assert document == text(results, re.findall(r"\(images/(bench-[\w-]+\.svg)\)", document))
    assert readme == with_figures(readme, results)


def test_every_benchmark_is_a_module_and_has_a_full_size() -> None:
    """Guards against a plan that names what is gone; `--full` must leave nothing out."""
    assert len({each.name for each in BENCHMARKS}) == len(BENCHMARKS)
    assert all(importlib.util.find_spec(f"benchmarks.{each.module}") for each in BENCHMARKS)
    assert [each for each, _, _ in chosen(full=True, only=())] == list(BENCHMARKS)


def test_kept_results_name_no_machine_and_no_path() -> None:
    """Guards against host names and folders of whoever measured in a public repository."""
    for name, document in load_all(_TEMPLATE.with_name("results")).items():
        assert set(document["machine"]) == {"cores", "memory_gib", "processor", "architecture", "system"}, name
        assert not re.search(r'"(?:[^"]*[ =])?/[a-z]+/|://', json.dumps(document)), name
