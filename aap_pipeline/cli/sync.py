"""`aap-pipeline sync`: the main job, now, in this process."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from aap_pipeline.cli.context import each_cluster, warehouse
from aap_pipeline.cli.progress import shown_progress
from aap_pipeline.cli.values import time
from aap_pipeline.clusters.registry import chosen_clusters
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import cipher
from aap_pipeline.raw.sync import DryRun, SyncRequest, dry_run, require_possible
from aap_pipeline.raw.window import require_window
from aap_pipeline.reports.output import cell, console, counted, duration, json_option, print_json, print_marked
from aap_pipeline.reports.summary import in_quarantine, quarantine_line
from aap_pipeline.settings import Settings

if TYPE_CHECKING:
    from aap_pipeline.runtime.local_runs import SyncOutcome


@click.command("sync")
@click.option("--cluster", "names", multiple=True, metavar="NAME", help="Only this cluster; may be repeated.")
@click.option(
    "--since", type=time, metavar="TIME", help="Backfill: jobs finished after TIME, ISO 8601 (2026-01-01), UTC."
)
@click.option("--until", type=time, metavar="TIME", help="Backfill: jobs finished up to TIME.")
@click.option("--dry-run", "only_count", is_flag=True, help="Count the jobs to read and store nothing.")
@json_option
def command(
    names: tuple[str, ...], since: datetime | None, until: datetime | None, only_count: bool, as_json: bool
) -> int:
    """Copy the new jobs of every enabled cluster and refresh its savings.

    The first sync of a cluster reads its last 90 days (setting initial_sync_days). This is the job that the Dagster
    sensors run, and its runs appear in the Dagster UI. An interrupted sync resumes where it stopped. A cluster that
    fails does not delay the others. The exit status is 0 only if all clusters are up to date.
    """
    settings = Settings()
    require_window(datetime.now(UTC), since, until)
    with warehouse(settings) as url:
        with connect(url) as connection:
            chosen = chosen_clusters(connection, names, "sync")
            requests = [SyncRequest(cluster, since=since, until=until) for cluster in chosen]
            # A dry run is possible at any time, and a cluster whose first sync waits does not stop the others.
            keep_hours = not only_count and (bool(names) or len(chosen) == 1)
            for request in requests:
                require_possible(connection, request, keep_hours=keep_hours)
        if only_count:
            asked = {request.cluster.name: request for request in requests}
            secrets = cipher(settings)
            _, all_worked = each_cluster(
                chosen, lambda each: dry_run(url, secrets, asked[each.name]), _print_dry_run, as_json=as_json
            )
            return 0 if all_worked else 1
        # Importing Dagster takes a second, so it follows the checks of the command line.
        from aap_pipeline.runtime.local_runs import local_runs

        listed = [cluster.name for cluster in chosen]
        window = {"since": since.isoformat() if since else "", "until": until.isoformat() if until else ""}
        with local_runs(settings, url, dict.fromkeys(listed, window)) as execute, shown_progress(listed) as progress:
            outcomes = execute(progress.update)
        with connect(url) as connection:
            refused = quarantine_line(in_quarantine(connection, [cluster.id for cluster in chosen]))
    if as_json:
        print_json([asdict(outcome) for outcome in outcomes])
    else:
        print_outcomes(outcomes)
        if refused:
            console().print(cell(refused))
    return (
        1
        if any(outcome.error or outcome.metadata.get("raw/sync_data", {}).get("paused") for outcome in outcomes)
        else 0
    )


def print_outcomes(outcomes: list[SyncOutcome]) -> None:
    width = max(len(outcome.cluster) for outcome in outcomes)
    for outcome in outcomes:
        name = f"{outcome.cluster.ljust(width)} "
        if outcome.error is not None:
            print_marked("failed", name + outcome.error)
            continue
        raw = outcome.metadata.get("raw/sync_data", {})
        print_marked(
            "ok",
            f"{name}{counted(raw.get('jobs_stored', 0), 'new job')} with "
            f"{counted(raw.get('host_summaries', 0), 'host summary', 'host summaries')}, "
            f"{raw.get('jobs_known', 0):,} known, {counted(raw.get('requests', 0), 'request')} in "
            f"{duration(raw.get('seconds'))}",
        )
        if "warnings" in raw:
            print_marked("warning", name + raw["warnings"])


def _print_dry_run(name: str, found: DryRun) -> None:
    click.echo(
        f"{name}: {counted(found.jobs, 'job')} finished between {found.window_from:%Y-%m-%d %H:%M} and "
        f"{found.window_to:%Y-%m-%d %H:%M} UTC, {found.new_jobs:,} of them new, read {found.way}: {found.cost}."
    )
