"""Processes for runs, forked from a server process that has imported everything they need: milliseconds each."""

import multiprocessing
from multiprocessing.context import ForkServerContext


def forks() -> ForkServerContext:
    """What makes them. The server starts with the first, which waits for its imports, and ends with this process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["aap_pipeline.runtime.preloaded"])
    return context
