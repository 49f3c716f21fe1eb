"""`aap-pipeline status`."""

from datetime import UTC, datetime

import click

from aap_pipeline.cli.context import warehouse_connection
from aap_pipeline.clusters.staleness import stale_after, stale_clusters
from aap_pipeline.clusters.token_ends import token_warnings
from aap_pipeline.database.statements import select
from aap_pipeline.reports.output import cell, console, duration, json_option, print_marked, print_rows

_WINDOW = ("from", "to", "done_to")


@click.command(name="status")
@json_option
def command(as_json: bool) -> int:
    """Show one line per cluster: watermark, last sync and backlog.

    Unparsed: raw documents that core has not parsed. Pending: finished jobs whose host summaries the controller has not
    written yet. Rejected: documents in quarantine (aap-pipeline rejected). Days: days whose savings must be recomputed.
    Unfinished backfills, tokens that expire soon and pauses that controllers requested are listed below the table. Exit
    status 1 if the last sync of an enabled cluster failed, or none succeeded in the last
    AAP_PIPELINE_ALERT_STALE_MINUTES (60).
    """
    now = datetime.now(UTC)
    with warehouse_connection() as connection:
        rows = select(connection, "health/status")
        limit = stale_after(connection)
        ending, stale = token_warnings(connection, now), stale_clusters(connection, now, limit)
    headers = {"name": "Cluster", "enabled": "Enabled", "watermark": "Watermark (UTC)", "last_sync": "Last sync (UTC)"}
    headers |= {"outcome": "Outcome", "lag_seconds": "Since success", "unparsed": "Unparsed", "pending": "Pending"}
    headers |= {"rejected": "Rejected", "days_to_refresh": "Days"}
    if not rows and not as_json:
        click.echo("There is no cluster. To add one, run `aap-pipeline clusters add URL --name NAME`.")
    else:
        rows = [{**row, "token": ending.get(row["name"]), "stale": stale.get(row["name"])} for row in rows]
        print_rows(headers, rows, as_json=as_json, lag_seconds=duration)
    for row in () if as_json else rows:  # sentences are too long for a column
        if row["error"]:
            print_marked("failed", f"{row['name']}: {row['error']}")
        if row["stale"]:
            print_marked("failed", f"{row['name']}: {row['stale']} Run `aap-pipeline clusters check {row['name']}`.")
        if row["token"]:
            print_marked("warning", f"{row['name']}: {row['token']}")
        if row["no_requests_before"]:
            pause = f"its controller requested a pause until {row['no_requests_before']:%Y-%m-%d %H:%M:%S} UTC."
            end = f"To send requests earlier, run `aap-pipeline clusters enable {row['name']}`."
            print_marked("warning", f"{row['name']}: {pause} {end}")
        for each in row["backfills"] or []:
            begin, end, done = (each[name][:16].replace("T", " ") if each[name] else "now" for name in _WINDOW)
            console().print(cell(f"{row['name']}: the backfill from {begin} to {end} has reached {done} UTC."))
    failed = any(row["enabled"] and row["outcome"] in ("failed", "interrupted") for row in rows)
    return 1 if failed or stale else 0
