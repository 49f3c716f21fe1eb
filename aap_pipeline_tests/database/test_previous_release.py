"""The release before this commit, by its git tag: its migrations stay as they were, and its code runs on this schema.

`aap-pipeline migrate` of a new release may run while the old `up` still syncs: docs/releasing.md says how a release is
cut and what that asks of a migration.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import new_key
from aap_pipeline.database.migrate import migrate
from aap_pipeline_tests.cli.processes import environment
from aap_pipeline_tests.site import small_world
from aap_simulator.server import SimulatorServer
from aap_simulator.synthetic import SyntheticWorld

REPOSITORY = Path(__file__).parents[2]
FROZEN = "sql/migrations"
MIGRATED_AND_STILL_AT_IT = """
import sys
import aap_pipeline
assert aap_pipeline.__file__.startswith(sys.argv[1]), aap_pipeline.__file__
from dagster import DagsterInstance
from aap_pipeline.definitions import defs
from aap_pipeline.orchestration.jobs import update_cluster
from aap_pipeline.orchestration.partitions import CLUSTERS
with DagsterInstance.ephemeral() as instance:
    instance.add_dynamic_partitions(CLUSTERS.name, ["berlin"])
    job = defs.resolve_job_def(update_cluster.name)
    sys.exit(not job.execute_in_process(partition_key="berlin", instance=instance, raise_on_error=False).success)
"""
"""What a sensor of an `up` that has not been restarted runs: the version of the schema is looked at only at a start."""


def git(*arguments: str) -> bytes:
    """What git says of this repository; nothing where it cannot say."""
    command = ["git", "-C", str(REPOSITORY), *arguments]
    return subprocess.run(command, capture_output=True, check=False).stdout


@pytest.fixture(scope="module")
def release(starts_server: None) -> str:
    """The tag of the newest release among the commits before this one."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("This is no git checkout: there is no previous release to look at.")
    tags = git("tag", "--list", "v*", "--merged", "HEAD", "--no-contains", "HEAD", "--sort=-version:refname")
    released = [tag for tag in tags.decode().split() if re.fullmatch(r"v\d+\.\d+\.\d+", tag)]
    if not released:
        pytest.skip("No release tag (v1.2.3) is among the commits before this one; a shallow clone has none.")
    return released[0]


@pytest.fixture
def code(release: str, tmp_path: Path) -> Path:
    """The tree of that release."""
    folder = tmp_path / release
    with tarfile.open(fileobj=io.BytesIO(git("archive", "--format=tar", release))) as archive:
        archive.extractall(folder, filter="data")
    return folder


def test_migrations_that_were_released_stay_as_they_were(release: str) -> None:
    """Guards against an installation that never gets what was edited into a migration that it has run long ago."""
    changed = git("diff", "--name-status", "--no-renames", "--diff-filter=a", release, "--", FROZEN).decode()
    assert not changed, f"{release} has run these, so that a change wants a migration of its own:\n{changed}"


def test_the_code_of_the_previous_release_syncs_on_this_schema(
    code: Path, empty_database_url: str, tmp_path: Path
) -> None:
    """Guards against a migration that stops syncs from its begin to the restart of `up`, or has them write what the
    new release cannot read.
    """
    variables = environment(
        tmp_path / "home", AAP_PIPELINE_DATABASE_URL=empty_database_url, AAP_PIPELINE_ENCRYPTION_KEYS=new_key()
    )
    old = {**variables, "PYTHONPATH": str(code)}
    command = [sys.executable, "-m", "aap_pipeline.cli"]
    world = small_world()
    with SimulatorServer(world) as server:
        token = tmp_path / "token.txt"
        token.touch(0o600)
        token.write_text(server.token.access_token, encoding="utf-8")
        add = ["clusters", "add", server.url, "--name", "berlin", "--token-file", str(token)]
        for arguments in (["migrate"], add, ["sync"]):
            subprocess.run([*command, *arguments], cwd=code, env=old, check=True)
        assert_all_there(empty_database_url, world)

        migrate(empty_database_url)
        world.add_job()
        subprocess.run([sys.executable, "-c", MIGRATED_AND_STILL_AT_IT, str(code)], cwd=code, env=old, check=True)
        assert_all_there(empty_database_url, world)

        world.add_job()
        subprocess.run([*command, "sync"], env=variables, check=True)
        assert_all_there(empty_database_url, world)


def assert_all_there(url: str, world: SyntheticWorld) -> None:
    """Core has every finished job of the controller, and the marts each that counts."""
    with connect(url) as connection:
        stored = {row[0] for row in connection.execute("SELECT external_id FROM clusters_job")}
        counting = connection.execute(
            "SELECT count(*) FROM clusters_job WHERE status IN ('successful', 'failed') AND num_hosts > 0"
        ).fetchone()
        shown = connection.execute("SELECT sum(runs) FROM marts.savings_daily").fetchone()
    assert stored == world.truth().jobs.keys()
    assert shown == counting
