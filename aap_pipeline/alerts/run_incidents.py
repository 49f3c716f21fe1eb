"""Derive incidents from finished Dagster runs. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from aap_pipeline.alerts.incidents import IncidentKind


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
    """A finished run: its job or kind, its cluster, whether it succeeded, its error as a sentence."""

    run_id: str
    job: str
    cluster: str | None
    succeeded: bool
    error: str
    checks: tuple[CheckOutcome, ...] = ()

    @property
    def subject(self) -> str:
        return f"{self.job} {self.cluster}" if self.cluster else self.job


@dataclass(frozen=True)
class Change:
    """An incident to raise (`message`) or to resolve (None)."""

    kind: IncidentKind
    subject: str
    message: str | None
    run_id: str = field(compare=False, default="")
    patience: timedelta = timedelta()


def changes(
    runs: Sequence[RunOutcome], *, warnings: bool, repeated: Collection[str] = (), patience: timedelta = timedelta()
) -> list[Change]:
    """Return the incidents that `runs`, oldest first, begin or end.

    If a blocking check failed a run, only the check is reported. Jobs of `repeated` are retried automatically, so their
    failures are reported only if they last for `patience`.
    """
    found = []
    for run in runs:
        stopped_by_check = any(each.blocking and each.severe and not each.passed for each in run.checks)
        if run.succeeded:
            found.append(Change("run_failed", run.subject, None, run.run_id))
        elif not stopped_by_check:
            wait = patience if run.job in repeated else timedelta()
            found.append(Change("run_failed", run.subject, run.error, run.run_id, wait))
        for check in run.checks:
            if check.passed:
                found.append(Change("check_failed", check.subject, None, run.run_id))
            elif check.severe or warnings:
                found.append(Change("check_failed", check.subject, check.text, run.run_id))
    return found
