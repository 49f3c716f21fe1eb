"""`reconcile`, `rejected` and `rebuild`: what mends a copy that is not what it should be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from aap_pipeline.clusters.registry import NewCluster, cluster_named, save_clusters
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.core.parse import parse
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.encryption import Cipher, new_key
from aap_pipeline.raw.sync import SyncRequest, sync_cluster
from aap_pipeline_tests.cli.conftest import Cli
from aap_pipeline_tests.core.helpers import add_cluster, add_raw, job
from aap_simulator.server import SimulatorServer
from aap_simulator.synthetic import synthetic


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    """A controller with thirty days of jobs."""
    until = datetime.now(UTC) - timedelta(hours=1)
    with SimulatorServer(synthetic(jobs=60, days=30, until=until, odd_cases=False, hosts_per_job=2)) as server:
        yield server


@pytest.fixture
def synced(server: SimulatorServer, connection: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cluster prod, synced and parsed."""
    key = new_key()
    monkeypatch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", key)
    entry = NewCluster("prod", Endpoint("http", "127.0.0.1", server.port), Tokens(server.token.access_token))
    save_clusters(connection, Cipher([key]), [entry])
    connection.commit()
    cluster = cluster_named(connection, "prod")
    connection.commit()
    sync_cluster(database_url, Cipher([key]), SyncRequest(cluster))
    parse(database_url, cluster.id)


def test_reconcile_names_and_fetches_what_is_missing(
    cli: Cli, synced: None, server: SimulatorServer, connection: Connection
) -> None:
    """Guards against a proof that cannot fail: a row deleted by hand must be found."""
    assert "no job is missing" in cli("reconcile").out
    row = connection.execute(
        "DELETE FROM clusters_job WHERE external_id = (SELECT external_id FROM clusters_job ORDER BY finished LIMIT 1) "
        "RETURNING external_id"
    ).fetchone()
    connection.commit()
    assert row is not None
    told = cli("reconcile")
    assert (told.status, told.out) == (0, f"prod: 1 job was missing and is now stored: {row[0]}\n")
    found = connection.execute("SELECT count(*) FROM clusters_job WHERE external_id = %s", row).fetchone()
    assert found == (1,)


def test_reconcile_of_a_dead_controller_is_one_line_and_status_1(
    cli: Cli, synced: None, server: SimulatorServer
) -> None:
    """Guards against a proof that passes because nobody answered."""
    server.stop()
    told = cli("reconcile", "--json")
    assert told.status == 1
    assert "Cannot connect to" in json.loads(told.out)["prod"]["error"]


def test_rejected_documents_are_listed_shown_and_replayed(
    cli: Cli, synced: None, connection: Connection, database_url: str
) -> None:
    """Guards against a quarantine that nobody can look into or empty."""
    assert "The quarantine is empty" in cli("rejected", "list").out
    row = connection.execute("SELECT id FROM clusters_cluster").fetchone()
    assert row is not None
    document = json.dumps({"id": 7, "status": "lost", "name": "x", "job_host_summaries": []})
    connection.execute(
        "INSERT INTO clusters_clustersyncdata (cluster_id, external_id, data) VALUES (%s, 7, %s)", (row[0], document)
    )
    connection.commit()
    parse(database_url, row[0])
    (record,) = json.loads(cli("rejected", "list", "--json").out)
    assert (record["external_id"], record["reason"]) == (7, "unknown_status")
    assert json.loads(cli("rejected", "show", str(record["id"])).out) == json.loads(document)
    told = cli("rejected", "replay")
    assert (told.status, told.out) == (1, "0 documents were stored; in quarantine: 1.\n")
    told = cli("rejected", "replay", str(record["id"]), "998", "999")
    assert (told.status, told.out) == (1, "")
    assert "has id 998, 999" in told.err
    understood = json.dumps({**json.loads(document), "status": "new", "created": "2026-01-01T00:00:00Z"})
    connection.execute("UPDATE pipeline.rejected_record SET document = %s", [understood])
    connection.commit()
    told = cli("rejected", "replay", str(record["id"]))
    assert (told.status, told.out) == (0, "1 document was stored; in quarantine: 0.\n")
    assert "has id 999" in cli("rejected", "show", "999").err
    beyond = str(2**63)
    for command in (["list", "--limit", "-1"], ["list", "--limit", beyond], ["show", beyond], ["replay", beyond]):
        assert cli("rejected", *command).status == 2


def test_core_is_rebuilt_where_documents_were_kept(
    cli: Cli, synced: None, connection: Connection, database_url: str
) -> None:
    """Guards against one cluster without an archive in whose name the others are not rebuilt."""
    row = connection.execute("SELECT id FROM clusters_cluster").fetchone()
    assert row is not None
    add_cluster(connection, "a.new.one")
    told = cli("rebuild", "core")
    assert told.status == 1
    assert "prod: The archive has no documents" in told.err
    assert "raw_retention_days" in told.err
    assert cli("settings", "set", "raw_retention_days", "30").status == 0
    add_raw(connection, row[0], [job(7, name="kept")])
    parse(database_url, row[0])
    connection.execute("UPDATE clusters_job SET name = 'damaged'")
    connection.commit()
    told = cli("rebuild", "core")
    assert told.status == 1
    assert "a.new.one:443: The archive has no documents" in told.err
    assert told.out.startswith("prod: 1 job rebuilt in ")
    assert cli("rebuild", "core", "--cluster", "prod").status == 0
    assert connection.execute("SELECT name FROM clusters_job WHERE external_id = 7").fetchone() == ("kept",)


def test_rebuilding_the_marts_gives_the_same_savings(cli: Cli, synced: None, connection: Connection) -> None:
    """Guards against a command that does not reach the function that the tests of the marts prove."""
    assert "days rebuilt" in cli("rebuild", "marts").out
    before = json.loads(cli("report", "--json").out)["totals"]
    assert cli("rebuild", "marts", "--cluster", "prod").status == 0
    assert json.loads(cli("report", "--json").out)["totals"] == before
    assert before["runs"] > 0
