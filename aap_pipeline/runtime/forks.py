"""Processes for runs, forked from a process that has imported everything they need: milliseconds each."""

from __future__ import annotations

import gc
import multiprocessing
from contextlib import suppress
from importlib import import_module
from multiprocessing.context import ForkServerContext

IMPORTED_LATE = (
    "dagster._core.execution.plan.active",
    "dagster._core.executor.in_process",
    "dagster._core.instance.factory",
    "dagster._core.instance.runs.run_domain",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.root",
    "dagster._core.system_config.composite_descent",
    "psycopg2.extras",
    "upath.implementations.local",
)
"""What Dagster imports only once it has an instance or a run: a tenth of a second of a core for each run."""


def forks() -> ForkServerContext:
    """What makes them. The server starts with the first, which waits for its imports, and ends with this process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["aap_pipeline.runtime.preloaded"])
    return context


def import_for_runs() -> None:
    """Import everything that a run needs, so that the processes that are forked from this one share it."""
    for name in ("aap_pipeline.definitions", "aap_pipeline.runtime.storage"):
        import_module(name)
    for name in IMPORTED_LATE:
        with suppress(ModuleNotFoundError):  # of another release of Dagster: then each run imports what it has
            import_module(name)
    gc.freeze()  # the collector leaves these objects alone, so that their memory stays shared
