"""Metrics for Prometheus: one gauge per figure, one sample per cluster, read from the database at each scrape."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from psycopg import ProgrammingError

from aap_pipeline.database.connection import clear_errors, connect
from aap_pipeline.database.statements import select
from aap_pipeline.errors import PipelineError

_HELP = {
    "enabled": "Whether the cluster is synced.",
    "watermark_timestamp_seconds": "Finish time of the newest job synced.",
    "last_success_timestamp_seconds": "End of the last successful sync.",
    "token_expires_timestamp_seconds": "Latest expiry of the access token, if the controller reports it.",
    "last_sync_failed": "Whether the last sync failed.",
    "last_success_seconds": "Duration of the last successful sync.",
    "sync_lag_seconds": "From the finish of the newest job to the end of the last successful sync.",
    "last_success_jobs": "Jobs stored by the last successful sync.",
    "last_success_requests": "Requests sent by the last successful sync.",
    "last_success_controller_seconds": "Seconds that the controller took to answer the last successful sync.",
    "last_success_share_held_back": "Share of request time in which limits delayed the last successful sync.",
    "last_sync_retries": "Requests repeated by the last sync.",
    "unparsed_documents": "Raw documents that core has not parsed.",
    "provisional_jobs": "Finished jobs whose host summaries the controller has not written yet.",
    "rejected_documents": "Documents in quarantine.",
}


class Metrics(Collector):
    """All metrics of the database at `url`. A missing figure has no sample."""

    def __init__(self, url: str) -> None:
        self._url = url

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read the database. If that fails, only aap_pipeline_up, which alerts watch, has a sample."""
        rows: list[dict[str, Any]] | None = None
        with (
            suppress(PipelineError, ProgrammingError),  # the latter: another release's schema
            clear_errors(),
            connect(self._url, application_name="aap_pipeline metrics") as connection,
        ):
            rows = select(connection, "health/metrics")
        yield GaugeMetricFamily("aap_pipeline_up", "Whether the database can be read.", int(rows is not None))
        for name, text in _HELP.items():
            found = GaugeMetricFamily(f"aap_pipeline_{name}", text, labels=["cluster"])
            for row in rows or ():
                if row[name] is not None:
                    found.add_metric([row["cluster"]], float(row[name]))
            yield found


@contextmanager
def serving(url: str, port: int, host: str = "127.0.0.1") -> Iterator[None]:
    """Serve `GET /metrics` on `host`:`port` for the block. Raises PipelineError if the port is in use."""
    registry = CollectorRegistry()
    registry.register(Metrics(url))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise PipelineError(f"Cannot serve metrics on {host}:{port}: {error.strerror}. Use another port.") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
