"""The benchmarks, and the size of each in a quick and in a full run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Benchmark:
    """One module of this package, run `runs` times with `quick` or `full` as its arguments; None: not in that run.

    Modules that repeat what they measure themselves have one run.
    """

    name: str
    module: str
    question: str
    quick: str | None
    full: str | None
    quick_runs: int = 1
    full_runs: int = 1


BENCHMARKS = (
    Benchmark(
        "raw",
        "raw",
        "Stage raw against a bare concurrent fetch of the same URLs, 0 and 20 ms latency, 16 workers",
        "",
        "",
    ),
    Benchmark(
        "raw_scale", "raw", "Peak memory and time of stage raw at 2,000 to 50,000 jobs, Dagster loaded", None, "--scale"
    ),
    Benchmark(
        "workers",
        "workers",
        "The same against the number of workers, 1 to 32",
        "--jobs 400 --workers 2,8,32",
        "--jobs 500 --workers 1,2,4,8,16,32",
    ),
    Benchmark(
        "raw_store",
        "raw_store",
        "Raw documents a second: what the sweep's store writes against COPY into a plain table",
        "--jobs 2000 --rounds 3",
        "--jobs 6000 --rounds 5",
    ),
    Benchmark(
        "raw_documents",
        "raw_documents",
        "Operator class and compression of the raw table",
        None,
        "--jobs 4000",
        full_runs=3,
    ),
    Benchmark(
        "guest",
        "guest",
        "Requests and controller seconds of a first sync, an idle one and a tick, by the simulator's cost model",
        "--jobs 20000 --hosts 400",
        "--jobs 100000 --hosts 2000",
    ),
    Benchmark(
        "core",
        "core",
        "Stage core, from raw rows to committed tables, against COPY into the same indexed table",
        "--jobs 10000 --repeat 3 --scale 5000,50000",
        "--jobs 20000 --repeat 3 --existing 1000000 --scale 5000,50000,200000",
    ),
    Benchmark(
        "end_to_end",
        "end_to_end",
        "From the controller's API to the marts, and dlt over the same controller",
        "--jobs 1000 --rounds 3 --dlt",
        "--jobs 5000 --rounds 3 --dlt",
    ),
    Benchmark("hot_paths", "hot_paths", "Where the time goes in each stage", "--jobs 2000", "--jobs 10000"),
    Benchmark("marts_10k", "marts", "Stage marts over 10,000 jobs", "--jobs 10000", "--jobs 10000"),
    Benchmark("marts_100k", "marts", "Stage marts over 100,000 jobs", "--jobs 100000", "--jobs 100000"),
    Benchmark(
        "marts_100k_default",
        "marts",
        "The same with PostgreSQL's default options (needs Debian's PostgreSQL 15)",
        "--jobs 100000 --default-options --no-core",
        "--jobs 100000 --default-options --no-core",
    ),
    Benchmark("marts_1m", "marts", "Stage marts over 1,000,000 jobs", None, "--jobs 1000000"),
    Benchmark(
        "marts_1m_default",
        "marts",
        "The same with PostgreSQL's default options",
        None,
        "--jobs 1000000 --default-options",
    ),
    Benchmark(
        "marts_1m_hosts",
        "marts",
        "Stage marts over 1,000,000 jobs on 20,000 hosts",
        None,
        "--jobs 1000000 --hosts 20000 --no-core",
    ),
    Benchmark("marts_5m", "marts", "Stage marts over 5,000,000 jobs", None, "--jobs 5000000"),
    Benchmark("dashboards", "dashboards", "Tiles of the shipped dashboards over a year of 1,000,000 jobs", None, ""),
    Benchmark(
        "commands",
        "commands",
        "A no-op sync and `status`, as whole commands, compared with importing the pipeline",
        "--rounds 5",
        "--rounds 10",
    ),
    Benchmark(
        "freshness",
        "freshness",
        "Seconds from finished at the controller to visible in the marts, with `aap-pipeline up`",
        "--seconds 90",
        "--seconds 120",
    ),
    Benchmark(
        "freshness_30",
        "freshness",
        "The same for 30 controllers, each of which finishes a job a minute",
        None,
        "--clusters 30 --dead 0 --jobs-per-minute 1 --seconds 120",
    ),
    Benchmark(
        "soak",
        "soak",
        "Whether `aap-pipeline up` loses no job, sends the right alerts and keeps its memory while PostgreSQL and "
        "the daemon are taken away",
        None,
        "--clusters 8 --dead 2 --seconds 600 --pause 150",
    ),
    *(
        Benchmark(
            f"soak_{way}",
            "soak",
            f"Freshness and CPU of four controllers with {what}, of which parts are killed",
            None,
            f"--way {way} --seconds 600",
        )
        for way, what in {
            "up": "`aap-pipeline up`",
            "dev": "`dagster dev`",
            "processes": "web server, daemon and code location as processes on stock storage",
            "pooled": "the same with the storage of `up`",
            "celery": "two Celery workers",
        }.items()
    ),
)


def chosen(*, full: bool, only: tuple[str, ...]) -> list[tuple[Benchmark, list[str], int]]:
    """(benchmark, its arguments, its runs). One that is named in `only` is run even if its size belongs to `full`."""
    found = []
    for benchmark in BENCHMARKS:
        arguments, runs = (benchmark.full, benchmark.full_runs) if full else (benchmark.quick, benchmark.quick_runs)
        if only:
            if benchmark.name not in only:
                continue
            arguments = benchmark.full if arguments is None else arguments
        if arguments is not None:
            found.append((benchmark, arguments.split(), runs))
    return found
