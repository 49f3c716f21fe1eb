"""Tables of freshness and of the soak."""

from __future__ import annotations

from benchmarks.markdown import number_of, rows_of, table
from benchmarks.targets import Results, figures


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
    return rows_of(found, columns)


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
    return rows_of(figures(results, "soak", "soak.freshness"), columns)


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
            rows.append([cpu["way"], *map(number_of, found), f"{each['load_before']} → {each['load_after']}"])
    return table(head, rows)


def soak_jobs(results: Results) -> str:
    """Core against each controller."""
    columns = {"cluster": "cluster", "at the controller": "controller", "here": "core", "differing": "differing"}
    return rows_of(figures(results, "soak", "soak.jobs"), columns)


def soak_alerts(results: Results) -> str:
    """Return the table of incidents."""
    columns = {"kind": "kind", "incidents": "incidents", "over": "over", "messages": "messages", "secrets": "secrets"}
    return rows_of(figures(results, "soak", "soak.alerts"), columns)


def soak_memory(results: Results) -> str:
    """What each kind of process holds."""
    columns = {
        "process": "process",
        "at most": "processes",
        "third quarter MiB": "third_quarter_mib",
        "last quarter MiB": "last_quarter_mib",
        "growth": "growth",
    }
    return rows_of(figures(results, "soak", "soak.memory"), columns)
