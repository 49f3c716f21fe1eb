"""The pipeline under the commands of Dagster, as a newcomer starts them in a clone: no variables, no `up`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aap_pipeline.database.connection import connect
from aap_pipeline.embedded.server import EmbeddedServer
from aap_pipeline_tests.cli.processes import import_clusters, left_running
from aap_pipeline_tests.runtime.running import Web, free_port, wait_for
from aap_pipeline_tests.site import small_world
from aap_simulator.server import SimulatorServer

pytestmark = pytest.mark.usefixtures("starts_server")

_ROOT = Path(__file__).resolve().parents[2]
_BIN = Path(sys.executable).parent


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A folder with the files of a clone that Dagster reads; nothing that its processes started outlives the test."""
    for name in ("dagster.yaml", "pyproject.toml"):
        shutil.copy(_ROOT / name, tmp_path)
    (tmp_path / "aap_pipeline").symlink_to(_ROOT / "aap_pipeline")
    yield tmp_path
    wait_for(lambda: not left_running(tmp_path))


def plain(folder: Path, **variables: str) -> dict[str, str]:
    """The environment of a newcomer."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AAP_", "DAGSTER"))}
    python_path = f"{_BIN}{os.pathsep}{inherited['PATH']}"
    return {**inherited, "PATH": python_path, "PYTHONPATH": str(_ROOT), "PWD": str(folder), **variables}


def dagster(folder: Path, *arguments: str, **variables: str) -> str:
    """What one of Dagster's commands prints; it must succeed."""
    done = subprocess.run(
        [str(_BIN / arguments[0]), *arguments[1:]],
        capture_output=True,
        text=True,
        env=plain(folder, **variables),
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("command", ["dg check defs", "dg list defs --json"])
def test_dagsters_commands_take_the_code_location(clone: Path, command: str) -> None:
    """Guards against configuration that only works with variables a newcomer does not know."""
    said = dagster(clone, *command.split())
    assert "loaded successfully" in said or "savings_daily" in said


def test_an_asset_is_materialized_without_a_daemon_and_the_embedded_server_ends(clone: Path) -> None:
    """Guards against a partition that Dagster does not know yet, and against a server that nothing stops."""
    with SimulatorServer(small_world()) as controller:
        import_clusters(plain(clone), clone, [_entry(controller)], cwd=clone)
        dagster(
            clone,
            *("dagster", "asset", "materialize", "-m", "aap_pipeline.definitions"),
            *("--select", 'key:"raw/*" or key:"core/*" or key:"marts/*"', "--partition", "berlin"),
        )
    server = EmbeddedServer(clone / ".aap-pipeline" / "postgres")
    wait_for(lambda: server.running_url() is None)
    with connect(server.start()) as connection:
        counted = connection.execute("SELECT sum(runs) > 0 FROM marts.savings_daily").fetchone()
    server.stop()
    assert counted == (True,)


@pytest.mark.long
@pytest.mark.parametrize("external", [False, True], ids=["embedded", "external"])
def test_dagster_dev_syncs_by_itself_and_backfills(clone: Path, external: bool, request: pytest.FixtureRequest) -> None:
    """Guards against a first command that fails: `dagster dev`, and `dagster job backfill` beside it."""
    variables = {}
    if external:
        from aap_pipeline.database.encryption import new_key

        variables["AAP_PIPELINE_DATABASE_URL"] = request.getfixturevalue("database_url")
        variables["AAP_PIPELINE_ENCRYPTION_KEYS"] = new_key()
    port = free_port()
    with SimulatorServer(small_world()) as controller:
        import_clusters(plain(clone, **variables), clone, [_entry(controller)], cwd=clone)
        with (clone / "dev.log").open("w") as log:
            dev = subprocess.Popen(
                [str(_BIN / "dagster"), "dev", "--port", str(port)],
                env=plain(clone, **variables),
                cwd=clone,
                stdout=log,
                stderr=log,
            )
        try:
            web = Web(f"http://127.0.0.1:{port}")
            wait_for(lambda: web.succeeded("update_cluster") >= 1, 400)
            dagster(
                clone,
                *("dagster", "job", "backfill", "-j", "update_cluster", "--partitions", "berlin", "--noprompt"),
                DAGSTER_HOME=str(clone),
                **variables,
            )
            wait_for(lambda: web.succeeded("update_cluster") >= 2, 400)
        finally:
            dev.send_signal(signal.SIGINT)
            dev.wait(60)


def _entry(controller: SimulatorServer) -> dict[str, object]:
    return {"name": "berlin", "port": controller.port, "access_token": controller.token.access_token}
