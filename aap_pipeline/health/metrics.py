"""Metrics for Prometheus: one gauge per figure, one sample per cluster, read from the database at each scrape."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from psycopg.rows import dict_row

from aap_pipeline.database.connection import Connection, clear_errors, connect
from aap_pipeline.database.statements import statement
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


def read(connection: Connection) -> str:
    """Return all metrics of the database in Prometheus' text format."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return render(cursor.execute(statement("health/metrics")).fetchall())


def render(rows: Sequence[Mapping[str, Any]], *, up: bool = True) -> str:
    """Format the rows for Prometheus. A missing figure has no sample."""
    lines = ["# HELP aap_pipeline_up Whether the database is reachable.", "# TYPE aap_pipeline_up gauge"]
    lines.append(f"aap_pipeline_up {int(up)}")
    for name, text in _HELP.items():
        lines += [f"# HELP aap_pipeline_{name} {text}", f"# TYPE aap_pipeline_{name} gauge"]
        lines += [
            f'aap_pipeline_{name}{{cluster="{row["cluster"]}"}} {row[name]}' for row in rows if row[name] is not None
        ]
    return "\n".join(lines) + "\n"


@contextmanager
def serving(url: str, port: int, host: str = "127.0.0.1") -> Iterator[None]:
    """Serve `GET /metrics` on `host`:`port` for the block. Raises PipelineError if the port is in use."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            body = _scrape(url).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - a scrape is no news
            pass

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise PipelineError(f"Cannot serve metrics on {host}:{port}: {error.strerror}. Use another port.") from error
    with server:
        thread = Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _scrape(url: str) -> str:
    try:
        with clear_errors(), connect(url, application_name="aap_pipeline metrics") as connection:
            return read(connection)
    except PipelineError:
        return render([], up=False)  # alerts watch aap_pipeline_up
