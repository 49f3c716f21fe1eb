"""Upkeep by the clock: the jobs that tidy the database, and the nightly look at every cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from dagster import (
    DefaultScheduleStatus,
    OpExecutionContext,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    job,
    op,
    schedule,
)

from aap_pipeline.clusters.registry import clusters
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.locks import LockKind, session_lock
from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.jobs import REASON_TAG, nightly
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.run_liveness import end_abandoned_runs
from aap_pipeline.orchestration.steps import step
from aap_pipeline.upkeep.archive import archive
from aap_pipeline.upkeep.maintenance import analyze, tidy
from aap_pipeline.upkeep.run_history import forget_runs


@op(description="Deletes what need not be kept and settles what killed runs left open.")
def tidy_up(context: OpExecutionContext, warehouse: Warehouse) -> None:
    """Raw rows, archived documents, book-keeping of syncs, incidents, Dagster runs: abandoned ones and old ones."""
    with _alone(context, warehouse) as connection:
        if connection is None:
            return
        done = tidy(connection)
        context.add_output_metadata({name: value for name, value in asdict(done).items() if value})
        context.log.info(", ".join(f"{name}: {value:,}" for name, value in asdict(done).items()))
        forgotten = forget_runs(connection, context.instance)
        context.log.info(f"Dagster runs forgotten: {forgotten:,}")
        end_abandoned_runs(context.instance, connection)


@op(description="Moves old jobs into the archive as archive_after_days says, and brings statistics up to date.")
def archive_and_analyze(context: OpExecutionContext, warehouse: Warehouse) -> None:
    """In batches of one transaction; killed, it goes on where it stopped."""
    with _alone(context, warehouse) as connection:
        if connection is None:
            return
        done = archive(connection, progress=lambda moved: context.log.info(f"{moved.jobs:,} jobs moved"))
        tables = analyze(connection)
        context.add_output_metadata(
            {"archived_jobs": done.archived.jobs, "restored_jobs": done.restored.jobs, "analyzed": ", ".join(tables)}
        )


@job(name="tidy", description=tidy_up.description)
def tidy_job() -> None:
    """One step."""
    tidy_up()


@job(name="archive", description=archive_and_analyze.description)
def archive_job() -> None:
    """One step."""
    archive_and_analyze()


tidy_schedule = ScheduleDefinition(
    name="tidy_hourly",
    job=tidy_job,
    cron_schedule="41 * * * *",
    default_status=DefaultScheduleStatus.RUNNING,
    description="Each hour: raw rows older than 24 hours that were dealt with, archived documents past "
    "raw_retention_days, syncs whose process is gone, old book-keeping, Dagster's runs past run_history_days. Unparsed "
    "raw rows always stay.",
)
archive_schedule = ScheduleDefinition(
    name="archive_nightly",
    job=archive_job,
    cron_schedule="23 1 * * *",
    default_status=DefaultScheduleStatus.RUNNING,
    description="Each night: jobs older than archive_after_days move to the archive tables (0, the default, moves none "
    "and brings archived ones back); the marts are unaffected. Then ANALYZE where statistics are old.",
)


@schedule(
    name="nightly_checks",
    job=nightly,
    cron_schedule="17 2 * * *",
    default_status=DefaultScheduleStatus.RUNNING,
    description="Each night one run for each enabled cluster: every day is held against the controller's count, "
    "what is missing is fetched, host totals are audited, the marts are held against core.",
)
def nightly_schedule(context: ScheduleEvaluationContext, warehouse: Warehouse) -> list[RunRequest] | SkipReason:
    """A run a cluster; the run keys make a second evaluation of the same night harmless."""
    try:
        with warehouse.connection() as connection:
            names = [cluster.name for cluster in clusters(connection, only_enabled=True)]
    except PipelineError as error:
        return SkipReason(str(error))
    partitions = set(context.instance.get_dynamic_partitions(CLUSTERS.name or ""))
    night = f"{context.scheduled_execution_time:%Y-%m-%d}"
    return [
        RunRequest(run_key=f"{name}/{night}", partition_key=name, tags={REASON_TAG: "nightly"})
        for name in names
        if name in partitions
    ] or SkipReason("There is no enabled cluster.")


@contextmanager
def _alone(context: OpExecutionContext, warehouse: Warehouse) -> Iterator[Connection | None]:
    """A connection that holds the lock of upkeep; None if somebody else does it now."""
    with step(context, warehouse) as connection, session_lock(connection, LockKind.UPKEEP) as taken:
        if not taken:
            context.log.info("Another upkeep run is at work; this one leaves it to that.")
        yield connection if taken else None
