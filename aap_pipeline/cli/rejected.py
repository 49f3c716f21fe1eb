"""`aap-pipeline rejected`: quarantined documents."""

import click

from aap_pipeline.cli.context import warehouse, warehouse_connection
from aap_pipeline.cli.values import Whole
from aap_pipeline.clusters.registry import cluster_named
from aap_pipeline.core.rejected import list_rejected, replay, show
from aap_pipeline.reports.output import counted, json_option, plain, print_rows

_ID = Whole(1, 2**63 - 1)


@click.group("rejected")
def command() -> None:
    """Show and replay quarantined documents.

    A record that is not valid (no id, unknown status, number out of range …) is stored whole, with the reason. All
    other records are processed. After an upgrade that accepts such records, replay them.
    """


@command.command("list", short_help="List quarantined documents.")
@click.option("--cluster", metavar="NAME", help="Only this cluster.")
@click.option("--reason", metavar="CODE", help="Only this reason.")
@click.option("--limit", type=Whole(1, 1_000_000), default=100, show_default=True, help="List at most N documents.")
@json_option
def list_all(cluster: str | None, reason: str | None, limit: int, as_json: bool) -> None:
    """List quarantined documents, the last rejected first."""
    with warehouse_connection() as connection:
        cluster_id = cluster_named(connection, cluster).id if cluster else None
        found = list_rejected(connection, cluster_id, reason, limit)
    headers = {"id": "Id", "cluster": "Cluster", "kind": "Kind", "external_id": "Controller's id", "reason": "Reason"}
    headers |= {"message": "Error", "attempts": "Attempts", "last_rejected": "Last rejected (UTC)"}
    print_rows(headers, found, as_json=as_json, id=str, external_id=plain)
    if not found and not as_json:
        click.echo("No quarantined document matches." if cluster or reason else "The quarantine is empty.")


@command.command("show", short_help="Print one document.")
@click.argument("record", type=_ID)
def show_one(record: int) -> None:
    """Print the stored JSON of RECORD, an id from `aap-pipeline rejected list`."""
    with warehouse_connection() as connection:
        found = show(connection, record)
    click.echo("{cluster}, {kind} {external_id}: {message}".format(**found), err=True)
    click.echo(found["document"])


@command.command("replay", short_help="Process documents again.")
@click.argument("records", type=_ID, nargs=-1)
def replay_some(records: tuple[int, ...]) -> int:
    """Process quarantined RECORDS (default: all) again, for example after an upgrade.

    The next sync recomputes the savings.
    """
    with warehouse() as url:
        result = replay(url, records or None)
    stored = result.documents - result.rejected
    click.echo(f"{counted(stored, 'document was', 'documents were')} stored; in quarantine: {result.rejected:,}.")
    return 1 if result.rejected else 0
