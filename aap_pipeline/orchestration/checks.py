"""How a check says what it found: the form that the pure checks give and Dagster's asset checks and alerts take."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from dagster import AssetCheckResult, AssetCheckSeverity, AssetCheckSpec, AssetKey, PartitionsDefinition, PreviewWarning

from aap_pipeline.orchestration.verdict import Verdict


@dataclass(frozen=True)
class Check:
    """An asset check: its name, what it holds, and what to do when it fails, with NAME for the cluster's name."""

    name: str
    holds: str
    remedy: str
    blocking: bool = False

    @property
    def description(self) -> str:
        """What people read in the UI."""
        return f"{self.holds} **If it fails:** {self.remedy}"

    def remedy_for(self, cluster: str) -> str:
        """The remedy, its commands ready to be pasted."""
        return self.remedy.replace("NAME", cluster)


def specs(asset: Sequence[str], checks: Sequence[Check], partitions: PartitionsDefinition[str]) -> list[AssetCheckSpec]:
    """`checks` of one asset as Dagster wants them, one result a partition.

    Without partitions the result of one cluster would overwrite that of another. They are a preview in Dagster, which
    says so for each of them; the versions that are tested together stand in requirements/constraints.txt.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PreviewWarning)
        return [
            AssetCheckSpec(
                check.name,
                asset=AssetKey(asset),
                description=check.description,
                blocking=check.blocking,
                partitions_def=partitions,
            )
            for check in checks
        ]


def result(asset: Sequence[str], check: Check, verdict: Verdict, cluster: str) -> AssetCheckResult:
    """`verdict` on `cluster` as the result of `check`; a failed one has the remedy, for alerts show nothing else."""
    text = verdict.text if verdict.passed else f"{verdict.text} {check.remedy_for(cluster)}"
    return AssetCheckResult(
        passed=verdict.passed,
        asset_key=AssetKey(asset),
        check_name=check.name,
        severity=AssetCheckSeverity.ERROR if verdict.severe else AssetCheckSeverity.WARN,
        description=text,
        metadata={"found": verdict.text, **verdict.figures},  # a run's events show no description
    )
