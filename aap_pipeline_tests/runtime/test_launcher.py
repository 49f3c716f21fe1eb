"""Runs of our own code location under `aap-pipeline up`: forked, ended by a person, killed, and gone with `up`."""

from __future__ import annotations

import socket
from pathlib import Path

import psutil
import pytest

from aap_pipeline.database.connection import connect
from aap_pipeline.health.doctor import examine
from aap_pipeline.orchestration.jobs import PARTITION_TAG
from aap_pipeline.settings import Settings
from aap_pipeline_tests.cli.processes import environment, import_clusters
from aap_pipeline_tests.runtime.running import Up, process_of, wait_for
from aap_pipeline_tests.site import small_world
from aap_simulator.server import SimulatorServer

pytestmark = pytest.mark.usefixtures("starts_server")


@pytest.mark.long
def test_forked_runs_are_ended_noticed_and_leave_nothing(tmp_path: Path) -> None:
    """Guards against a run that nobody can end, one that is under way for ever, and one that outlives `up`."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        entry = {"name": "silent", "port": silent.getsockname()[1], "access_token": "a-token"}  # takes connections only
        import_clusters(environment(tmp_path / "home"), tmp_path, [entry])
        up = Up(tmp_path)
        try:
            up.wait_until_ready()
            ended, _ = _under_way(up)
            assert up.terminate(ended) == "TerminateRunSuccess"
            wait_for(lambda: up.run_status(ended) == "CANCELED")

            killed, process = _under_way(up)
            process.kill()
            wait_for(lambda: up.run_status(killed) == "FAILURE", 60)  # a sensor's next tick

            _, process = _under_way(up)
            up.process.kill()
            up.process.wait()
            wait_for(lambda: not up.processes())
            assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
        finally:
            for left in up.processes():
                left.kill()
            up.process.communicate()


@pytest.mark.long
def test_the_daemons_log_holds_what_went_wrong_and_no_stream_of_events(tmp_path: Path) -> None:
    """Guards against a failure that nobody finds among 140 lines a run, and that they push out of a bounded log; and
    against an event log that lacks them. Also against a sensor that somebody switched off, which doctor calls alive."""
    with SimulatorServer(small_world()) as controller:
        tokens = {"good": controller.token.access_token, "refused": "a-revoked-token"}
        entries = [{"name": name, "port": controller.port, "access_token": token} for name, token in tokens.items()]
        entries[1]["address"] = "localhost"  # each address is one cluster's
        import_clusters(environment(tmp_path / "home"), tmp_path, entries)
        up = Up(tmp_path)
        try:
            up.wait_until_ready()
            runs = {name: up.launch("update_cluster", "aap_pipeline", **{PARTITION_TAG: name}) for name in tokens}
            wait_for(lambda: up.run_status(runs["good"]) == "SUCCESS", 60)
            wait_for(lambda: up.run_status(runs["refused"]) == "FAILURE", 60)
            up.switch_off("alerts_sensor")
            told = [each.text for each in examine(Settings(home=up.home), up.database_url())]
            with connect(up.database_url()) as connection:
                events: dict[str, int] = dict(
                    connection.execute(
                        "SELECT dagster_event_type, count(*) FROM dagster.event_logs WHERE run_id = %s GROUP BY 1",
                        [runs["good"]],
                    ).fetchall()
                )
        finally:
            up.process.terminate()
            up.process.communicate()
    assert any(text.startswith("Last heartbeat ") for text in told)
    assert [text.split(". ")[0] for text in told if "alerts_sensor" in text] == [
        "Switched off in the Dagster UI: alerts_sensor"
    ]
    lines = (up.home / "logs" / "daemon.log").read_text().splitlines()
    assert [line for line in lines if "DEBUG" in line] == []
    assert len([line for line in lines if runs["good"] in line]) <= 5
    assert any("ERROR" in line and runs["refused"] in line for line in lines)
    assert any("rejects the access token" in line for line in lines)
    assert (events["PIPELINE_START"], events["PIPELINE_SUCCESS"]) == (1, 1)
    assert events["STEP_START"] == events["STEP_SUCCESS"] >= 3


def _under_way(up: Up) -> tuple[str, psutil.Process]:
    """A run that waits for the controller, and its process."""
    run = up.launch("update_cluster", "aap_pipeline", **{PARTITION_TAG: "silent"})
    wait_for(lambda: process_of(up.database_url(), run) is not None, 60)
    process = process_of(up.database_url(), run)
    assert process is not None
    assert any("forkserver" in part for part in process.cmdline()), process
    wait_for(lambda: up.run_status(run) == "STARTED", 60)
    return run, process
