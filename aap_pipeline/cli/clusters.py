"""`aap-pipeline clusters`: the registry of controllers."""

import sys
from dataclasses import asdict, replace
from functools import partial
from getpass import getpass
from pathlib import Path
from typing import Any

import click

from aap_pipeline.cli.context import warehouse, warehouse_connection
from aap_pipeline.cli.values import file, text, with_options
from aap_pipeline.clusters import registry
from aap_pipeline.clusters.controllers import open_controller
from aap_pipeline.clusters.file import described, read_clusters_file
from aap_pipeline.controller.check import Finding, check
from aap_pipeline.controller.config import ClientSettings, Endpoint
from aap_pipeline.controller.secret_text import cleaned
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import cipher
from aap_pipeline.errors import PipelineError
from aap_pipeline.reports.output import cell, console, counted, json_option, print_json, print_marked, print_rows
from aap_pipeline.settings import Settings
from aap_simulator import DEMO_CLUSTERS

_FEW_RETRIES = ClientSettings(connect_timeout=5.0, read_timeout=30.0, retries=1)
_file_option = partial(click.option, type=text, metavar="FILE")
_OPTIONS = (
    _file_option("--token-file", "access_token_file", help="File that holds the access token."),
    click.option("--token-env", "access_token_env", type=text, metavar="NAME", help="Variable with the access token."),
    _file_option("--refresh-token-file", help="File that holds the refresh token."),
    click.option("--client-id", help="OAuth client id; required with a refresh token."),
    _file_option("--client-secret-file", help="File that holds the OAuth client's secret."),
    click.option("--max-concurrent-requests", type=int, metavar="N", help="Most requests in flight (default 4)."),
    click.option("--max-requests-per-second", type=float, metavar="N", help="Most requests per second (default 16)."),
    click.option(
        "--sync-window",
        metavar="HOURS",
        help='Hours of first syncs and backfills: "20:00-06:00 Europe/Berlin" (UTC without a zone), or always.',
    ),
    _file_option("--ca-bundle", help="PEM file of the CA that signed the certificate."),
)
"""The options of `clusters add` and `clusters update`, named as the keys of an entry in a file of clusters."""


@click.group("clusters")
def command() -> None:
    """Add, change, import, check and remove controllers.

    A cluster is one controller and one Dagster partition. Tokens are stored encrypted and never shown. Use a token
    with scope `read` whose user is a System Auditor (AAP 2.5 and later: Platform Auditor). It can read every job and
    change nothing.
    """


@command.command("add", short_help="Add a controller.")
@click.argument("url", type=text)
@click.option("--name", required=True, help="Name of the cluster; it cannot be changed later.")
@with_options(_OPTIONS)
@click.option("--no-verify-ssl", is_flag=True, help="Accept any certificate. Exposes the token to attackers.")
def add(no_verify_ssl: bool, **options: Any) -> None:
    """Add the controller at URL. If the cluster exists, replace its address and token and enable it.

    \b
      aap-pipeline clusters add https://aap.company.com --name prod --token-file token.txt
      aap-pipeline clusters add https://aap.company.com --name prod --token-file token.txt --ca-bundle company-ca.pem
      aap-pipeline clusters add https://tools.company.com/awx --name lab --token-file token.txt

    Without --token-file and --token-env the command prompts for the token, or reads it from standard input if that is
    not a terminal. Create a token in the controller's web interface: your user, "Tokens", scope "Read". To change
    single fields of a cluster, use `aap-pipeline clusters update`.
    """
    fields = _given(options) | {"verify_ssl": not no_verify_ssl}
    cluster = described(fields, token_needed=False)
    if not cluster.tokens.access:
        cluster = described(fields | {"access_token": _asked_token()})
    _save([cluster])
    click.echo(f"Next: aap-pipeline clusters check {cluster.name}")


