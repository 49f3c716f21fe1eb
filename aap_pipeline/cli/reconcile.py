"""`aap-pipeline reconcile`: compare the stored jobs with the controllers' own counts."""

from datetime import date
from functools import partial

import click

from aap_pipeline.cli.context import each_cluster, warehouse
from aap_pipeline.cli.values import day_option, require_range
from aap_pipeline.clusters.controllers import cluster_errors
from aap_pipeline.clusters.registry import Cluster, chosen_clusters
from aap_pipeline.core import checks
from aap_pipeline.core.parse import parse
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import Cipher, cipher
from aap_pipeline.raw.reconcile import Reconciliation, reconcile
from aap_pipeline.raw.session import SyncRequest
from aap_pipeline.reports.output import counted, json_option, listed
from aap_pipeline.settings import Settings


@click.command("reconcile")
@click.option("--cluster", "names", multiple=True, metavar="NAME", help="Only this cluster; may be repeated.")
@day_option("--since", help="First day (UTC). Default: 90 days ago.")
@json_option
def command(names: tuple[str, ...], since: date | None, as_json: bool) -> int:
    """Prove that no job is missing: compare each day's count with the controller's, and fetch what differs.

    Days that differ are read again (today: up to the last sync), and missing jobs are listed and stored. Jobs that the
    controller has deleted are not missing. The command also fetches late host summaries, and jobs whose host totals
    differ from their host summaries. It costs one request per day. The next sync recomputes the savings.
    """
    require_range(since, None, ("--since", ""))
    settings = Settings()
    with warehouse(settings) as url:
        with connect(url) as connection:
            chosen = chosen_clusters(connection, names, "reconcile")
        work = partial(_reconcile, url, cipher(settings), since)
        found, all_worked = each_cluster(chosen, work, _print, as_json=as_json)
    return 0 if all_worked and all(each.days for each in found) else 1


def _reconcile(url: str, secrets: Cipher, since: date | None, cluster: Cluster) -> Reconciliation:
    request = SyncRequest(cluster, notify=partial(click.echo, err=True))
    with cluster_errors(cluster):
        with connect(url) as connection:
            _, wrong = checks.host_totals(connection, cluster.id)
            doubted = {*wrong, *checks.provisional(connection, cluster.id)}
        found = reconcile(url, secrets, request, first=since, doubted=doubted)
        parse(url, cluster.id)
        with connect(url) as connection:
            checks.recount(connection, cluster.id, found.gone)
            connection.commit()
    return found


def _print(name: str, found: Reconciliation) -> None:
    for ids, one, many, what in (
        (found.again, "job was", "jobs were", "read again because of wrong host totals"),
        (found.gone, "job was", "jobs were", "recounted from the stored host summaries, deleted by the controller"),
        (found.missing, "job was missing and is", "jobs were missing and are", "now stored"),
        (found.late, "job", "jobs", "got late host summaries"),
    ):
        if ids:
            click.echo(f"{name}: {counted(len(ids), one, many)} {what}: {listed(ids)}")
    if not found.days:
        click.echo(f"{name}: no day was compared, so nothing is proved. Run `aap-pipeline status`.", err=True)
    elif not found.missing and not found.late:
        days = counted(len(found.differing), "day")
        more = f"; the controller has deleted jobs of {days}" if found.differing else ""
        click.echo(f"{name}: no job is missing in {counted(found.days, 'day')}{more}.")
