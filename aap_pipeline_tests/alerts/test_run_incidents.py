"""Which incidents finished runs begin and end."""

from __future__ import annotations

import dagster as dg

from aap_pipeline.alerts.sensors import Change, changes
from aap_pipeline.orchestration.jobs import PARTITION_TAG, update_cluster


def run(*, succeeded: bool, job: str = update_cluster.name, cluster: str | None = "prod") -> dg.DagsterRun:
    status = dg.DagsterRunStatus.SUCCESS if succeeded else dg.DagsterRunStatus.FAILURE
    return dg.DagsterRun(job, status=status, tags={PARTITION_TAG: cluster} if cluster else {})


def check(*, passed: bool = False, severe: bool = True, blocking: bool = False) -> dg.AssetCheckEvaluation:
    severity = dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(["core", "jobs"]),
        check_name="totals",
        passed=passed,
        metadata={},
        severity=severity,
        description="They differ.",
        blocking=blocking,
        partition="prod",
    )


FAILED_CHECK = Change("check_failed", "core/jobs totals prod", "They differ.")


def test_a_failed_run_is_an_incident_until_one_of_its_job_and_cluster_succeeds() -> None:
    """Guards against an incident that never ends, or that another cluster's run ends."""
    failed = changes(run(succeeded=False), "No connection.", [], warnings=True)
    assert list(failed) == [Change("run_failed", "update_cluster prod", "No connection.", True)]
    for cluster, job, subject in (
        ("prod", update_cluster.name, "update_cluster prod"),
        ("other", update_cluster.name, "update_cluster other"),
        (None, "tidy", "tidy"),
    ):
        ended = changes(run(succeeded=True, job=job, cluster=cluster), "", [], warnings=True)
        assert list(ended) == [Change("run_failed", subject, None)]


def test_a_failed_check_of_a_run_that_succeeded_is_an_incident() -> None:
    """Guards against checks that turn red where nobody looks: in open-source Dagster they fail no run."""
    assert FAILED_CHECK in list(changes(run(succeeded=True), "", [check()], warnings=False))


def test_a_run_that_a_blocking_check_failed_is_one_incident() -> None:
    """Guards against two messages for one cause."""
    found = changes(run(succeeded=False), "The check failed.", [check(blocking=True)], warnings=True)
    assert list(found) == [FAILED_CHECK]


def test_warnings_may_be_left_out() -> None:
    """Guards against a night shift woken by warnings though it said not to be; their end is noted all the same."""
    for warnings, passed, count in ((True, False, 2), (False, False, 1), (False, True, 2)):
        found = changes(run(succeeded=True), "", [check(passed=passed, severe=False)], warnings=warnings)
        assert len(list(found)) == count
