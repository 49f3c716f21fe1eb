"""The result type of pure checks, and its conversion to Dagster's asset checks."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from dagster import AssetCheckResult, AssetCheckSeverity, AssetCheckSpec, AssetKey, PreviewWarning

from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.verdict import Verdict


@dataclass(frozen=True)
class Check:
    """An asset check: its name, its claim, and its remedy, in which NAME is the cluster's name."""

    name: str
    holds: str
    remedy: str
    blocking: bool = False

    def remedy_for(self, cluster: str) -> str:
        return self.remedy.replace("NAME", cluster)


def specs(asset: Sequence[str], checks: Sequence[Check]) -> list[AssetCheckSpec]:
    """Return the specs of an asset's `checks`, with one result per cluster.

    Without partitions the result of one cluster would overwrite that of another. Partitioned checks are a preview
    feature of Dagster; requirements/constraints.txt pins the tested versions.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PreviewWarning)
        return [
            AssetCheckSpec(
                check.name,
                asset=AssetKey(asset),
                description=f"{check.holds} **If it fails:** {check.remedy}",
                blocking=check.blocking,
                partitions_def=CLUSTERS,
            )
            for check in checks
        ]


def result(asset: Sequence[str], check: Check, verdict: Verdict, cluster: str) -> AssetCheckResult:
    """Convert `verdict` on `cluster` to the result of `check`. A failed one includes the remedy, for alerts."""
    text = verdict.text if verdict.passed else f"{verdict.text} {check.remedy_for(cluster)}"
    return AssetCheckResult(
        passed=verdict.passed,
        asset_key=AssetKey(asset),
        check_name=check.name,
        severity=AssetCheckSeverity.ERROR if verdict.severe else AssetCheckSeverity.WARN,
        description=text,
        metadata={"found": verdict.text, **verdict.figures},  # a run's events show no description
    )
