"""`aap-pipeline alerts`."""

from dataclasses import replace
from datetime import UTC, datetime

import click

from aap_pipeline.alerts.incidents import Message
from aap_pipeline.alerts.receivers import DeliveryFailed, receivers
from aap_pipeline.alerts.settings import alert_settings
from aap_pipeline.cli.context import warehouse_connection
from aap_pipeline.database.statements import select
from aap_pipeline.errors import PipelineError
from aap_pipeline.reports.output import cell, console, json_option, print_json, print_marked, print_rows


@click.group(name="alerts")
def command() -> None:
    """Show incidents and test the alert receivers, which the AAP_PIPELINE_ALERT_… variables configure."""


@command.command(name="list")
@click.option("--all", "with_past", is_flag=True, help="Include incidents resolved in the last 30 days.")
@json_option
def list_all(with_past: bool, as_json: bool) -> None:
    """List the open incidents, newest first."""
    with warehouse_connection() as connection:
        rows = select(connection, "alerts/incidents", {"all": with_past})
    if rows or as_json:
        headers = {"raised_at": "Raised (UTC)", "resolved_at": "Resolved (UTC)", "kind": "Kind", "subject": "Subject"}
        print_rows(headers | {"told": "Sent to"}, rows, as_json=as_json)
    else:
        click.echo("No incident is open." if not with_past else "There was no incident in the last 30 days.")
    for row in () if as_json else rows:
        console().print(cell(f"{row['subject']}: {row['message']}"))
        if row["errors"]:
            print_marked("warning", f"not delivered: {row['errors']}")


@command.command(name="test", short_help="Send a test message to every receiver.")
@json_option
def send_test(as_json: bool) -> int:
    """Send a test incident, and then its resolution, to every configured receiver.

    Run it where `aap-pipeline up` runs, with the same environment. Exit status 1 if a delivery failed or no receiver
    is configured.
    """
    settings = alert_settings()
    to = receivers(settings)
    if not to:
        raise PipelineError(
            "No alert receiver is configured. Set AAP_PIPELINE_ALERT_WEBHOOK_URL, "
            "AAP_PIPELINE_ALERT_SLACK_WEBHOOK_URL, or AAP_PIPELINE_ALERT_SMTP_HOST and "
            "AAP_PIPELINE_ALERT_SMTP_TO (see docs/operations.md)."
        )
    now = datetime.now(UTC)
    text = "This is a test by `aap-pipeline alerts test`. Nothing is wrong. Incidents are sent to this receiver."
    begins = Message(0, "test", "alerts", text, settings.ui_url, now, None)
    results = []
    for receiver, send in to.items():
        try:
            remark = send(begins) or send(replace(begins, resolved_at=now))
        except DeliveryFailed as failure:
            remark = str(failure)
        results.append({"receiver": receiver, "delivered": remark is None, "error": remark})
        if not as_json:
            print_marked("failed" if remark else "ok", f"{receiver}: {remark or 'delivered.'}")
    if as_json:
        print_json(results)
    return 0 if all(result["delivered"] for result in results) else 1
