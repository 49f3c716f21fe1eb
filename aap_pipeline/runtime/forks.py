"""Fork server for the daemon's runs: it has imported everything, so that a run starts in milliseconds."""

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
"""Modules that Dagster imports only with an instance or a run: 0.1 s of CPU per run."""


def forks() -> ForkServerContext:
    """Return a multiprocessing context whose fork server has imported the pipeline.

    The server starts with the first fork and exits with this process.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["aap_pipeline.runtime.preloaded"])
    return context


def import_for_runs() -> None:
    """Import everything that a run needs, so that forked processes share it."""
    for name in ("aap_pipeline.definitions", "aap_pipeline.runtime.storage"):
        import_module(name)
    for name in IMPORTED_LATE:
        with suppress(ModuleNotFoundError):  # another release of Dagster: each run imports what it has
            import_module(name)
    gc.freeze()  # keeps the memory of these objects shared
