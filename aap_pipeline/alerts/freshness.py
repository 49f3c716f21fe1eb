"""The check `fresh` between syncs, in a run of its own: no sync of a stale cluster comes to evaluate it."""

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
    """Which clusters to look at."""

    clusters: list[str] = Field(description="Names of clusters that alerts_sensor found stale.")


# A run, because Dagster stores one evaluation of a check and partition per run, and a single one without a run.
@op(out={}, description="Evaluates the check `fresh` of clusters that became stale, so that it is red in the UI.")
def evaluate_freshness(
    context: OpExecutionContext, config: Stale, warehouse: Warehouse
) -> Iterator[AssetCheckEvaluation]:
    """Look at each cluster again: one may have been synced, disabled or removed since."""
    with step(context, warehouse) as connection:
        found = freshness_of_clusters(connection, datetime.now(UTC), stale_after(), config.clusters)
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
    """One step."""
    evaluate_freshness()


def freshness_run(clusters: list[str]) -> RunRequest:
    """A run of `check_freshness` for `clusters`."""
    config = {"ops": {evaluate_freshness.name: {"config": {"clusters": clusters}}}}
    return RunRequest(run_config=config, tags={REASON_TAG: "no sync for too long"})


def why_stale(name: str, verdict: Verdict) -> str:
    """The finding with its remedy."""
    return f"{verdict.text} {FRESH.remedy_for(name)}"
