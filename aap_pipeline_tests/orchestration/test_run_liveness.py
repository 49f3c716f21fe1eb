"""Which process executes a run, and whether it is still there."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from dagster import DagsterRun, RunRecord

from aap_pipeline.orchestration.jobs import LOCATION_TAG
from aap_pipeline.orchestration.run_liveness import (
    PROCESS_TAG,
    Process,
    is_abandoned,
    is_gone,
    process_of,
    process_tag,
    this_process,
)


def test_a_run_names_its_process() -> None:
    """Guards against a tag that cannot be read back."""
    assert process_of("a-run", process_tag("a-run")[PROCESS_TAG]) == this_process()


def test_a_tag_that_a_new_run_inherited_says_nothing() -> None:
    """Guards against ending a re-execution because the run it repeats was killed."""
    assert process_of("another-run", process_tag("a-run")[PROCESS_TAG]) is None
    for tag in (None, "", "x", "a-run/host/boot/none/1"):
        assert process_of("a-run", tag) is None


@pytest.mark.usefixtures("starts_server")
def test_a_process_that_ended_is_gone_and_one_that_runs_is_not() -> None:
    """Guards against ending runs that are under way, and against keeping those that are not."""
    here = this_process()
    assert not is_gone(here, here)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        program = f"from aap_pipeline.orchestration.run_liveness import _start; print(_start({child.pid}))"
        start = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        there = replace(here, pid=child.pid, start=start.stdout.strip())
        assert not is_gone(there, here)
    assert is_gone(there, here)


def test_another_process_with_the_same_pid_is_not_taken_for_it() -> None:
    """Guards against a run that lives on because its pid was given to another program."""
    here = this_process()
    assert is_gone(replace(here, start="1"), here)
    assert is_gone(replace(here, boot="an earlier one"), here)


def test_a_process_of_another_machine_is_not_judged() -> None:
    """Guards against ending the runs of a second worker that shares the database."""
    assert not is_gone(Process("elsewhere", "boot", 1, "1"), this_process())


@pytest.mark.parametrize(
    ("location", "hours", "abandoned"), [("aap_pipeline", 1, True), ("aap_pipeline", 0, False), ("theirs", 1, False)]
)
def test_a_run_that_names_no_process_is_given_up_if_it_is_ours_and_old(
    location: str, hours: int, abandoned: bool
) -> None:
    """Guards against ending long runs of other people's code locations, which never name a process."""
    now = datetime.now(UTC)
    run = DagsterRun(job_name="update_cluster", tags={LOCATION_TAG: location})
    record = RunRecord(1, run, now, now, start_time=(now - timedelta(hours=hours)).timestamp())
    assert is_abandoned(record, this_process(), now) is abandoned
