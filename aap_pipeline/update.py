"""Runs the main job in this process, for several clusters side by side: what `sync` and `demo` do."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from dagster import DagsterEvent, DagsterInstance, ExecuteInProcessResult

from aap_pipeline.definitions import defs
from aap_pipeline.jobs import update_cluster
from aap_pipeline.partitions import CLUSTERS
from aap_pipeline.raw.assets import sync_data
from aap_pipeline.resources import ProgressListener

_SIDE_BY_SIDE = 4


@dataclass(frozen=True)
class Outcome:
    """How the run of one cluster ended: its error in one sentence, or what its assets say of themselves."""

    cluster: str
    run_id: str
    error: str | None
    metadata: Mapping[str, Mapping[str, Any]]
    """{asset key: {name: value}}, of the assets that were materialized."""


@dataclass(frozen=True)
class Window:
    """What to read, as ISO 8601 times; both None: what is new."""

    since: str | None = None
    until: str | None = None


def update_clusters(
    instance: DagsterInstance, windows: Mapping[str, Window], progress: ProgressListener
) -> list[Outcome]:
    """Run the main job for each cluster {name: window}; one that fails does not hold up the others."""
    instance.add_dynamic_partitions(CLUSTERS.name or "", list(windows))
    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="cluster") as pool:
        return list(pool.map(lambda name: _update(instance, name, progress, windows[name]), windows))


def _update(instance: DagsterInstance, name: str, progress: ProgressListener, window: Window) -> Outcome:
    result = defs.resolve_job_def(update_cluster.name).execute_in_process(
        partition_key=name,
        instance=instance,
        resources={**(defs.resources or {}), "progress": progress},
        run_config={
            "ops": {sync_data.op.name: {"config": asdict(window)}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},  # people see the progress instead
        },
        raise_on_error=False,
    )
    return Outcome(name, result.run_id, _error(result), _metadata(result))


def _error(result: ExecuteInProcessResult) -> str | None:
    if result.success:
        return None
    failed = (event for event in result.all_events if event.is_step_failure)
    return next((_sentence(event) for event in failed), "The run failed before its first step: see the Dagster UI.")


def _sentence(event: DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    return str(error.message).strip() if error is not None else "The step failed without a message."


def _metadata(result: ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    return {
        event.asset_key.to_user_string(): {
            name: value.value for name, value in event.step_materialization_data.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }
