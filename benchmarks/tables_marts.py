"""Tables of the marts and the dashboards."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.markdown import number_of, rows_of, table
from benchmarks.questions import ALONE, FILTERS, MARTS, RANGES, VIEWS
from benchmarks.results import Figure, middle
from benchmarks.targets import Results, figures

_MARTS = ("marts_10k", "marts_100k", "marts_100k_default", "marts_1m", "marts_1m_default", "marts_1m_hosts", "marts_5m")


def marts_sizes(results: Results) -> str:
    """Cost of keeping the marts, by size."""
    rows = []
    for benchmark in _MARTS:
        found = {each["figure"]: each for each in results.get(benchmark, {}).get("figures", [])}
        if found:
            size = found["marts.size"]
            build = found.get("marts.build", {**size, "seconds": "–"})  # a kept database is built once
            rows.append(
                [
                    _jobs(benchmark, build),
                    number_of(build["seconds"]),
                    number_of(found["marts.refresh_1000_new_jobs"]["seconds"]),
                    number_of(found["marts.refresh_1000_new_jobs"]["database_cpu_seconds"]),
                    number_of(found["marts.rate_change_today"]["seconds"]),
                    number_of(found["marts.rate_change_of_all_history"]["seconds"]),
                    number_of(size["core_bytes"] / 2**20),
                    number_of(size["marts_bytes"] / 2**20),
                    number_of(size["ratio"]),
                ]
            )
    head = [
        "jobs",
        "build s",
        "refresh after 1,000 jobs s",
        "of that server CPU",
        "rate of today s",
        "rate of all history s",
    ]
    return table([*head, "core MB", "marts MB", "ratio"], rows)


def _jobs(benchmark: str, figure: Figure) -> str:
    """What the marts were measured over."""
    hosts = f" on {figure['hosts']:,} hosts" if figure["hosts"] != 2000 else ""
    return f"{figure['jobs']:,}{hosts}{', default options' if benchmark.endswith('_default') else ''}"


def marts_pages(results: Results) -> str:
    """A page of six questions, marts against core."""
    rows = []
    for benchmark in _MARTS:
        for days in RANGES:
            for page in figures(results, benchmark, "marts.page", days=days, filter="none"):
                of_core = figures(results, benchmark, "marts.page_of_core", days=days)
                core_ms = middle(of_core[0]["ms"]) if of_core else None
                page_ms = middle(page["ms"])
                filtered = [middle(each["ms"]) for each in figures(results, benchmark, "marts.page", days=days)]
                rows.append(
                    [
                        _jobs(benchmark, page),
                        str(days),
                        number_of(page["ms"]),
                        number_of(page.get("cpu_ms", "–")),
                        number_of(max(filtered)),
                        number_of(page["first_time_ms"]),
                        number_of(core_ms) if core_ms is not None else "–",
                        f"{number_of(core_ms / page_ms)} ×" if core_ms is not None else "–",
                    ]
                )
    head = [
        "jobs",
        "days",
        "page ms",
        "of that CPU",
        "with the slowest filter ms",
        "first time in a session ms",
        "core ms",
        "core / marts",
    ]
    return table(head, rows)


def marts_questions(results: Results) -> str:
    """Each question alone, at a million jobs, over a year and over 30 days."""
    names = [*MARTS, *ALONE]
    benchmark = next((name for name in ("marts_1m", "marts_100k") if name in results), "")
    rows = []
    for days in (365, 30):
        for name in FILTERS:
            pages = figures(results, benchmark, "marts.page", days=days, filter=name)
            rows += [_of_page(str(days), name, names, page) for page in pages]
        for page in figures(results, benchmark, "marts.page_of_core", days=days):
            rows.append(_of_page(str(days), "none, asked of core", names, page))
    return table(["days", "filter", *names, "page"], rows)


def _of_page(days: str, label: str, questions: Sequence[str], page: Figure) -> list[str]:
    cells = (number_of(page[question]) if question in page else "–" for question in questions)
    return [days, label, *cells, number_of(page["ms"])]


def marts_views(results: Results) -> str:
    """What tools read from views, by size and range."""
    rows = [
        [
            _jobs(benchmark, each),
            str(each["days"]),
            *(number_of(each[view]) for view in ("sum_of_savings", "tiles", *VIEWS)),
        ]
        for benchmark in _MARTS
        for each in figures(results, benchmark, "marts.views")
    ]
    return table(["jobs", "days", "plain sum", "seven tiles", *VIEWS], rows)


def dashboards(results: Results) -> str:
    """All tiles of each shipped dashboard."""
    columns = {
        "dashboard": "dashboard",
        "tiles": "tiles",
        "s": "seconds",
        "server's CPU, s": "cpu_seconds",
        "slowest tile, s": "slowest_seconds",
    }
    return rows_of(figures(results, "dashboards", "dashboards"), columns)
