"""When the token ends that we ask with, as the products tell it: exactly, at the latest, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from aap_pipeline.controller.auth import TokenEnd, Tokens
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.config import ClientSettings, Endpoint
from aap_pipeline.controller.own_token import token_end
from aap_pipeline_tests.controller.tokens import MemoryTokenStore
from aap_simulator.faults import Fault
from aap_simulator.server import SimulatorServer, replay
from aap_simulator.tokens import ADMIN, AUDITOR, PLAIN, Account

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
YEAR = timedelta(days=365)


@contextmanager
def asking(server: SimulatorServer) -> Iterator[ControllerClient]:
    """A client with the server's token."""
    store = MemoryTokenStore(Tokens(server.token.access_token))
    settings = ClientSettings(retries=0, clock=server.world.clock.now)
    with ControllerClient(Endpoint("http", "127.0.0.1", server.port), store, settings) as client:
        yield client


@pytest.fixture(params=["awx", "aap24", "aap25"])
def server(starts_server: None, request: pytest.FixtureRequest) -> Iterator[SimulatorServer]:
    """A controller of each kind whose clock stands, and whose tokens live for a year from then on."""
    with replay(request.param) as server:
        server.world.clock.freeze(NOW)
        server.tokens.set_lifetimes(access=YEAR.total_seconds())
        yield server


def issue(server: SimulatorServer, account: Account, life: timedelta, *, used: bool) -> None:
    """One more token of `account` that lives for `life`."""
    server.tokens.access_lifetime = life
    pair = server.tokens.issue(account)
    if used:
        assert server.tokens.account_of(f"Bearer {pair.access_token}") is account


def test_the_end_is_that_of_the_token_which_asks(server: SimulatorServer) -> None:
    """Guards against an alarm about a token of the same user that lies in a drawer, or about somebody else's."""
    issue(server, AUDITOR, timedelta(days=1), used=True)
    server.world.clock.freeze(NOW + timedelta(minutes=5))
    issue(server, AUDITOR, timedelta(days=2), used=False)
    issue(server, ADMIN, timedelta(days=3), used=True)
    issue(server, PLAIN, timedelta(days=4), used=True)
    with asking(server) as client:
        client.product()
        before = client.statistics.requests
        assert token_end(client) == TokenEnd(NOW + YEAR, exact=True)
        assert client.statistics.requests - before == 2


def test_where_two_tokens_of_the_user_are_in_use_the_later_end_is_certain(server: SimulatorServer) -> None:
    """Guards against a guess: the end that is told might be the other one's."""
    issue(server, AUDITOR, timedelta(days=2), used=True)
    with asking(server) as client:
        assert token_end(client) == TokenEnd(NOW + YEAR, exact=False)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(
            "status",
            paths=frozenset(
                {
                    "tokens",
                }
            ),
            statuses=(403,),
        ),
        Fault("status", paths=frozenset({"me", "gateway_me"}), statuses=(404,)),
        Fault(
            "status",
            paths=frozenset(
                {
                    "tokens",
                }
            ),
            statuses=(500,),
        ),
        Fault("html_404", paths=frozenset({"tokens"})),
        Fault("maintenance", paths=frozenset({"tokens"})),
        Fault("truncate", paths=frozenset({"tokens"})),
    ],
    ids=lambda fault: f"{fault.kind}-{min(fault.paths)}",
)
def test_a_controller_that_does_not_tell_is_no_error(server: SimulatorServer, fault: Fault) -> None:
    """Guards against a sensor that fails over a question which nobody needs the answer to."""
    server.faults.add(fault)
    with asking(server) as client:
        assert token_end(client) is None


def test_a_user_who_sees_no_job_learns_the_end_too(server: SimulatorServer) -> None:
    """Guards against a question that only administrators may ask."""
    server.tokens.belong_to(PLAIN)
    with asking(server) as client:
        assert token_end(client) == TokenEnd(NOW + YEAR, exact=True)
