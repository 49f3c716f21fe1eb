"""The code location on a database, a controller and a Dagster instance of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from dagster import DagsterInstance, ExecuteInProcessResult

from aap_pipeline.clusters.registry import NewCluster, save_clusters
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.manners import UNLIMITED
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import Cipher, new_key
from aap_pipeline.definitions import defs
from aap_pipeline.orchestration.jobs import update_cluster
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_simulator.server import SimulatorServer
from aap_simulator.synthetic import SyntheticWorld, synthetic

NO_PORT = 9
"""discard: nothing listens there."""


def small_world(**parameters: Any) -> SyntheticWorld:
    """A month of a small company, up to now."""
    now = datetime.now(UTC).replace(microsecond=0)
    small = {"templates": 4, "hosts": 20, "hosts_per_job": 3, "jobs": 40, "days": 30, **parameters}
    return synthetic(until=now - timedelta(minutes=2), **small)


class Listening(Protocol):
    """Any server on loopback."""

    @property
    def port(self) -> int:
        """Where it listens."""


@dataclass
class Site:
    """A warehouse with clusters, and the Dagster instance that runs jobs for them."""

    url: str
    cipher: Cipher
    instance: DagsterInstance
    servers: list[SimulatorServer] = field(default_factory=list)

    def register(self, name: str, server: SimulatorServer | Listening | None, **changes: Any) -> None:
        """A cluster at `server`; None: at an address where nothing answers. `changes` go to its tokens."""
        port = server.port if server else NO_PORT
        tokens = Tokens("no-token")
        if isinstance(server, SimulatorServer):
            pair = server.token
            tokens = Tokens(pair.access_token, pair.refresh_token, server.client_id, server.client_secret)
        entry = NewCluster(name, Endpoint("http", "127.0.0.1", port), replace(tokens, **changes), vars(UNLIMITED))
        with connect(self.url) as connection:
            save_clusters(connection, self.cipher, [entry])
        self.instance.add_dynamic_partitions(CLUSTERS.name or "", [name])

    def run(self, name: str, **config: object) -> ExecuteInProcessResult:
        """The main job for one cluster, as a run of Dagster."""
        return defs.resolve_job_def(update_cluster.name).execute_in_process(
            partition_key=name,
            instance=self.instance,
            run_config={"ops": {"raw__sync_data": {"config": config}}},
            raise_on_error=False,
        )

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of a statement."""
        with connect(self.url) as connection:
            return connection.execute(sql.encode(), parameters).fetchall()


@pytest.fixture
def site(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    """No cluster yet; the environment names the database and the key, as for a real code location."""
    key = new_key()
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", database_url)
    monkeypatch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", key)
    monkeypatch.setenv("AAP_PIPELINE_HOME", str(tmp_path))
    with DagsterInstance.ephemeral() as instance:
        yield Site(database_url, Cipher([key]), instance)


@pytest.fixture(scope="session")
def shared_controller(starts_server: None) -> Iterator[SimulatorServer]:
    """One simulator for all tests of the session."""
    with SimulatorServer(small_world()) as server:
        yield server


@pytest.fixture
def controller(shared_controller: SimulatorServer) -> SimulatorServer:
    """A controller with a small history, no faults and a token that works."""
    shared_controller.use(small_world())
    shared_controller.token = shared_controller.tokens.issue()
    return shared_controller
