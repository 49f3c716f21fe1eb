"""What finished runs of Dagster mean: incidents that begin and end. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from aap_pipeline.alerts.incidents import Kind


@dataclass(frozen=True)
class CheckOutcome:
    """A check that a run evaluated."""

    subject: str
    passed: bool
    severe: bool
    blocking: bool
    text: str


@dataclass(frozen=True)
class RunOutcome:
    """A finished run: its job (or better: what it did) and cluster, whether it succeeded, its error as a sentence."""

    run_id: str
    job: str
    cluster: str | None
    succeeded: bool
    error: str
    checks: tuple[CheckOutcome, ...] = ()

    @property
    def subject(self) -> str:
        """What an incident of it is about."""
        return f"{self.job} {self.cluster}" if self.cluster else self.job


@dataclass(frozen=True)
class Change:
    """An incident to raise (`message`) or to resolve (None)."""

    kind: Kind
    subject: str
    message: str | None
    run_id: str = field(compare=False, default="")
    patience: timedelta = timedelta()


def changes(
    runs: Sequence[RunOutcome], *, warnings: bool, repeated: Collection[str] = (), patience: timedelta = timedelta()
) -> list[Change]:
    """Incidents that `runs`, oldest first, begin or end. A run that a blocking check failed is told by that
    check only. Jobs of `repeated` are tried again by themselves: a failure is told if it lasts for `patience`."""
    found = []
    for run in runs:
        stopped_by_check = any(each.blocking and each.severe and not each.passed for each in run.checks)
        if run.succeeded:
            found.append(Change("run_failed", run.subject, None, run.run_id))
        elif not stopped_by_check:
            found.append(
                Change(
                    "run_failed", run.subject, run.error, run.run_id, patience if run.job in repeated else timedelta()
                )
            )
        for check in run.checks:
            if check.passed:
                found.append(Change("check_failed", check.subject, None, run.run_id))
            elif check.severe or warnings:
                found.append(Change("check_failed", check.subject, check.text, run.run_id))
    return found
