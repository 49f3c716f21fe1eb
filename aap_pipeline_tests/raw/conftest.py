"""A simulated controller a session, and a cluster that names it a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from aap_pipeline.controller.manners import UNLIMITED, Manners
from aap_pipeline_tests.raw.rig import Rig, empty_world
from aap_pipeline_tests.servers import PostgresServer
from aap_simulator.server import SimulatorServer


@pytest.fixture(scope="session")
def shared_server(starts_server: None) -> Iterator[SimulatorServer]:
    """One simulator for all tests; each serves a world of its own from it."""
    with SimulatorServer(empty_world()) as server:
        yield server


@pytest.fixture
def server(shared_server: SimulatorServer) -> SimulatorServer:
    """The simulator with an empty world, no faults and a token that works."""
    shared_server.use(empty_world())
    shared_server.tokens.access_lifetime = shared_server.tokens.refresh_lifetime = None
    shared_server.token = shared_server.tokens.issue()
    return shared_server


@pytest.fixture
def limits(request: pytest.FixtureRequest) -> Manners:
    """The cluster's limits: none, or those of `WITHIN_ALL_LIMITS`."""
    return getattr(request, "param", UNLIMITED)


@pytest.fixture
def rig(server: SimulatorServer, database_url: str, limits: Manners) -> Iterator[Rig]:
    """A cluster that was never synced."""
    with closing(Rig(database_url, server, manners=limits)) as rig:
        yield rig


@pytest.fixture(scope="module")
def module_database_url(postgres: PostgresServer, template: str) -> Iterator[str]:
    """One migrated database for all examples of a property."""
    with postgres.database(template) as url:
        yield url
