"""The stored results as Markdown: one function per table of docs/benchmarks.md, named in its template."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from benchmarks import red_hat
from benchmarks.questions import ALONE, FILTERS, MARTS, RANGES, VIEWS
from benchmarks.results import Figure, middle
from benchmarks.targets import TARGETS, Results, figures

_MARTS = ("marts_10k", "marts_100k", "marts_100k_default", "marts_1m", "marts_1m_default", "marts_1m_hosts", "marts_5m")


def machine(results: Results) -> str:
    """Return when, on which machine and under which load each benchmark ran."""
    rows = []
    for name, each in results.items():
        computer = each["machine"]
        rows.append(
            [
                name,
                f"`{each['command']}`",
                f"{each['measured_at'][:16].replace('T', ' ')}, {_number(each['seconds'])} s",
                f"{each['load_before']} → {each['load_after']}",
                f"{computer['cores']} × {computer['processor']}, {computer['memory_gib']} GiB",
                each["versions"]["commit"],
            ]
        )
    return _table(["benchmark", "command", "when (UTC), how long", "load before → after", "machine", "commit"], rows)


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
        limit = f"{word} {_number(target.limit)} {target.unit}".strip()
        if value is None:
            rows.append([str(target.issue), target.text, limit, "–", "not measured here"])
            continue
        outcome = "met" if target.met(value) else "**missed**" + (f": {target.why}" if target.why else "")
        rows.append([str(target.issue), target.text, limit, f"{_number(value)} {target.unit}".strip(), outcome])
    return _table(["issue", "target", "limit", "measured (worst)", ""], rows)


def in_brief(results: Results) -> str:
    """Return the README's table, from what was measured."""
    rows = []
    for each in figures(results, "raw", "raw", latency_ms=20)[:1]:
        label = f"Reading {_number(each['jobs'])} jobs of ten hosts from a controller with 20 ms latency"
        bare = f"a bare fetch of the same URLs: {_number(middle(each['bare_jobs_per_second']))}"
        ours = f"{_number(middle(each['jobs_per_second']))} jobs/s"
        rows.append([label, ours, f"{bare}; Red Hat's dashboard: {red_hat.SYNC_JOBS_PER_SECOND}"])
    parsed = [middle(each["jobs_per_second"]) for each in figures(results, "core", "core.parse") if _is_empty(each)]
    if parsed:
        theirs = f"Red Hat's: {red_hat.PARSE_JOBS_PER_SECOND}"
        rows.append(["Parsing the same jobs into tables", f"{_number(statistics.median(parsed))} jobs/s", theirs])
    stages = {each["stage"]: each for each in figures(results, "end_to_end", "end_to_end")}
    if "raw to marts" in stages and "dlt: two tables" in stages:
        ours, theirs = (
            f"{_number(middle(stages[name]['cpu_ms_a_job']))} ms" for name in ("raw to marts", "dlt: two tables")
        )
        rows.append(["CPU per job, from the API to the savings", ours, f"dlt, to two tables of documents: {theirs}"])
    for page in figures(results, "marts_1m", "marts.page", days=365, filter="none"):
        asked = [middle(each["ms"]) for each in figures(results, "marts_1m", "marts.page_of_core", days=365)]
        theirs = "".join(f"the same from the job tables: {_number(ms)} ms; " for ms in asked)
        label = f"A dashboard page over a year of {_number(page['jobs'])} jobs"
        rows.append([label, f"{_number(middle(page['ms']))} ms", f"{theirs}Red Hat's: {red_hat.YEAR_PAGE_MS:,} ms"])
    for each in figures(results, "freshness", "freshness"):
        label = f"From the end of a job to its savings, {each['clusters'] + each['dead']} controllers"
        rows.append([label, f"{_number(each['median_seconds'])} s", f"95 % within {_number(each['p95_seconds'])} s"])
    return _table(["Figure", "Measured", "For comparison"], rows)


def _is_empty(figure: Figure) -> bool:
    return str(figure["database"]).startswith("empty")


def raw(results: Results) -> str:
    """Stage raw against the bare fetch."""
    columns = {
        "jobs": "jobs",
        "host summaries": "host_summaries",
        "latency ms": "latency_ms",
        "requests": "requests",
        "bare s": "bare_seconds",
        "raw s": "raw_seconds",
        "ratio": "ratio",
        "floor of the ratio": "floor_ratio",
        "jobs/s": "jobs_per_second",
        "bare jobs/s": "bare_jobs_per_second",
        "client ms/job": "client_ms_a_job",
        "database ms/job": "database_ms_a_job",
        "controller ms/job": "controller_ms_a_job",
    }
    return _of(figures(results, "raw", "raw"), columns)


