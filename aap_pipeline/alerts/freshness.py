"""The check `fresh` in its own run, because a stale cluster has no sync to evaluate it."""

from collections.abc import Iterator
from datetime import UTC, datetime

from dagster import AssetCheckEvaluation, AssetCheckSeverity, AssetKey, Config, OpExecutionContext, RunRequest, job, op
from pydantic import Field

from aap_pipeline.clusters.staleness import freshness_of_clusters, stale_after
from aap_pipeline.orchestration.jobs import REASON_TAG
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.steps import step
from aap_pipeline.orchestration.verdict import Verdict
from aap_pipeline.raw.asset_checks import ASSET, FRESH


class Stale(Config):
    """The clusters to check."""

    clusters: list[str] = Field(description="Names of clusters that alerts_sensor found stale.")


# A run is needed because Dagster stores at most one evaluation per check and partition without a run.
@op(out={}, description="Evaluates the check `fresh` of clusters that became stale, to show the failure in the UI.")
def evaluate_freshness(
    context: OpExecutionContext, config: Stale, warehouse: Warehouse
) -> Iterator[AssetCheckEvaluation]:
    """Evaluate each cluster anew, because it may have been synced, disabled or removed since."""
    with step(context, warehouse) as connection:
        found = freshness_of_clusters(connection, datetime.now(UTC), stale_after(connection), config.clusters)
    for name in config.clusters:
        if (verdict := found.get(name)) is not None:
            yield AssetCheckEvaluation(
                asset_key=AssetKey(ASSET),
                check_name=FRESH.name,
                passed=verdict.passed,
                partition=name,
                severity=AssetCheckSeverity.ERROR,
                description=verdict.text if verdict.passed else why_stale(name, verdict),
            )


@job(description=evaluate_freshness.description)
def check_freshness() -> None:
    evaluate_freshness()


def freshness_run(clusters: list[str]) -> RunRequest:
    config = {"ops": {evaluate_freshness.name: {"config": {"clusters": clusters}}}}
    return RunRequest(run_config=config, tags={REASON_TAG: "no sync for too long"})


def why_stale(name: str, verdict: Verdict) -> str:
    return f"{verdict.text} {FRESH.remedy_for(name)}"
