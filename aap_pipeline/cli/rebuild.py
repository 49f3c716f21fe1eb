"""`aap-pipeline rebuild`: recompute tables from their sources."""

from collections.abc import Callable
from typing import Any

import click

from aap_pipeline.cli.context import each_cluster, warehouse
from aap_pipeline.clusters.registry import cluster_named, clusters
from aap_pipeline.core.batch import ParseResult
from aap_pipeline.core.parse import rebuild as rebuild_core
from aap_pipeline.database.connection import connect
from aap_pipeline.marts.refresh import RefreshResult, refresh
from aap_pipeline.reports.output import counted, duration

_cluster_option = click.option("--cluster", "names", multiple=True, metavar="NAME", help="Only this cluster.")


@click.group("rebuild")
def command() -> None:
    """Recompute tables from their sources. Safe at any time; if interrupted, run it again."""


@command.command("core", short_help="Rebuild jobs and host summaries from the archive.")
@_cluster_option
def core(names: tuple[str, ...]) -> int:
    """Parse the archived documents again. The setting raw_retention_days controls how long they are kept.

    The next sync recomputes the savings.
    """

    def rebuilt(name: str, result: ParseResult) -> None:
        refused = f" {counted(result.rejected, 'document')} went to quarantine." if result.rejected else ""
        click.echo(f"{name}: {counted(result.jobs, 'job')} rebuilt in {duration(result.seconds)}.{refused}")

    return _rebuild(names, rebuild_core, rebuilt)


@command.command("marts", short_help="Rebuild the savings tables from core.")
@_cluster_option
def marts(names: tuple[str, ...]) -> int:
    """Recompute all savings tables from jobs and host summaries."""

    def work(url: str, cluster_id: int) -> RefreshResult:
        with connect(url) as connection:
            return refresh(connection, cluster_id, everything=True)

    def finish(url: str) -> None:  # a month's share of a subscription depends on clusters that were rebuilt later
        with connect(url) as connection:
            refresh(connection)

    def rebuilt(name: str, result: RefreshResult) -> None:
        click.echo(f"{name}: {counted(len(result.days), 'day')} rebuilt in {duration(result.seconds)}.")

    return _rebuild(names, work, rebuilt, finish)


def _rebuild(
    names: tuple[str, ...],
    work: Callable[[str, int], Any],
    show: Callable[[str, Any], None],
    finish: Callable[[str], None] | None = None,
) -> int:
    with warehouse() as url:
        with connect(url) as connection:
            found = [cluster_named(connection, name) for name in names] or clusters(connection)
        if not each_cluster(found, lambda each: work(url, each.id), show)[1]:
            return 1
        if finish:
            finish(url)
    return 0
