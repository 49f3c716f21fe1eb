"""Processes that are killed with -9, and a database that crashes: nothing lost, nothing doubled.

AAP_PIPELINE_KILLS says how often (4); AAP_PIPELINE_KILLS_COMMAND=1 kills the whole `aap-pipeline sync` instead of a
process that does nothing but the raw stage.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aap_pipeline.controller.manners import Manners
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import Cipher, new_key
from aap_pipeline.database.errors import DatabaseUnreachable
from aap_pipeline.database.migrate import migrate
from aap_pipeline.embedded.server import EmbeddedServer
from aap_pipeline.errors import PipelineError
from aap_pipeline_tests.raw.rig import WITHIN_ALL_LIMITS, Rig, assert_raw_is_truth, filled_world, stored_jobs, true_jobs
from aap_simulator.server import SimulatorServer
from aap_simulator.world import World

pytestmark = WITHIN_ALL_LIMITS
KILLS = int(os.environ.get("AAP_PIPELINE_KILLS", "4"))
COMMAND = os.environ.get("AAP_PIPELINE_KILLS_COMMAND") == "1"
RAW_STAGE = """
import sys
from aap_pipeline.clusters.registry import cluster_named
from aap_pipeline.raw.sync import SyncRequest, sync_cluster
from aap_pipeline.settings import Settings
from aap_pipeline.controller.manners import Manners
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import cipher
url = Settings().database_url.get_secret_value()
with connect(url) as connection:
    cluster = cluster_named(connection, "prod")
sync_cluster(url, cipher(Settings()), SyncRequest(cluster))
"""


@pytest.fixture
def limits(limits: Manners) -> Manners:
    """The limits, at a rate for which a process really waits."""
    return replace(limits, max_requests_per_second=max(limits.max_requests_per_second, 100))


def start(rig: Rig, key: str, home: Path) -> subprocess.Popen[bytes]:
    """A sync in a process of its own."""
    environment = {
        **os.environ,
        "AAP_PIPELINE_DATABASE_URL": rig.database_url,
        "AAP_PIPELINE_ENCRYPTION_KEYS": key,
        "AAP_PIPELINE_HOME": str(home),
    }
    what = ["-m", "aap_pipeline.cli", "sync"] if COMMAND else ["-c", RAW_STAGE]
    return subprocess.Popen(
        [sys.executable, *what], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def wait_for(child: subprocess.Popen[bytes], server: SimulatorServer, requests: int) -> None:
    """Wait until the child has asked so much, or for its end."""
    while server.log.total < requests:
        try:
            child.wait(timeout=0.002)
            break
        except subprocess.TimeoutExpired:
            continue


def crash(database_url: str) -> bool:
    """Kill the backend of the sync, if there is one: the server restarts all of itself and recovers from its log."""
    with connect(database_url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'aap_pipeline sync'"
        ).fetchone()
    if row is not None:
        os.kill(row[0], signal.SIGKILL)
    return row is not None


def test_a_sync_killed_at_any_instant_loses_and_doubles_nothing(
    server: SimulatorServer, own_server: EmbeddedServer, tmp_path: Path, limits: Manners
) -> None:
    """Guards against a watermark that is committed without its rows, or rows without their watermark."""
    key, url, crashes = new_key(), migrated(own_server), 0
    # The command goes by today's date where the pipeline's own days matter; the raw stage knows the controller's only.
    now = datetime.now(UTC).replace(microsecond=0)
    world = filled_world(now, jobs=260 + 60 * KILLS, days=60)  # more than all that are killed come to
    server.use(world)
    draw = random.Random(os.environ.get("AAP_PIPELINE_SEED", "raw"))
    for number in range(KILLS):
        with closing(Rig(url, server, cipher=Cipher([key]), manners=limits)) as rig:
            rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '40') ON CONFLICT DO NOTHING")
            server.log.clear()
            child = start(rig, key, tmp_path)
            wait_for(child, server, draw.randrange(3, 90))
            assert child.poll() is None
        if KILLS // 2 <= number < KILLS // 2 + 1 + KILLS // 10:  # in the middle it is the database that is killed
            crashes += crash(url)
            child.wait(120)
            wait_until_up(url)
        else:
            child.send_signal(signal.SIGKILL)
            child.wait()
        with closing(Rig(url, server, cipher=Cipher([key]), manners=limits)) as rig:
            assert_behind_the_watermark_all_is_here(rig, world)
        if draw.random() < 0.3:
            world.add_job(finished=world.clock.now() - timedelta(minutes=draw.randrange(6)))
    assert crashes
    with closing(Rig(url, server, cipher=Cipher([key]), manners=limits)) as rig:
        child = start(rig, key, tmp_path)
        assert child.wait(300) == 0
        if not COMMAND:
            assert_raw_is_truth(rig)
        rig.parse()
        truth = true_jobs(world.truth().jobs)
        assert {number: job for number, (job, _) in stored_jobs(rig).items()} == truth


def test_a_server_that_refuses_the_last_rows_of_a_slice_keeps_the_watermark(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a watermark in a transaction of its own, which a kill between the two would leave without rows."""
    server.use(filled_world(jobs=5))
    rig.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$"
    )
    rig.execute(
        "CREATE TRIGGER refusing BEFORE INSERT ON clusters_clustersyncdata FOR EACH ROW WHEN (NEW.kind = 'job') "
        "EXECUTE FUNCTION refuse()"
    )
    with pytest.raises(PipelineError, match="no room"):
        rig.sync()
    assert rig.watermark is None
    rig.execute("DROP TRIGGER refusing ON clusters_clustersyncdata")
    rig.sync()
    assert_raw_is_truth(rig)
    assert rig.watermark == server.world.newest_finished()


