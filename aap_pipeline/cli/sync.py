"""`aap-pipeline sync`: the main job, now, in this process."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from aap_pipeline.cli.context import warehouse
from aap_pipeline.cli.output import cell, console, duration, json_option, print_json
from aap_pipeline.cli.progress import TerminalProgress
from aap_pipeline.clusters.registry import Cluster, chosen_clusters
from aap_pipeline.errors import PipelineError
from aap_pipeline.report.summary import in_quarantine, quarantine_line
from aap_pipeline.settings import Settings
from aap_pipeline.warehouse.connection import connect
from aap_pipeline.warehouse.encryption import cipher

if TYPE_CHECKING:
    from aap_pipeline.update import Outcome


@click.command("sync")
@click.option("--cluster", "names", multiple=True, metavar="NAME", help="Only this cluster; may be repeated.")
@click.option("--since", metavar="TIME", help="Backfill: jobs finished after TIME, ISO 8601 (2026-01-01), UTC.")
@click.option("--until", metavar="TIME", help="Backfill: jobs finished up to TIME.")
@click.option("--dry-run", is_flag=True, help="Ask how much there is to read, store nothing.")
@json_option
def command(names: tuple[str, ...], since: str | None, until: str | None, dry_run: bool, as_json: bool) -> int:
    """Copy what is new at every enabled cluster's controller, and bring its savings up to date.

    The first time a cluster's last 90 days are read (setting initial_sync_days). It is the job that the Dagster
    sensors run, and its runs show in the Dagster UI. Killed at any moment, it goes on from there the next time. One
    cluster that fails does not hold up the others; the exit status is 0 only if all of them are up to date.
    """
    settings = Settings()
    with warehouse(settings) as url:
        with connect(url) as connection:
            chosen = chosen_clusters(connection, names, "sync")
        if dry_run:
            return _dry_run(url, settings, chosen, (since, until), as_json=as_json)
        # Importing Dagster takes a second, so not before everything else is known to be right.
        from aap_pipeline.update import Window, update_clusters

        listed = [cluster.name for cluster in chosen]
        window = Window(_time(since), _time(until))
        with TerminalProgress(listed) as progress:
            outcomes = update_clusters(settings, url, dict.fromkeys(listed, window), progress)
        with connect(url) as connection:
            refused = quarantine_line(in_quarantine(connection, [cluster.id for cluster in chosen]))
    if as_json:
        print_json([asdict(_without_previews(outcome)) for outcome in outcomes])
    else:
        print_outcomes(outcomes)
        if refused:
            console().print(cell(refused))
    return 1 if any(outcome.error for outcome in outcomes) else 0


def _without_previews(outcome: Outcome) -> Outcome:
    """The figures alone: the rows that Dagster shows of each table are for people to look at."""
    from dagster import TableMetadataValue

    figures = {
        asset: {name: value for name, value in metadata.items() if not isinstance(value, TableMetadataValue)}
        for asset, metadata in outcome.metadata.items()
    }
    return replace(outcome, metadata=figures)


def print_outcomes(outcomes: list[Outcome]) -> None:
    """A line a cluster: what came, or what to do."""
    out = console()
    width = max(len(outcome.cluster) for outcome in outcomes)
    for outcome in outcomes:
        if outcome.error is not None:
            out.print(f"[red]✗[/] [bold]{outcome.cluster.ljust(width)}[/] ", cell(outcome.error), sep="")
            continue
        raw = outcome.metadata.get("raw/sync_data", {})
        out.print(
            f"[green]✓[/] [bold]{outcome.cluster.ljust(width)}[/] {raw.get('jobs_stored', 0):,} new jobs with "
            f"{raw.get('host_summaries', 0):,} host summaries, {raw.get('jobs_known', 0):,} known, "
            f"{raw.get('requests', 0):,} requests in {duration(raw.get('seconds'))}"
        )
        if "warnings" in raw:
            out.print(f"[yellow]![/] [bold]{outcome.cluster.ljust(width)}[/] ", cell(raw["warnings"]), sep="")


def _dry_run(
    url: str, settings: Settings, chosen: list[Cluster], window: tuple[str | None, str | None], *, as_json: bool
) -> int:
    from aap_pipeline.raw.assets import moment
    from aap_pipeline.raw.sync import SyncRequest, dry_run

    since, until = map(moment, window)
    results: dict[str, Any] = {}
    for cluster in chosen:
        try:
            found = dry_run(url, cipher(settings), SyncRequest(cluster, since=since, until=until))
        except PipelineError as error:
            results[cluster.name] = {"error": str(error)}
            click.echo(f"{cluster.name}: {error}", err=True)
            continue
        results[cluster.name] = asdict(found)
        if not as_json:
            click.echo(
                f"{cluster.name}: {found.jobs:,} jobs finished between {found.window_from:%Y-%m-%d %H:%M} and "
                f"{found.window_to:%Y-%m-%d %H:%M} UTC, {found.new_jobs:,} of them new; about {found.requests:,} "
                "requests."
            )
    if as_json:
        print_json(results)
    return 1 if any("error" in each for each in results.values()) else 0


def _time(text: str | None) -> str | None:
    from aap_pipeline.raw.assets import moment

    found = moment(text)
    return found.isoformat() if found else None