def raw_scale(results: Results) -> str:
    """Peak memory and time of stage raw by number of jobs."""
    columns = {"jobs": "jobs", "s": "seconds", "peak MB": "peak_mb"}
    return _of(figures(results, "raw_scale", "raw_scale"), columns)


def workers(results: Results) -> str:
    """The same by number of workers."""
    columns = {
        "jobs": "jobs",
        "latency ms": "latency_ms",
        "workers": "workers",
        "bare s": "bare_seconds",
        "raw s": "raw_seconds",
        "ratio": "ratio",
    }
    return _of(figures(results, "workers", "workers"), columns)


def guest(results: Results) -> str:
    """What the pipeline's work costs a controller."""
    columns = {
        "work": "work",
        "jobs": "jobs",
        "requests": "requests",
        "controller s": "controller_seconds",
        "controller's database ms": "database_ms",
        "s": "seconds",
    }
    return _of(figures(results, "guest", "cost"), columns)


def guest_days(results: Results) -> str:
    """Requests of a day in steady state, and days of the largest installation's first sync."""
    columns = {
        "jobs per hour": "jobs_per_hour",
        "ticks": "ticks",
        "syncs": "syncs",
        "requests": "requests",
        "against 34,560": "of_the_first_edition",
    }
    largest = {"jobs": "jobs", "days by job": "days_by_job", "days by host": "days_by_host", "ratio": "share"}
    days = _of(figures(results, "guest", "steady"), columns)
    return f"{days}\n\n{_of(figures(results, 'guest', 'largest'), largest)}"


def raw_store(results: Results) -> str:
    """Raw documents/s."""
    columns = {
        "": "step",
        "documents/s": "documents_per_second",
        "of the limit": "ratio_of_rates",
        "client ms/job": "client_cpu_ms_a_job",
        "database ms/job": "database_cpu_ms_a_job",
    }
    return _of(figures(results, "raw_store", "raw_store"), columns)


def raw_documents(results: Results) -> str:
    """Operator class and compression."""
    columns = {
        "compression": "compression",
        "index": "index",
        "documents/s": "documents_per_second",
        "table MB": "table_megabytes",
        "index MB": "index_megabytes",
    }
    return _of([each for each in figures(results, "raw_documents", "raw.insert") if "index" in each], columns)


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
    parsed = _of(figures(results, "core", "core.parse"), columns)
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
            _of(figures(results, "core", "core.two_clusters"), both),
            _of(figures(results, "core", "core.copy_alone"), limit),
            _of(figures(results, "core", "core.scale"), scale),
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
    return _of(figures(results, "end_to_end", "end_to_end"), columns)


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
                    _number(build["seconds"]),
                    _number(found["marts.refresh_1000_new_jobs"]["seconds"]),
                    _number(found["marts.refresh_1000_new_jobs"]["database_cpu_seconds"]),
                    _number(found["marts.rate_change_today"]["seconds"]),
                    _number(found["marts.rate_change_of_all_history"]["seconds"]),
                    _number(size["core_bytes"] / 2**20),
                    _number(size["marts_bytes"] / 2**20),
                    _number(size["ratio"]),
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
    return _table([*head, "core MB", "marts MB", "ratio"], rows)


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
                        _number(page["ms"]),
                        _number(page.get("cpu_ms", "–")),
                        _number(max(filtered)),
                        _number(page["first_time_ms"]),
                        _number(core_ms) if core_ms is not None else "–",
                        f"{_number(core_ms / page_ms)} ×" if core_ms is not None else "–",
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
    return _table(head, rows)


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
    return _table(["days", "filter", *names, "page"], rows)


def _of_page(days: str, label: str, questions: Sequence[str], page: Figure) -> list[str]:
    cells = (_number(page[question]) if question in page else "–" for question in questions)
    return [days, label, *cells, _number(page["ms"])]


def marts_views(results: Results) -> str:
    """What tools read from views, by size and range."""
    rows = [
        [
            _jobs(benchmark, each),
            str(each["days"]),
            *(_number(each[view]) for view in ("sum_of_savings", "tiles", *VIEWS)),
        ]
        for benchmark in _MARTS
        for each in figures(results, benchmark, "marts.views")
    ]
    return _table(["jobs", "days", "plain sum", "seven tiles", *VIEWS], rows)