def assert_behind_the_watermark_all_is_here(rig: Rig, world: World) -> None:
    """What the watermark promises: no job that finished before it is missing."""
    reached = rig.watermark
    if reached is not None:
        stored = stored_jobs(rig).keys()
        overlap = timedelta(minutes=10)  # jobs that turned up behind the watermark come with the next sync
        assert {n for n, job in true_jobs(world.truth().jobs).items() if job.finished <= reached - overlap} <= stored


@pytest.fixture
def own_server(starts_server: None, tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A PostgreSQL that a test may crash."""
    tmp_path.chmod(0o711)
    server = EmbeddedServer(tmp_path / "postgres")
    server.start()
    yield server
    server.stop()


def migrated(server: EmbeddedServer) -> str:
    """The URL of its database, with the tables in it."""
    url = server.running_url()
    assert url is not None
    migrate(url)
    return url


def test_a_database_that_crashes_in_the_middle_loses_nothing(
    server: SimulatorServer, own_server: EmbeddedServer, limits: Manners
) -> None:
    """Guards against a sync that reports success, or a watermark that is kept, when PostgreSQL dies under it."""
    url = migrated(own_server)
    world = filled_world(jobs=150)
    server.use(world)
    crashes = 0

    def crashing(_: object) -> None:
        nonlocal crashes
        if crashes < 2:
            assert crash(url)
            crashes += 1

    key = new_key()
    for _ in range(2):
        wait_until_up(url)
        with closing(Rig(url, server, cipher=Cipher([key]), manners=limits)) as rig:
            rig.execute(
                "INSERT INTO common_settings (type, value) VALUES ('slice_jobs', '20'), ('sync_workers', '2') "
                "ON CONFLICT DO NOTHING"
            )
            with pytest.raises(DatabaseUnreachable):
                rig.sync(progress=crashing)
    wait_until_up(url)
    with closing(Rig(url, server, cipher=Cipher([key]), manners=limits)) as rig:
        rig.sync()
        assert_raw_is_truth(rig)


def wait_until_up(url: str) -> None:
    """Recovery takes a moment."""
    for _ in range(10_000):
        try:
            connect(url).close()
        except PipelineError:
            continue
        return