@command.command("update", short_help="Change the address, CA, token or limits of a cluster.")
@click.argument("name")
@click.option("--url", type=text, help="New address of the controller.")
@with_options(_OPTIONS)
@click.option("--no-ca-bundle", is_flag=True, help="Trust the default CAs again.")
@click.option("--verify-ssl/--no-verify-ssl", default=None, help="Verify the certificate, or accept any.")
def update(name: str, no_ca_bundle: bool, verify_ssl: bool | None, **options: Any) -> None:
    """Change the given fields of cluster NAME. All others stay, and so does its history.

    \b
      aap-pipeline clusters update prod --ca-bundle company-ca.pem
      aap-pipeline clusters update prod --token-file token.txt
      aap-pipeline clusters update prod --url https://aap.company.com:8443
      aap-pipeline clusters update prod --max-requests-per-second 8 --sync-window "20:00-06:00 Europe/Berlin"

    A new access token replaces the old one and its refresh token. --ca-bundle turns certificate verification on.
    """
    given = _given(options)
    if "ca_bundle" in given and no_ca_bundle:
        raise click.UsageError("Use --ca-bundle or --no-ca-bundle, not both.")
    if no_ca_bundle:
        given["ca_bundle"] = ""
    if verify_ssl is not None or given.get("ca_bundle"):
        given["verify_ssl"] = verify_ssl is not False
    if not given:
        raise click.UsageError("Nothing to change: use --url, --ca-bundle, --token-file or another option.")
    settings = Settings()
    with warehouse_connection(settings) as connection:
        cluster = registry.cluster_named(connection, name)
        stored = asdict(cluster.endpoint) | asdict(cluster.manners)
        fields = {key: value for key, value in stored.items() if value is not None and key != "cluster"}
        changed = described({"name": name} | fields | given, token_needed=False)
        key = cipher(settings) if changed.tokens.secrets else None
        registry.change_cluster(connection, key, name, changed.endpoint, changed.tokens, changed.limits)
    click.echo(f"Updated cluster {name} at {changed.endpoint.base_url}.")
    _warn(name, changed.endpoint)
    click.echo(f"Next: aap-pipeline clusters check {name}")


@command.command("import", short_help="Add or update all clusters in a file, or none.")
@click.argument("file", type=file)
def import_file(file: Path) -> None:
    """Add or update all clusters in FILE. If any line is not valid, change nothing.

    \b
      clusters:
        - name: prod
          address: aap.company.com
          access_token_env: AAP_PROD_TOKEN      # or access_token_file, or access_token
        - name: lab
          protocol: https                       # the default
          address: aap-lab.company.com          # or url instead of protocol, address, port and api_prefix
          port: 8443                            # 443 by default
          api_prefix: /awx                      # only if the controller is served under a path
          verify_ssl: true                      # the default
          ca_bundle: /etc/ssl/company-ca.pem    # its content is stored
          access_token_file: lab-token.txt      # relative to this file
          refresh_token: …                      # with client_id and client_secret, to renew the token automatically;
                                                # or refresh_token_file and client_secret_file
          max_concurrent_requests: 4            # the default of new clusters, as in the next two lines
          max_requests_per_second: 16
          sync_window: always                   # or hours of first syncs and backfills: 20:00-06:00 Europe/Berlin
    """
    _save(read_clusters_file(file))
    click.echo("Next: aap-pipeline clusters check")


