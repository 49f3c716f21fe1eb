"""`aap-pipeline metrics`."""

import signal
from threading import Event

import click

from aap_pipeline.cli.context import database
from aap_pipeline.cli.values import Whole
from aap_pipeline.health.metrics import serving


@click.command(name="metrics")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on (without authentication).")
@click.option("--port", type=Whole(1, 65535), default=9464, show_default=True, help="Port to listen on.")
def command(host: str, port: int) -> None:
    """Serve metrics for Prometheus at /metrics until Ctrl-C, for installations without `aap-pipeline up`.

    Each scrape reads the database. If that fails, aap_pipeline_up is 0.
    """

    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with database() as url, serving(url, port, host):
        click.echo(f"Metrics: http://{host}:{port}/metrics. Press Ctrl-C to stop.")
        stop.wait()
