"""`aap-pipeline reconcile`: hold what is here against the controllers' own counts."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from aap_pipeline.cli.context import warehouse
from aap_pipeline.cli.values import Day, require_range
from aap_pipeline.clusters.errors import cluster_errors
from aap_pipeline.clusters.registry import Cluster, chosen_clusters
from aap_pipeline.core import checks
from aap_pipeline.core.parse import parse
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import Cipher, cipher
from aap_pipeline.errors import PipelineError
from aap_pipeline.raw.reconcile import reconcile
from aap_pipeline.raw.session import SyncRequest
from aap_pipeline.reports.output import json_option, print_json
from aap_pipeline.settings import Settings

if TYPE_CHECKING:
    from aap_pipeline.raw.reconcile import Reconciliation

_NAMED_IDS = 20


@click.command("reconcile")
@click.option("--cluster", "names", multiple=True, metavar="NAME", help="Only this cluster; may be repeated.")
@click.option("--since", type=Day(), metavar="DAY", help="First day (UTC). Default: 90 days ago.")
@json_option
def command(names: tuple[str, ...], since: date | None, as_json: bool) -> int:
    """Prove, day by day, that nothing is missing: compare each day with the controller's own count, and mend it.

    Days that differ are read again, today up to the last sync, and what was missing is named and stored; savings follow
    with the next sync. What the controller has deleted since is not missing here. Host summaries that came after their
    deadline are fetched too, and so are jobs whose host statistics do not equal their host summaries. Costs one request
    per day.
    """
    require_range(since, None, ("--since", ""))
    settings = Settings()
    results: dict[str, Any] = {}
    failed = False
    with warehouse(settings) as url:
        with connect(url) as connection:
            chosen = chosen_clusters(connection, names, "reconcile")
        for cluster in chosen:
            try:
                found = _reconcile(url, cipher(settings), cluster, since)
            except PipelineError as error:
                failed = True
                results[cluster.name] = {"error": str(error)}
                click.echo(f"{cluster.name}: {error}", err=True)
                continue
            results[cluster.name] = asdict(found)
            failed = failed or not found.days
            if not as_json:
                _tell(cluster.name, found)
    if as_json:
        print_json(results)
    return 1 if failed else 0


def _reconcile(url: str, secrets: Cipher, cluster: Cluster, since: date | None) -> Reconciliation:
    request = SyncRequest(cluster, tell=partial(click.echo, err=True))
    with cluster_errors(cluster):
        with connect(url) as connection:
            wrong = checks.verified_totals(connection, cluster.id, checks.AUDIT_A_NIGHT).disagreeing
            doubted = {*wrong, *checks.provisional(connection, cluster.id)}
        found = reconcile(url, secrets, request, first=since, doubted=doubted)
        parse(url, cluster.id)
        with connect(url) as connection:
            checks.recount(connection, cluster.id, found.gone)
            connection.commit()
    return found


def _tell(name: str, found: Reconciliation) -> None:
    if found.again:
        click.echo(f"{name}: {len(found.again)} jobs were damaged and have been read again: {_ids(found.again)}")
    if found.gone:
        click.echo(
            f"{name}: {len(found.gone)} damaged jobs are no longer at the controller; their hosts were counted "
            f"from the host summaries that are here: {_ids(found.gone)}"
        )
    if not found.days:
        click.echo(f"{name}: no day was compared, so nothing is proved: see `aap-pipeline status`.", err=True)
    elif not found.missing and not found.late:
        more = f"; {len(found.differing)} have more here, which the controller deleted" if found.differing else ""
        click.echo(f"{name}: nothing is missing over {found.days} days{more}.")
    else:
        click.echo(f"{name}: {len(found.missing)} jobs were missing and are here now: {_ids(found.missing)}")
    if found.late:
        click.echo(f"{name}: {len(found.late)} jobs got host summaries that came late: {_ids(found.late)}")


def _ids(ids: tuple[int, ...]) -> str:
    more = f" and {len(ids) - _NAMED_IDS} more" if len(ids) > _NAMED_IDS else ""
    return (", ".join(map(str, ids[:_NAMED_IDS])) or "none") + more
