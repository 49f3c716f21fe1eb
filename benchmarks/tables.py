"""The stored results as Markdown: one function per table of docs/benchmarks.md, named in its template."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from benchmarks import red_hat
from benchmarks.markdown import number_of, rows_of, table
from benchmarks.results import Figure, middle
from benchmarks.tables_marts import dashboards, marts_pages, marts_questions, marts_sizes, marts_views
from benchmarks.tables_raw import guest, guest_days, raw, raw_documents, raw_scale, raw_store, workers
from benchmarks.tables_soak import freshness, soak_alerts, soak_freshness, soak_jobs, soak_memory, soak_ways
from benchmarks.targets import TARGETS, Results, figures


def machine(results: Results) -> str:
    """Return when, on which machine and under which load each benchmark ran."""
    rows = []
    for name, each in results.items():
        computer = each["machine"]
        rows.append(
            [
                name,
                f"`{each['command']}`",
                f"{each['measured_at'][:16].replace('T', ' ')}, {number_of(each['seconds'])} s",
                f"{each['load_before']} → {each['load_after']}",
                f"{computer['cores']} × {computer['processor']}, {computer['memory_gib']} GiB",
                each["versions"]["commit"],
            ]
        )
    return table(["benchmark", "command", "when (UTC), how long", "load before → after", "machine", "commit"], rows)


def versions(results: Results) -> str:
    """Versions, of the newest result."""
    newest = max(results.values(), key=lambda each: str(each["measured_at"]), default=None)
    if newest is None:
        return "nothing measured"
    return ", ".join(f"{name} {version}" for name, version in newest["versions"].items() if name != "commit")


def targets(results: Results) -> str:
    """Every target: met, missed and why, or not measured."""
    rows = []
    for target in TARGETS:
        value = target.measured(results)
        word = "at least" if target.at_least else "at most"
        limit = f"{word} {number_of(target.limit)} {target.unit}".strip()
        if value is None:
            rows.append([str(target.issue), target.text, limit, "–", "not measured here"])
            continue
        outcome = "met" if target.met(value) else "**missed**" + (f": {target.why}" if target.why else "")
        rows.append([str(target.issue), target.text, limit, f"{number_of(value)} {target.unit}".strip(), outcome])
    return table(["issue", "target", "limit", "measured (worst)", ""], rows)


def in_brief(results: Results) -> str:
    """Return the README's table, from what was measured."""
    rows = []
    for each in figures(results, "raw", "raw", latency_ms=20)[:1]:
        label = f"Reading {number_of(each['jobs'])} jobs of ten hosts from a controller with 20 ms latency"
        bare = f"a bare fetch of the same URLs: {number_of(middle(each['bare_jobs_per_second']))}"
        ours = f"{number_of(middle(each['jobs_per_second']))} jobs/s"
        rows.append([label, ours, f"{bare}; Red Hat's dashboard: {red_hat.SYNC_JOBS_PER_SECOND}"])
    parsed = [middle(each["jobs_per_second"]) for each in figures(results, "core", "core.parse") if _is_empty(each)]
    if parsed:
        theirs = f"Red Hat's: {red_hat.PARSE_JOBS_PER_SECOND}"
        rows.append(["Parsing the same jobs into tables", f"{number_of(statistics.median(parsed))} jobs/s", theirs])
    stages = {each["stage"]: each for each in figures(results, "end_to_end", "end_to_end")}
    if "raw to marts" in stages and "dlt: two tables" in stages:
        ours, theirs = (
            f"{number_of(middle(stages[name]['cpu_ms_a_job']))} ms" for name in ("raw to marts", "dlt: two tables")
        )
        rows.append(["CPU per job, from the API to the savings", ours, f"dlt, to two tables of documents: {theirs}"])
    for page in figures(results, "marts_1m", "marts.page", days=365, filter="none"):
        asked = [middle(each["ms"]) for each in figures(results, "marts_1m", "marts.page_of_core", days=365)]
        theirs = "".join(f"the same from the job tables: {number_of(ms)} ms; " for ms in asked)
        label = f"A dashboard page over a year of {number_of(page['jobs'])} jobs"
        rows.append([label, f"{number_of(middle(page['ms']))} ms", f"{theirs}Red Hat's: {red_hat.YEAR_PAGE_MS:,} ms"])
    for each in figures(results, "freshness", "freshness"):
        label = f"From the end of a job to its savings, {each['clusters'] + each['dead']} controllers"
        rows.append(
            [label, f"{number_of(each['median_seconds'])} s", f"95 % within {number_of(each['p95_seconds'])} s"]
        )
    return table(["Figure", "Measured", "For comparison"], rows)


def _is_empty(figure: Figure) -> bool:
    return str(figure["database"]).startswith("empty")


def core(results: Results) -> str:
    """Stage core."""
    columns = {
        "tables": "database",
        "jobs": "jobs",
        "jobs/s": "jobs_per_second",
        "host summaries/s": "host_summaries_per_second",
        "client ms/job": "client_cpu_ms_a_job",
        "database ms/job": "database_cpu_ms_a_job",
        "times Red Hat's": "times_red_hat",
    }
    parsed = rows_of(figures(results, "core", "core.parse"), columns)
    limit = {"COPY alone, host summaries/s": "host_summaries_per_second", "core's share of it": "parse_ratio"}
    scale = {"jobs": "jobs", "s": "seconds", "peak MB, alone": "peak_megabytes"}
    both = {
        "two clusters at once, jobs": "jobs",
        "jobs/s": "jobs_per_second",
        "host summaries/s": "host_summaries_per_second",
        "times Red Hat's": "times_red_hat",
    }
    return "\n\n".join(
        [
            parsed,
            rows_of(figures(results, "core", "core.two_clusters"), both),
            rows_of(figures(results, "core", "core.copy_alone"), limit),
            rows_of(figures(results, "core", "core.scale"), scale),
        ]
    )


def end_to_end(results: Results) -> str:
    """From the API to the marts, and dlt."""
    columns = {
        "stage": "stage",
        "s": "seconds",
        "client ms/job": "client_cpu_ms_a_job",
        "database ms/job": "database_cpu_ms_a_job",
        "both ms/job": "cpu_ms_a_job",
        "jobs/s": "jobs_per_second",
        "peak MB": "peak_megabytes",
        "grown MB": "grown_megabytes",
    }
    return rows_of(figures(results, "end_to_end", "end_to_end"), columns)


def hot_paths(results: Results) -> str:
    """Where the time goes."""
    columns = {"stage": "stage", "where": "where", "what": "what", "share": "share"}
    return rows_of(figures(results, "hot_paths", "hot_path"), columns)


def commands(results: Results) -> str:
    """Return the table of whole commands compared with an import, medians."""
    columns = {
        "PostgreSQL": "server",
        "import s": "import_seconds",
        "`sync` s": "sync_seconds",
        "`sync` / import": "sync_against_import",
        "`status` CPU s": "status_cpu_seconds",
    }
    return rows_of(figures(results, "commands", "commands"), columns)


TABLES: dict[str, Callable[[Results], str]] = {
    function.__name__: function
    for function in (
        machine, versions, targets, raw, raw_scale, workers, guest, guest_days, raw_store, raw_documents, core,
        end_to_end, marts_sizes, marts_pages, marts_questions, marts_views, dashboards, freshness,
        soak_freshness, soak_ways, soak_jobs, soak_alerts, soak_memory, hot_paths, commands,
    )
}  # fmt: skip
