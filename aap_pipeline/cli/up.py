"""`aap-pipeline up`."""

import signal
from pathlib import Path
from typing import Any

import click

from aap_pipeline.cli.values import Whole


@click.command(name="up")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Listen address of the web server, which has no login."
)
@click.option("--port", type=Whole(1, 65535), default=3000, show_default=True, help="Port of the web server.")
@click.option(
    "--workspace",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A workspace.yaml with additional Dagster code locations.",
)
@click.option("--metrics-port", type=Whole(1, 65535), help="Serve metrics for Prometheus on this port.")
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="Address the metrics are served on.")
def command(**options: Any) -> None:
    """Run PostgreSQL, the Dagster daemon (which starts syncs) and the Dagster UI until Ctrl-C.

    PostgreSQL is the embedded server, or the migrated database in AAP_PIPELINE_DATABASE_URL. Dagster's own tables are
    in its schema dagster. All data is kept between starts. No process of the pipeline runs on, even after kill -9.
    """
    from aap_pipeline.database.connection import clear_errors
    from aap_pipeline.runtime.supervisor import Supervisor
    from aap_pipeline.settings import Settings

    supervisor = Supervisor(Settings(), lambda line: click.echo(line), **options)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: supervisor.stop.set())
    with clear_errors():
        supervisor.run()
    click.echo("Stopped.")
