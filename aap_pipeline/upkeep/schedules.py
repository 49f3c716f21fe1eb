"""The schedules: clean-up with the archive each hour, and the checks of every cluster each night."""

import dagster as dg

from aap_pipeline.clusters.registry import clusters
from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.jobs import REASON_TAG, nightly
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.run_liveness import end_abandoned_runs
from aap_pipeline.orchestration.steps import step
from aap_pipeline.upkeep.archive import archive
from aap_pipeline.upkeep.clean_up import analyze, clean_up, forget_runs


@dg.op(description="Deletes old rows, closes the records of killed runs, archives old jobs and analyzes tables.")
def tidy_up(context: dg.OpExecutionContext, warehouse: Warehouse) -> None:
    """Tidy up in many transactions. Interrupted and concurrent runs do no harm."""
    with step(context, warehouse) as connection:
        done = clean_up(connection)
        done["dagster_runs"] = forget_runs(connection, context.instance)
        end_abandoned_runs(context.instance, connection)
        done |= archive(connection, progress=lambda jobs: context.log.info(f"Jobs moved: {jobs:,}"))
        context.log.info(", ".join(f"{name}: {value:,}" for name, value in done.items()))
        context.add_output_metadata({**done, "analyzed": ", ".join(analyze(connection))})


@dg.job(name="tidy", description=tidy_up.description)
def tidy_job() -> None:
    tidy_up()


tidy_schedule = dg.ScheduleDefinition(
    name="tidy_hourly",
    job=tidy_job,
    cron_schedule="41 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Each hour: deletes processed raw rows older than 24 hours, archived documents past "
    "raw_retention_days, old records of syncs, and Dagster's runs past run_history_days, and marks syncs whose process "
    "is gone as interrupted. Unparsed raw rows always stay. Moves jobs older than archive_after_days to the archive "
    "tables (default 0: moves all jobs back), which does not change the marts. Then analyzes tables with stale "
    "statistics.",
)


@dg.schedule(
    name="nightly_checks",
    job=nightly,
    cron_schedule="17 2 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Each night, one run per enabled cluster: compares each of the last initial_sync_days with the "
    "controller's count, fetches missing jobs and late host summaries, and compares the marts with core.",
)
def nightly_schedule(
    context: dg.ScheduleEvaluationContext, warehouse: Warehouse
) -> list[dg.RunRequest] | dg.SkipReason:
    """Request one run per cluster. Run keys make a second evaluation in the same night harmless."""
    try:
        with warehouse.connection() as connection:
            names = [cluster.name for cluster in clusters(connection, only_enabled=True)]
    except PipelineError as error:
        return dg.SkipReason(str(error))
    partitions = set(context.instance.get_dynamic_partitions(CLUSTERS.name or ""))
    night = f"{context.scheduled_execution_time:%Y-%m-%d}"
    return [
        dg.RunRequest(run_key=f"{name}/{night}", partition_key=name, tags={REASON_TAG: "nightly"})
        for name in names
        if name in partitions
    ] or dg.SkipReason("There is no enabled cluster.")
