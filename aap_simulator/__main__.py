"""`python -m aap_simulator`: run one or several simulated controllers."""

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

import click

from aap_pipeline.errors import PipelineError
from aap_simulator.faults import KINDS, FaultPlan, parse_fault
from aap_simulator.products import PRODUCTS
from aap_simulator.replay import FOLDERS
from aap_simulator.server import SimulatorServer, replay
from aap_simulator.synthetic import SyntheticWorld, synthetic
from aap_simulator.tokens import AUDITOR, PLAIN, TokenPair

EPILOG = """\b
Examples:
  # 2,000 jobs of a year, on a free port; the URL and the tokens are printed
  python -m aap_simulator
  # the recorded answers of real controllers: AAP 2.4, AAP 2.5 and AWX, one port each
  python -m aap_simulator --replay all
  # a busy AAP 2.6, slow and unreliable, that finishes 12 new jobs a minute
  python -m aap_simulator --product aap26 --live 12 --latency 20 \\
      --fault status:0.1:statuses=502+503,retry_after=1 --fault reset:0.02

\b
Faults (KIND[:PROBABILITY[:OPTION=VALUE,...]]; options: times, skip, paths, statuses, retry_after, seconds, size, host):
""" + "\n".join(f"  {kind:<17} {what}" for kind, what in KINDS.items())


@click.command(epilog=EPILOG)
@click.option(
    "--replay",
    "replayed",
    type=click.Choice([*FOLDERS, "all"]),
    help="Replay recorded responses instead of synthetic jobs.",
)
@click.option(
    "--product",
    type=click.Choice(list(PRODUCTS)),
    default="awx",
    show_default=True,
    help="Product to simulate (synthetic).",
)
@click.option("--seed", default=1, show_default=True, help="The same seed and sizes give the same jobs.")
@click.option("--jobs", default=2000, show_default=True, help="Jobs in the history.")
@click.option("--days", default=365, show_default=True, help="Days that the history covers.")
@click.option("--templates", default=40, show_default=True, help="Job templates.")
@click.option("--organizations", default=6, show_default=True, help="Organizations.")
@click.option("--hosts", default=300, show_default=True, help="Hosts in the inventories.")
@click.option("--hosts-per-job", default=8.0, show_default=True, help="Hosts per job, on average.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    metavar="TIME",
    help="End of the history, UTC, 2026-01-31 or 2026-01-31T06:00:00Z (default: this hour).",
)
@click.option("--plain", is_flag=True, help="No odd cases, and the same number of hosts for every job.")
@click.option("--live", default=0.0, metavar="JOBS_PER_MINUTE", help="Keep finishing new jobs at this rate.")
@click.option("--host", "address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default=True, help="Port; 0 selects a free one.")
@click.option("--certfile", type=click.Path(exists=True), help="Certificate (PEM): serve HTTPS.")
@click.option("--keyfile", type=click.Path(exists=True), help="Its key (PEM).")
@click.option("--latency", default=0.0, metavar="MILLISECONDS", help="Delay every response this long.")
@click.option("--slowness", default=0.0, metavar="FACTOR", help="Wait this share of a real controller's time.")
@click.option("--fault", "faults", multiple=True, metavar="FAULT", help="Switch a fault on; repeatable, see below.")
@click.option("--fault-seed", default=0, show_default=True, help="Seed of the faults' draws.")
@click.option(
    "--skew", default=0.0, metavar="SECONDS", help="Let the controller's clock be fast (or slow, if negative)."
)
@click.option("--token-lifetime", type=float, metavar="SECONDS", help="Access tokens expire after this long.")
@click.option("--access-token", help="Accept this token (default: a random one, printed).")
@click.option("--refresh-token", help="Its refresh token.")
@click.option("--plain-user", is_flag=True, help="The token belongs to a user who cannot see any job.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per server.")
@click.option(
    "--until-stdin-closes", is_flag=True, help="Stop at the end of standard input, to end with the parent process."
)
def main(
    *,
    replayed: str | None,
    product: str,
    seed: int,
    jobs: int,
    days: int,
    templates: int,
    organizations: int,
    hosts: int,
    hosts_per_job: float,
    until: datetime | None,
    plain: bool,
    live: float,
    address: str,
    port: int,
    certfile: str | None,
    keyfile: str | None,
    latency: float,
    slowness: float,
    faults: tuple[str, ...],
    fault_seed: int,
    skew: float,
    token_lifetime: float | None,
    access_token: str | None,
    refresh_token: str | None,
    plain_user: bool,
    as_json: bool,
    until_stdin_closes: bool,
) -> None:
    """Simulate the REST API of an Ansible Automation Platform controller, with a synthetic or recorded job history."""
    try:
        plan = FaultPlan(fault_seed, map(parse_fault, faults), latency=latency / 1000, slowness=slowness)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--fault") from error
    token = TokenPair(access_token, refresh_token or f"refresh-{access_token}") if access_token else None
    account = PLAIN if plain_user else AUDITOR
    options: dict[str, Any] = {"faults": plan, "host": address, "account": account, "token": token}
    options |= {"certfile": certfile, "keyfile": keyfile}
    if replayed:
        names = list(FOLDERS) if replayed == "all" else [replayed]
        servers = [replay(name, port=port and port + index, **options) for index, name in enumerate(names)]
    else:
        sizes: dict[str, Any] = {"seed": seed, "jobs": jobs, "days": days, "templates": templates}
        sizes |= {"organizations": organizations, "hosts": hosts, "hosts_per_job": hosts_per_job}
        sizes |= {"spread": not plain, "odd_cases": not plain}
        if until:
            sizes["until"] = until.replace(tzinfo=UTC)
        servers = [SimulatorServer(synthetic(product, **sizes), port=port, **options)]
    for server in servers:
        server.world.clock.skew = timedelta(seconds=skew)
        server.tokens.set_lifetimes(access=token_lifetime)
    _run(servers, live, as_json=as_json, until_stdin_closes=until_stdin_closes)


def _run(servers: list[SimulatorServer], live: float, *, as_json: bool, until_stdin_closes: bool) -> None:
    over = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with contextlib.ExitStack() as stack:
        for server in servers:
            try:
                stack.enter_context(server)
            except PipelineError as error:
                raise click.ClickException(str(error)) from error
            if live and isinstance(server.world, SyntheticWorld):
                server.world.live(live)
            _tell(server, as_json=as_json)
        if until_stdin_closes:
            threading.Thread(target=_watch_stdin, args=(over,), daemon=True).start()
        over.wait()


def _watch_stdin(over: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    over.set()


def _tell(server: SimulatorServer, *, as_json: bool) -> None:
    fields = dict(_facts(server))
    if as_json:
        click.echo(json.dumps(fields))
    else:
        click.echo(f"{fields.pop('product')} on {fields.pop('url')} ({fields.pop('jobs')} jobs)")
        for name, value in fields.items():
            click.echo(f"  {name + ':':<15} {value}")
    sys.stdout.flush()


def _facts(server: SimulatorServer) -> Iterator[tuple[str, str | int]]:
    yield "product", server.world.product.name
    yield "url", server.url
    yield "jobs", len(server.world.jobs)
    yield "access_token", server.token.access_token
    yield "refresh_token", server.token.refresh_token
    yield "client_id", server.client_id
    yield "client_secret", server.client_secret


if __name__ == "__main__":
    main()