def dashboards(results: Results) -> str:
    """All tiles of each shipped dashboard."""
    columns = {
        "dashboard": "dashboard",
        "tiles": "tiles",
        "s": "seconds",
        "server's CPU, s": "cpu_seconds",
        "slowest tile, s": "slowest_seconds",
    }
    return _of(figures(results, "dashboards", "dashboards"), columns)


def hot_paths(results: Results) -> str:
    """Where the time goes."""
    columns = {"stage": "stage", "where": "where", "what": "what", "share": "share"}
    return _of(figures(results, "hot_paths", "hot_path"), columns)


def freshness(results: Results) -> str:
    """From finished to visible."""
    columns = {
        "clusters": "clusters",
        "dead besides": "dead",
        "jobs a minute and cluster": "jobs_per_minute",
        "jobs watched": "jobs",
        "median s": "median_seconds",
        "95 % s": "p95_seconds",
        "99 % s": "p99_seconds",
        "most s": "most_seconds",
        "syncs": "syncs",
        "failed": "failed_syncs",
        "cores used": "cores_used",
    }
    found = [each for name in ("freshness", "freshness_30") for each in figures(results, name, "freshness")]
    return _of(found, columns)


def soak_freshness(results: Results) -> str:
    """From finished to visible while things are taken away."""
    columns = {
        "jobs": "which",
        "watched": "jobs",
        "median s": "median_seconds",
        "95 % s": "p95_seconds",
        "99 % s": "p99_seconds",
        "most s": "most_seconds",
    }
    return _of(figures(results, "soak", "soak.freshness"), columns)


def soak_ways(results: Results) -> str:
    """Return what each way of deployment does with the same controllers."""
    head = ["way", "jobs", "median s", "95 % s", "syncs", "CPU s per sync", "cores used", "jobs that differ", "load"]
    rows = []
    for name, each in results.items():
        for cpu in figures({name: each}, name, "soak.cpu"):
            [fresh] = figures({name: each}, name, "soak.freshness", which="all")
            differing = sum(jobs["differing"] for jobs in figures({name: each}, name, "soak.jobs"))
            found = [fresh["jobs"], fresh["median_seconds"], fresh["p95_seconds"], cpu["runs"]]
            found += [cpu["cpu_seconds_per_run"], cpu["cores_used"], differing]
            rows.append([cpu["way"], *map(_number, found), f"{each['load_before']} → {each['load_after']}"])
    return _table(head, rows)


def soak_jobs(results: Results) -> str:
    """Core against each controller."""
    columns = {"cluster": "cluster", "at the controller": "controller", "here": "core", "differing": "differing"}
    return _of(figures(results, "soak", "soak.jobs"), columns)


def soak_alerts(results: Results) -> str:
    """Return the table of incidents."""
    columns = {"kind": "kind", "incidents": "incidents", "over": "over", "messages": "messages", "secrets": "secrets"}
    return _of(figures(results, "soak", "soak.alerts"), columns)


def soak_memory(results: Results) -> str:
    """What each kind of process holds."""
    columns = {
        "process": "process",
        "at most": "processes",
        "third quarter MiB": "third_quarter_mib",
        "last quarter MiB": "last_quarter_mib",
        "growth": "growth",
    }
    return _of(figures(results, "soak", "soak.memory"), columns)


def commands(results: Results) -> str:
    """Return the table of whole commands compared with an import, medians."""
    columns = {
        "PostgreSQL": "server",
        "import s": "import_seconds",
        "`sync` s": "sync_seconds",
        "`sync` / import": "sync_against_import",
        "`status` CPU s": "status_cpu_seconds",
    }
    return _of(figures(results, "commands", "commands"), columns)


TABLES: dict[str, Callable[[Results], str]] = {
    function.__name__: function
    for function in (
        machine, versions, targets, raw, raw_scale, workers, guest, guest_days, raw_store, raw_documents, core,
        end_to_end, marts_sizes, marts_pages, marts_questions, marts_views, dashboards, freshness,
        soak_freshness, soak_ways, soak_jobs, soak_alerts, soak_memory, hot_paths, commands,
    )
}  # fmt: skip


def _of(rows: Iterable[Figure], columns: dict[str, str]) -> str:
    cells = [[_number(row[name]) if name in row else "–" for name in columns.values()] for row in rows]
    return _table(list(columns), cells)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "*Not measured yet.*"
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _number(value: Any) -> str:
    """Three figures that count; a spread as median (least–most)."""
    if isinstance(value, dict):
        if value["min"] == value["max"]:
            return _number(value["median"])
        return f"{_number(value['median'])} ({_number(value['min'])}–{_number(value['max'])})"
    if not isinstance(value, int | float):
        return str(value)
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"