@command.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List all clusters.

    A token's expiry is shown if the controller reports it. `aap-pipeline up` queries it.
    """
    with warehouse_connection() as connection:
        rows = [_row(cluster) for cluster in registry.clusters(connection)]
    headers = {"name": "Name", "url": "Address", "product": "Product", "state": "State"}
    print_rows(headers | {"tls": "Certificate", "token": "Token expiry"}, rows, as_json=as_json)
    if not rows and not as_json:
        click.echo("To add a cluster, run `aap-pipeline clusters add URL --name NAME`.")


@command.command("check", short_help="Check that clusters can be read, and report what to fix.")
@click.argument("names", nargs=-1)
@json_option
def check_clusters(names: tuple[str, ...], as_json: bool) -> int:
    """Check that the clusters NAMES (default: all enabled clusters) can be read, and report what to fix."""
    settings = Settings()
    with warehouse(settings) as url:
        with connect(url) as connection:
            chosen = registry.chosen_clusters(connection, names, "check")
        secrets = cipher(settings)
        results = {cluster.name: _check(url, secrets, cluster) for cluster in chosen}
    if as_json:
        print_json({name: [asdict(finding) for finding in findings] for name, findings in results.items()})
    for name, findings in () if as_json else results.items():
        console().print(f"[bold]{name}[/]")
        for each in findings:
            print_marked(each.outcome, f"{each.name}: {each.sentence}", "  ")
            if each.remedy and each.outcome != "ok":
                console().print("    → ", cell(each.remedy), sep="")
    failed = any(finding.outcome == "failed" for findings in results.values() for finding in findings)
    return 1 if failed else 0


@command.command("disable")
@click.argument("name")
def disable(name: str) -> None:
    """Stop syncing cluster NAME; its history stays."""
    with warehouse_connection() as connection:
        registry.set_enabled(connection, name, enabled=False)
    click.echo(f"Cluster {name} is disabled. Its history stays. To resume, run `aap-pipeline clusters enable {name}`.")


@command.command("enable")
@click.argument("name")
def enable(name: str) -> None:
    """Resume syncing a disabled cluster from its watermark."""
    with warehouse_connection() as connection:
        registry.set_enabled(connection, name, enabled=True)
    click.echo(f"Cluster {name} is enabled.")


@command.command("remove")
@click.argument("name")
@click.option("--purge", "with_history", is_flag=True, help="Also delete its jobs, host summaries and savings.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def remove(name: str, with_history: bool, yes: bool) -> int:
    """Remove cluster NAME from the registry. Its history stays unless you give --purge."""
    with warehouse_connection() as connection:
        registry.cluster_named(connection, name)
        if not with_history:
            registry.set_enabled(connection, name, enabled=False, removed=True)
            click.echo(f"Removed cluster {name}. It is no longer synced; its history stays.")
            return 0
        try:
            if not yes and not click.confirm(f"Delete the whole history of cluster {name}? This cannot be undone"):
                click.echo("Nothing was deleted.")
                return 1
        except click.Abort:
            raise click.UsageError("No answer: standard input is empty. Use --yes.") from None
        jobs = registry.purge(connection, name)
    click.echo(f"Deleted cluster {name} and its {counted(jobs, 'job')}.")
    return 0


@command.command("rotate-key", short_help="Encrypt all tokens with a new key.")
def rotate() -> None:
    """Encrypt all tokens with the first of AAP_PIPELINE_ENCRYPTION_KEYS.

    \b
      1. aap-pipeline keys new
      2. put the new key before the old one: AAP_PIPELINE_ENCRYPTION_KEYS=NEW,OLD
      3. aap-pipeline clusters rotate-key
      4. drop the old key
    """
    settings = Settings()
    with warehouse_connection(settings) as connection:
        count = registry.rotate_key(connection, cipher(settings))
    click.echo(
        f"Encrypted the tokens of {counted(count, 'cluster')} with the first key. Older keys are no longer needed."
    )


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}


def _warn(name: str, endpoint: Endpoint) -> None:
    if endpoint.exposes_token:
        command = replace(endpoint, cluster=name).update(f"--url {endpoint.encrypted_url}")
        click.echo(f"Warning: {name}: the token will cross the network in clear text. Use https: {command}.", err=True)


def _asked_token() -> str:
    """Prompt for the access token without echo, or read all of standard input if it is not a terminal."""
    try:
        found = cleaned(getpass("Access token: ") if sys.stdin.isatty() else sys.stdin.read())
    except EOFError:
        found = ""
    if not found:
        raise click.UsageError("Access token: standard input is empty. Use --token-file FILE or --token-env NAME.")
    return found


def _save(entries: list[registry.NewCluster]) -> None:
    settings = Settings()
    with warehouse_connection(settings) as connection:
        added = registry.save_clusters(connection, cipher(settings), entries)
        demo = any(cluster.name in DEMO_CLUSTERS for cluster in registry.clusters(connection))
    for entry in entries:
        what = "Added" if added[entry.name] else "Updated"
        click.echo(f"{what} cluster {entry.name} at {entry.endpoint.base_url}.")
        _warn(entry.name, entry.endpoint)
    if demo:
        click.echo("Reports still count the demo's clusters. To delete them, run `aap-pipeline demo --remove`.")


def _check(url: str, secrets: Any, cluster: registry.Cluster) -> list[Finding]:
    from aap_pipeline.raw.rare_things import note_product

    asked_anew = replace(cluster, listed_at=None)  # probe the product again
    try:
        with open_controller(url, secrets, asked_anew, _FEW_RETRIES) as client:
            findings = list(check(client))
            if all(finding.outcome != "failed" for finding in findings):
                with connect(url) as connection:
                    note_product(connection, client, cluster.id)
                findings.append(_cost(url, secrets, cluster))
            return findings
    except PipelineError as error:  # before any request: its token, address or CA bundle cannot be used
        return [Finding("cluster", "failed", str(error))]


def _cost(url: str, secrets: Any, cluster: registry.Cluster) -> Finding:
    from aap_pipeline.raw.sync import SyncRequest, dry_run

    try:
        found = dry_run(url, secrets, SyncRequest(cluster, client_settings=_FEW_RETRIES))
    except PipelineError as error:
        return Finding("cost", "warning", f"Cannot estimate the cost of the next sync: {error}", "Check again.")
    return Finding("cost", "ok", f"The next sync reads {counted(found.new_jobs, 'new job')} {found.way}: {found.cost}.")


def _row(cluster: registry.Cluster) -> dict[str, Any]:
    endpoint, end, seen = cluster.endpoint, cluster.token_end, cluster.product_version is not None
    verified = "verified" if seen else "not seen yet"  # only a connection that succeeded verifies a certificate
    return {
        "name": cluster.name,
        "url": endpoint.base_url,
        "product": cluster.product if seen else "not connected yet",
        "state": "removed" if cluster.removed_at else "enabled" if cluster.enabled else "disabled",
        "tls": "none (http)" if endpoint.protocol == "http" else verified if endpoint.verify_ssl else "not verified",
        "token": f"{'' if end.exact else 'by '}{end.at:%Y-%m-%d}" if end else "unknown",
        "token_ends_at": end.at if end else None,
        "token_end_exact": end.exact if end else None,
    }
