"""`aap-pipeline rebuild`: recompute tables from their sources."""

from collections.abc import Iterator

import click

from aap_pipeline.cli.context import warehouse
from aap_pipeline.clusters.registry import Cluster, cluster_named, clusters
from aap_pipeline.core.rebuild import NothingArchived
from aap_pipeline.core.rebuild import rebuild as rebuild_core
from aap_pipeline.database.connection import connect
from aap_pipeline.marts.refresh import rebuild as rebuild_marts
from aap_pipeline.reports.output import duration

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
    without = 0
    for url, cluster in _chosen(names):
        try:
            result = rebuild_core(url, cluster.id)
        except NothingArchived as error:
            without += 1
            click.echo(f"{cluster.name}: {error}", err=True)
            continue
        refused = f" {result.rejected:,} documents went to quarantine." if result.rejected else ""
        click.echo(f"{cluster.name}: {result.jobs:,} jobs rebuilt in {duration(result.seconds)}.{refused}")
    return 1 if without else 0


@command.command("marts", short_help="Rebuild the savings tables from core.")
@_cluster_option
def marts(names: tuple[str, ...]) -> None:
    """Recompute all savings tables from jobs and host summaries."""
    for url, cluster in _chosen(names):
        with connect(url) as connection:
            result = rebuild_marts(connection, cluster.id)
        click.echo(f"{cluster.name}: {len(result.days):,} days rebuilt in {duration(result.seconds)}.")


def _chosen(names: tuple[str, ...]) -> Iterator[tuple[str, Cluster]]:
    with warehouse() as url:
        with connect(url) as connection:
            found = [cluster_named(connection, name) for name in names] or clusters(connection)
        for cluster in found:
            yield url, cluster
