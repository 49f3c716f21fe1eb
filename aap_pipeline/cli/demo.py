"""`aap-pipeline demo`: the whole pipeline on simulated controllers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aap_pipeline.cli.context import warehouse
from aap_pipeline.cli.progress import shown_progress
from aap_pipeline.clusters.file import endpoint_of_url
from aap_pipeline.clusters.registry import NewCluster, clusters, purge, save_clusters, set_enabled
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.manners import UNLIMITED
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import cipher
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import import_extra
from aap_pipeline.reports.output import console, counted
from aap_pipeline.settings import Settings
from aap_simulator import DEMO_CLUSTERS

if TYPE_CHECKING:
    from aap_pipeline.runtime.local_runs import SyncConfiguration
    from aap_simulator.demo import DemoController


_NEXT = """\
Next
  aap-pipeline up                        the Dagster UI at http://127.0.0.1:3000
  aap-pipeline sql "SELECT …"            query the tables
  aap-pipeline clusters add https://aap.company.com --name prod --token-file token.txt
  aap-pipeline clusters check prod       check that it can be read, and what to fix
  aap-pipeline sync                      run the same job on your own controller
  aap-pipeline demo --remove             delete the demo's clusters and their history
In a checkout, run `source .venv/bin/activate` first."""


@click.command("demo")
@click.option("--remove", is_flag=True, help="Delete the demo's clusters and their history.")
def command(remove: bool) -> int:
    """Run the whole pipeline in about a minute, without a controller of your own.

    Starts PostgreSQL and four simulated controllers on loopback, runs the Dagster job for each and prints the savings.
    Three controllers replay recorded responses of AAP 2.4, AAP 2.5 and AWX; one has a year of synthetic history.
    Everything stops at the end. The data stays under .aap-pipeline, and the next demo syncs only new jobs.
    """
    settings = Settings()
    if remove:
        return _remove(settings)
    import_extra("aap_simulator.server", "simulator")
    out = console()
    out.print("[bold]1.[/] Starting PostgreSQL and bringing its schema up to date")
    with warehouse(settings) as url:
        from aap_pipeline.runtime.local_runs import local_runs
        from aap_simulator.demo import demo_controllers

        with connect(url) as connection:
            known = {cluster.name: cluster for cluster in clusters(connection)}
        ports = {name: known[name].endpoint.port for name in DEMO_CLUSTERS if name in known}
        out.print("[bold]2.[/] Starting simulated controllers and importing them as clusters")
        with (
            local_runs(settings, url, _configurations(url)) as execute,
            demo_controllers(settings.home / "demo.json", ports) as controllers,
        ):
            _import(url, settings, controllers)
            for controller in controllers:
                history = "recorded responses" if controller.recorded else "a year of synthetic history"
                out.print(f"   {controller.name} at {controller.server.url} ({history})")
            out.print("[bold]3.[/] Running the Dagster job [italic]update_cluster[/] for every cluster")
            with shown_progress(list(DEMO_CLUSTERS)) as progress:
                outcomes = execute(progress.update)
        with connect(url) as connection:
            for name in DEMO_CLUSTERS:
                set_enabled(connection, name, enabled=False)  # their controllers stop with the demo
        from aap_pipeline.cli.sync import print_outcomes

        print_outcomes(outcomes)
        if any(outcome.error for outcome in outcomes):
            return 1
        out.print("[bold]4.[/] Reporting the savings")
        _report(url, settings.home / "report.html")
    click.echo(_NEXT)
    return 0


def _import(url: str, settings: Settings, controllers: list[DemoController]) -> None:
    entries = []
    for name, server in ((controller.name, controller.server) for controller in controllers):
        token = server.token
        tokens = Tokens(token.access_token, token.refresh_token, server.client_id, server.client_secret)
        entries.append(NewCluster(name, endpoint_of_url(server.url), tokens, vars(UNLIMITED)))
    with connect(url) as connection:
        save_clusters(connection, cipher(settings), entries)


def _configurations(url: str) -> dict[str, SyncConfiguration]:
    """Return the windows. A first sync reads all history, because the recordings are older than the default 90 days."""
    from aap_simulator.demo import RECORDED_SINCE

    with connect(url) as connection:
        synced = {row[0] for row in connection.execute(statement("clusters/synced_clusters"))}
    since = min(RECORDED_SINCE, datetime.now(UTC) - timedelta(days=400))
    return {name: {} if name in synced else {"since": since.isoformat()} for name in DEMO_CLUSTERS}


def _report(url: str, file: Path) -> None:
    from aap_pipeline.cli.report import print_summary
    from aap_pipeline.reports.files import write_html
    from aap_pipeline.reports.summary import summarize

    with connect(url) as connection:
        summary = summarize(connection)
    print_summary(console(), summary)
    write_html(summary, file, "Automation savings")
    click.echo(f"HTML report: {file.absolute()}\n")


def _remove(settings: Settings) -> int:
    with warehouse(settings) as url, connect(url) as connection:
        there = [cluster.name for cluster in clusters(connection) if cluster.name in DEMO_CLUSTERS]
        jobs = sum(purge(connection, name) for name in there)
    (settings.home / "demo.json").unlink(missing_ok=True)
    click.echo(f"Deleted {counted(len(there), 'demo cluster')} and their {counted(jobs, 'job')}.")
    return 0
