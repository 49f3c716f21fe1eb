"""Tables of stage raw: what it takes here, and what it costs the controller."""

from __future__ import annotations

from benchmarks.markdown import rows_of
from benchmarks.targets import Results, figures


def raw(results: Results) -> str:
    """Stage raw against the bare fetch."""
    columns = {
        "read": "way",
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
    ways = {"raw": "by job", "raw_by_host": "by host"}
    return rows_of(
        [each | {"way": way} for name, way in ways.items() for each in figures(results, "raw", name)], columns
    )


def raw_scale(results: Results) -> str:
    """Peak memory and time of stage raw by number of jobs."""
    columns = {"jobs": "jobs", "s": "seconds", "peak MB": "peak_mb"}
    return rows_of(figures(results, "raw_scale", "raw_scale"), columns)


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
    return rows_of(figures(results, "workers", "workers"), columns)


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
    return rows_of(figures(results, "guest", "cost"), columns)


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
    days = rows_of(figures(results, "guest", "steady"), columns)
    return f"{days}\n\n{rows_of(figures(results, 'guest', 'largest'), largest)}"


def raw_store(results: Results) -> str:
    """Raw documents/s."""
    columns = {
        "": "step",
        "documents/s": "documents_per_second",
        "of the limit": "ratio_of_rates",
        "client ms/job": "client_cpu_ms_a_job",
        "database ms/job": "database_cpu_ms_a_job",
    }
    return rows_of(figures(results, "raw_store", "raw_store"), columns)


def raw_documents(results: Results) -> str:
    """Operator class and compression."""
    columns = {
        "compression": "compression",
        "index": "index",
        "documents/s": "documents_per_second",
        "table MB": "table_megabytes",
        "index MB": "index_megabytes",
    }
    return rows_of([each for each in figures(results, "raw_documents", "raw.insert") if "index" in each], columns)
