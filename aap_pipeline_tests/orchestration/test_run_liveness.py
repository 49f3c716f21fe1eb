"""Whether a run has a process, as any machine that reaches the database sees it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from dagster import DagsterEvent, DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus

from aap_pipeline.database.connection import Connection
from aap_pipeline.definitions import defs
from aap_pipeline.orchestration.jobs import LOCATION, LOCATION_TAG, update_cluster
from aap_pipeline.orchestration.run_liveness import end_abandoned_runs, hold_run, lock_tag
from aap_pipeline_tests.runtime.running import wait_for

_HOLD = """
import sys
from aap_pipeline.orchestration.run_liveness import hold_run
hold_run(*sys.argv[1:])
print("held", flush=True)
input()
"""


def begin(instance: DagsterInstance, tags: dict[str, str] | None = None) -> DagsterRun:
    """A run that Dagster believes to be under way."""
    job = defs.resolve_job_def(update_cluster.name)
    return instance.create_run_for_job(job_def=job, tags=tags, status=DagsterRunStatus.STARTED)


def status(instance: DagsterInstance, run: DagsterRun) -> DagsterRunStatus:
    """What Dagster believes now."""
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def test_a_run_is_alive_as_long_as_its_process_wherever_that_is(database_url: str, connection: Connection) -> None:
    """Guards against ending runs of other machines and containers, and against keeping those that were killed."""
    with DagsterInstance.ephemeral() as instance:
        run = begin(instance)
        instance.add_run_tags(run.run_id, lock_tag(run.run_id))
        command = [sys.executable, "-c", _HOLD, run.run_id, database_url]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            for _ in range(2):  # looking changes nothing
                assert [each.run_id for each in end_abandoned_runs(instance, connection)] == [run.run_id]
            holder.kill()
        wait_for(lambda: end_abandoned_runs(instance, connection) == [])
        assert status(instance, run) is DagsterRunStatus.FAILURE


def test_a_server_that_was_restarted_between_two_steps_has_the_lock_again(
    database_url: str, connection: Connection
) -> None:
    """Guards against a living run that is taken for dead after its connection broke."""
    with DagsterInstance.ephemeral() as instance:
        run = begin(instance)
        instance.add_run_tags(run.run_id, lock_tag(run.run_id))
        hold_run(run.run_id, database_url)
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = %s",
            [f"aap_pipeline run {run.run_id}"],
        )
        connection.commit()
        hold_run(run.run_id, database_url)
        assert len(end_abandoned_runs(instance, connection)) == 1
        another = begin(instance)
        hold_run(another.run_id, database_url)  # the process has gone on to it
        assert [each.run_id for each in end_abandoned_runs(instance, connection)] == [another.run_id]


def test_a_tag_that_a_new_run_inherited_says_nothing(connection: Connection) -> None:
    """Guards against ending a re-execution because the run it repeats was killed."""
    with DagsterInstance.ephemeral() as instance:
        run = begin(instance, lock_tag("the run that it repeats"))
        end_abandoned_runs(instance, connection)
        assert status(instance, run) is DagsterRunStatus.STARTED


@pytest.mark.parametrize(
    ("location", "hours", "abandoned"), [(LOCATION, 1, True), (LOCATION, 0, False), ("theirs", 1, False)]
)
def test_a_run_that_took_no_lock_is_given_up_if_it_is_ours_and_old(
    connection: Connection, location: str, hours: int, abandoned: bool
) -> None:
    """Guards against ending long runs of other code locations, which take no lock."""
    now = datetime.now(UTC) + timedelta(hours=hours)
    with DagsterInstance.ephemeral() as instance:
        run = begin(instance, {LOCATION_TAG: location})
        instance.report_dagster_event(DagsterEvent(DagsterEventType.RUN_START.value, run.job_name), run.run_id)
        left = end_abandoned_runs(instance, connection, now)
    assert (left == []) is abandoned
