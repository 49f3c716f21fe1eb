"""The sensor that raises alerts for finished runs, failed checks and stale clusters, and delivers them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import dagster as dg
from pydantic import Field

from aap_pipeline.alerts import incidents
from aap_pipeline.alerts.receivers import deliver, receivers
from aap_pipeline.alerts.settings import AlertSettings, alert_settings
from aap_pipeline.clusters.registry import clusters
from aap_pipeline.clusters.staleness import freshness_of_clusters, stale_after
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.jobs import PARTITION_TAG, REASON_TAG, update_cluster
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.steps import reported_error, step
from aap_pipeline.orchestration.verdict import Verdict
from aap_pipeline.raw.asset_checks import ASSET, FRESH
from aap_pipeline.raw.assets import sync_data
from aap_pipeline.reports.output import counted

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]  # a cancelled run was cancelled on purpose
_EVALUATION = dg.DagsterEventType.ASSET_CHECK_EVALUATION
_SEVERE = dg.AssetCheckSeverity.ERROR
_LOADED = datetime.now(UTC)
_CATCH_UP = timedelta(minutes=5)
"""Delay after a start, because all clusters are stale until `up` has synced them."""


class Stale(dg.Config):
    """The clusters to check."""

    clusters: list[str] = Field(description="Names of clusters that alerts_sensor found stale.")


# A run is needed because Dagster stores at most one evaluation per check and partition without a run.
@dg.op(out={}, description="Evaluates the check `fresh` of clusters that became stale, to show the failure in the UI.")
def evaluate_freshness(
    context: dg.OpExecutionContext, config: Stale, warehouse: Warehouse
) -> Iterator[dg.AssetCheckEvaluation]:
    """Evaluate each cluster anew, because it may have been synced, disabled or removed since."""
    with step(context, warehouse) as connection:
        found = freshness_of_clusters(connection, datetime.now(UTC), stale_after(connection), config.clusters)
    for name in config.clusters:
        if (verdict := found.get(name)) is not None:
            yield dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey(ASSET),
                check_name=FRESH.name,
                passed=verdict.passed,
                partition=name,
                severity=_SEVERE,
                description=verdict.text if verdict.passed else _why_stale(name, verdict),
            )


@dg.job(description=evaluate_freshness.description)
def check_freshness() -> None:
    evaluate_freshness()


@dg.sensor(
    job_name=check_freshness.name,  # passing the job itself makes Dagster log a deprecation warning
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Alerts: sends one message when a run fails (a sync: for two minutes), a check fails, or a cluster has "
    "no successful sync for AAP_PIPELINE_ALERT_STALE_MINUTES, and one when that is resolved, to the receivers that "
    "AAP_PIPELINE_ALERT_* configures. A receiver that is down is retried and fails nothing else. Incidents are in "
    "pipeline.alert.",
)
def alerts_sensor(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult | dg.SkipReason:
    return look(context, warehouse, now=datetime.now(UTC), awake_since=_LOADED)


def look(
    context: dg.SensorEvaluationContext,
    warehouse: Warehouse,
    *,
    now: datetime,
    awake_since: datetime,
    settled: timedelta = timedelta(seconds=3),
    patience: timedelta = timedelta(minutes=2),
    most_runs: int = 200,
) -> dg.SensorResult | dg.SkipReason:
    """Run one tick at `now` of a daemon that was started at `awake_since`.

    Runs that ended after `now - settled` wait, because others may be committed late. A failed sync is retried after
    15 s, 30 s and a minute, and raises an alert only if it keeps failing for `patience`.
    """
    since = datetime.fromisoformat(context.cursor) if context.cursor else now
    records = context.instance.get_run_records(
        dg.RunsFilter(statuses=_ENDED, updated_after=since, updated_before=now - settled),
        limit=most_runs,
        order_by="update_timestamp",
        ascending=True,
    )
    try:
        settings = alert_settings()
        with warehouse.connection() as connection:
            for record in records:
                _note_run(connection, settings, patience, context.instance, record.dagster_run)
            disabled = [cluster.name for cluster in clusters(connection) if not cluster.enabled]
            connection.execute(statement("alerts/resolve_of_clusters"), {"clusters": disabled})
            was_stale = incidents.open_subjects(connection, "cluster_stale")
            stale = _stale(connection, now, was_stale, may_begin=now - awake_since >= _CATCH_UP)
            incidents.set_incidents(connection, "cluster_stale", stale, settings.secrets())
            connection.commit()
            failures = deliver(connection, receivers(settings))
    except PipelineError as error:
        return dg.SkipReason(str(error))
    newly = sorted(stale.keys() - was_stale)
    config = dg.RunConfig(ops={evaluate_freshness.name: Stale(clusters=newly)})
    for failure in failures:
        context.log.warning(f"An alert was not delivered to all receivers. {failure}")
    return dg.SensorResult(
        cursor=max([since, *(record.update_timestamp for record in records)]).isoformat(),
        run_requests=[dg.RunRequest(run_config=config, tags={REASON_TAG: "no sync for too long"})] if newly else [],
        skip_reason=None if newly else dg.SkipReason(f"{counted(len(records), 'run')} finished."),
    )


def _note_run(
    connection: Connection,
    settings: AlertSettings,
    patience: timedelta,
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
) -> None:
    """Raise and resolve the incidents of a finished run. The check `fresh` has its own, cluster_stale."""
    kinds = {_EVALUATION, dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
    logged = instance.all_logs(run.run_id, of_type=kinds)
    events = [entry.dagster_event for entry in logged if entry.dagster_event is not None]
    checks = [event.asset_check_evaluation_data for event in events if event.event_type is _EVALUATION]
    checks = [check for check in checks if check.check_name != FRESH.name]
    link, secrets = f"{settings.ui_url.rstrip('/')}/runs/{run.run_id}", settings.secrets()
    for kind, subject, message, retried in changes(run, reported_error(events), checks, warnings=settings.warnings):
        if message is None:
            incidents.resolve_incident(connection, kind, subject, secrets)
        else:
            wait = patience if retried else timedelta()
            incidents.raise_incident(connection, kind, subject, message, link, secrets, wait)


class Change(NamedTuple):
    """An incident to raise (`message`) or to resolve (None). A `retried` run raises one only if it keeps failing."""

    kind: incidents.IncidentKind
    subject: str
    message: str | None
    retried: bool = False


def changes(
    run: dg.DagsterRun, error: str, checks: Sequence[dg.AssetCheckEvaluation], *, warnings: bool
) -> Iterator[Change]:
    """Yield the incidents that a finished run begins or ends. If a blocking check failed it, only the check counts."""
    kind, cluster = _kind(run), run.tags.get(PARTITION_TAG)
    subject = f"{kind} {cluster}" if cluster else kind
    if run.status is dg.DagsterRunStatus.SUCCESS:
        yield Change("run_failed", subject, None)
    elif not any(check.blocking and check.severity is _SEVERE and not check.passed for check in checks):
        yield Change("run_failed", subject, error, kind == update_cluster.name)
    for check in checks:
        where = f" {check.partition}" if check.partition else ""
        name = f"{check.asset_key.to_user_string()} {check.check_name}{where}"
        if check.passed:
            yield Change("check_failed", name, None)
        elif warnings or check.severity is _SEVERE:
            yield Change("check_failed", name, check.description or "")


def _kind(run: dg.DagsterRun) -> str:
    """Return the kind of a run, the key of its incident: a live sync does not resolve a failed backfill."""
    config: Any = run.run_config
    for name in ("ops", sync_data.op.name, "config"):
        config = config.get(name) or {}
    if config.get("since") or config.get("until"):
        return "backfill"
    return "materialize" if run.job_name.startswith("__") else run.job_name  # Dagster's own job for chosen assets


def _stale(connection: Connection, now: datetime, was: set[str], *, may_begin: bool) -> dict[str, str]:
    """Return {name: reason} of stale clusters; without `may_begin` only of those that were stale before."""
    found = freshness_of_clusters(connection, now, stale_after(connection), was)
    return {
        name: _why_stale(name, verdict)
        for name, verdict in found.items()
        if not verdict.passed and (may_begin or name in was)
    }


def _why_stale(name: str, verdict: Verdict) -> str:
    return f"{verdict.text} {FRESH.remedy_for(name)}"
