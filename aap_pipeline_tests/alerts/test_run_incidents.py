"""Which incidents finished runs begin and end."""

from __future__ import annotations

from dataclasses import replace

from aap_pipeline.alerts.run_incidents import Change, CheckOutcome, RunOutcome, changes

GOOD = RunOutcome("1", "update_cluster", "prod", True, "")
BAD = replace(GOOD, run_id="2", succeeded=False, error="No connection.")
CHECK = CheckOutcome("core/jobs totals prod", passed=False, severe=True, blocking=True, text="They differ.")


def test_a_failed_run_is_an_incident_until_one_of_its_job_and_cluster_succeeds() -> None:
    """Guards against an incident that never ends, or that another cluster's run ends."""
    assert changes([BAD, GOOD], warnings=True) == [
        Change("run_failed", "update_cluster prod", "No connection."),
        Change("run_failed", "update_cluster prod", None),
    ]
    assert changes([replace(GOOD, cluster="other")], warnings=True)[0].subject == "update_cluster other"
    assert changes([replace(GOOD, job="tidy", cluster=None)], warnings=True)[0].subject == "tidy"


def test_a_failed_check_of_a_run_that_succeeded_is_an_incident() -> None:
    """Guards against checks that turn red where nobody looks: in open-source Dagster they fail no run."""
    run = replace(GOOD, checks=(replace(CHECK, blocking=False),))
    assert Change("check_failed", CHECK.subject, "They differ.") in changes([run], warnings=False)


def test_a_run_that_a_blocking_check_failed_is_one_incident() -> None:
    """Guards against two messages for one cause."""
    found = changes([replace(BAD, checks=(CHECK,))], warnings=True)
    assert found == [Change("check_failed", CHECK.subject, "They differ.")]


def test_warnings_may_be_left_out() -> None:
    """Guards against a night shift woken by warnings though it said not to be; their end is noted all the same."""
    warned = replace(CHECK, severe=False, blocking=False)
    run = replace(GOOD, checks=(warned,))
    assert len(changes([run], warnings=True)) == 2
    assert len(changes([run], warnings=False)) == 1
    assert len(changes([replace(GOOD, checks=(replace(warned, passed=True),))], warnings=False)) == 2
