"""The baseline: what a user would build instead, dlt's rest_api source into PostgreSQL. Runs in dlt's own environment.

Reads {"api", "token", "database", "folder", "workers"} from standard input; writes what each of two loads cost, the
first and one with nothing new, as JSON lines. Everything that makes dlt fast here is on: pages of 200, a pool of
threads for the host summaries, nested values kept as JSON instead of child tables, several processes to normalise.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from typing import Any


def configure(settings: dict[str, Any]) -> None:
    """dlt reads its settings from the environment."""
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "CRITICAL",
        "EXTRACT__WORKERS": str(settings["workers"]),
        "EXTRACT__MAX_PARALLEL_ITEMS": str(8 * settings["workers"]),
        "NORMALIZE__WORKERS": str(os.cpu_count()),
    }


def source_of(settings: dict[str, Any]) -> Any:
    """Finished jobs, incrementally by `finished`, and the host summaries of each."""
    from dlt.sources.rest_api import rest_api_source

    return rest_api_source(
        {
            "client": {
                "base_url": settings["api"],
                "auth": {"type": "bearer", "token": settings["token"]},
                "paginator": {"type": "json_link", "next_url_path": "next"},
            },
            "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
            "resources": [
                {
                    "name": "jobs",
                    "endpoint": {
                        "path": "jobs/",
                        "data_selector": "results",
                        "params": {
                            "page_size": 200,
                            "order_by": "id",
                            "finished__gt": "{incremental.start_value}",
                        },
                        "incremental": {"cursor_path": "finished", "initial_value": "2000-01-01T00:00:00Z"},
                    },
                },
                {
                    "name": "job_host_summaries",
                    "parallelized": True,
                    "endpoint": {
                        "path": "jobs/{resources.jobs.id}/job_host_summaries/",
                        "data_selector": "results",
                        "params": {"page_size": 200},
                    },
                },
            ],
        },
        max_table_nesting=0,
    )


def main() -> None:
    """Load twice, and print the cost of each."""
    settings = json.load(sys.stdin)
    configure(settings)
    import dlt

    pipeline = dlt.pipeline(
        "baseline",
        pipelines_dir=settings["folder"],
        destination=dlt.destinations.postgres(settings["database"]),
        dataset_name="baseline",
    )
    for _ in range(2):
        cpu, started = _cpu(), time.perf_counter()
        pipeline.run(source_of(settings))
        usage = {"seconds": time.perf_counter() - started, "client_cpu": _cpu() - cpu}
        counts = pipeline.last_trace.last_normalize_info.row_counts
        rows = {name: count for name, count in counts.items() if "_dlt" not in name}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        sys.stdout.write(json.dumps({**usage, "peak_megabytes": peak, "rows": rows, "dlt": dlt.__version__}) + "\n")
        sys.stdout.flush()


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    main()
