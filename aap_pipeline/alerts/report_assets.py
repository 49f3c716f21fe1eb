"""Reports in Dagster: a daily overview of all clusters, and one partition per saved report, which may be mailed."""

from datetime import datetime
from email.message import EmailMessage
from typing import Any, Final
from zoneinfo import ZoneInfo

import dagster as dg
from pydantic import Field

from aap_pipeline.alerts.receivers import DeliveryFailed, send_mail
from aap_pipeline.alerts.settings import alert_settings
from aap_pipeline.database import application_settings
from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.jobs import REASON_TAG
from aap_pipeline.orchestration.partitions import partition_requests
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.steps import step
from aap_pipeline.orchestration.table_metadata import EACH_NIGHT, of_stage
from aap_pipeline.reports.output import money
from aap_pipeline.reports.page import markdown, page
from aap_pipeline.reports.question import Question
from aap_pipeline.reports.saved import SavedReport, note_done, saved_report, saved_reports
from aap_pipeline.reports.summary import Summary, summarize
from aap_pipeline.settings import Settings

SAVED_REPORTS: Final = dg.DynamicPartitionsDefinition(name="saved_reports")
"""Keys are the names of the saved reports."""

_DEPS: Final = [dg.AssetKey(["marts", "savings_daily"])]


class Delivery(dg.Config):
    """The delivery of a saved report."""

    due_for: str | None = Field(
        None,
        description="The day (2026-01-31) of a scheduled report, which is mailed. Empty: no mail.",
    )


@dg.asset(
    key=["reports", "overview"],
    description="Savings of all clusters in the last 30 days, compared with the 30 days before. Updated each morning; "
    "materialize it to update it now.",
    freshness_policy=EACH_NIGHT,
    **of_stage("reports", "python"),
    deps=_DEPS,
)
def overview(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult[None]:
    with step(context, warehouse) as connection:
        summary = summarize(connection, Question(period="last_30_days"))
    return dg.MaterializeResult(metadata=_metadata(summary))


@dg.asset(
    key=["reports", "saved"],
    partitions_def=SAVED_REPORTS,
    description="One partition per saved report (`aap-pipeline report save`), with its latest figures. Materialize one "
    "to update it now. Only scheduled runs are mailed.",
    **of_stage("reports", "python"),
    deps=_DEPS,
)
def saved(context: dg.AssetExecutionContext, config: Delivery, warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """Create the partition's report, and mail it if the schedule launched the run. A failed delivery fails the run."""
    with step(context, warehouse) as connection:
        report = saved_report(connection, context.partition_key)
        summary = summarize(connection, report.question)
        if config.due_for:
            if report.mail_to:
                mail_report(report, summary)
            note_done(connection, report.name, datetime.fromisoformat(config.due_for).date())
    return dg.MaterializeResult(
        metadata=_metadata(summary) | {"mailed_to": len(report.mail_to) if config.due_for else 0}
    )


def mail_report(report: SavedReport, summary: Summary) -> None:
    """Mail a report through the mail server of the alerts: the page as the body and, with charts, as an attachment.

    Raises DeliveryFailed if no server or address is set, or if an address rejected the mail.
    """
    settings = alert_settings()
    if not settings.smtp_host:
        raise DeliveryFailed(
            f"The report {report.name!r} cannot be mailed. Set AAP_PIPELINE_ALERT_SMTP_HOST and "
            "AAP_PIPELINE_ALERT_SMTP_TO (see docs/operations.md)."
        )
    if not report.mail_to:
        raise DeliveryFailed(f"The report {report.name!r} has no address. Save it again with --mail-to and --schedule.")
    saved_text = money(summary.totals["savings"], summary.symbol, 0)
    days = f"{summary.from_date} to {summary.to_date}"
    mail = EmailMessage()
    mail.set_content(f"{saved_text} saved by automation, {days}. The attached page has all figures and charts.\n")
    mail.add_alternative(page(summary, report.name, mail=True), subtype="html")
    file = f"{report.name}-{summary.to_date}.html"
    mail.add_attachment(page(summary, report.name).encode(), maintype="text", subtype="html", filename=file)
    subject = f"{report.name}: {saved_text} saved, {days}"
    if refused := send_mail(settings, mail, subject, ", ".join(report.mail_to)):
        raise DeliveryFailed(f"The report {report.name!r} was not delivered to all addresses: {refused}")


overview_schedule = dg.ScheduleDefinition(
    name="overview_daily",
    target=dg.AssetSelection.assets(overview),
    cron_schedule="7 5 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Each morning: the overview of all clusters.",
)
saved_report_job = dg.define_asset_job(
    "saved_report",
    selection=dg.AssetSelection.assets(saved),
    description="Creates a saved report, and mails it if it is due.",
)


@dg.sensor(
    job_name=saved_report_job.name,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Maintains one partition per saved report, and launches those that are due: daily, on Mondays, or on "
    "the first of the month or quarter, from 06:00 in the reporting time zone.",
)
def saved_reports_sensor(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult | dg.SkipReason:
    try:
        with warehouse.connection() as connection:
            reports = saved_reports(connection)
            zone = ZoneInfo(application_settings.read(connection).reporting_timezone)
    except PipelineError as error:
        return dg.SkipReason(str(error))
    now = datetime.now(zone)
    runs = [
        dg.RunRequest(
            run_key=f"{report.name}/{report.saved_at}/{day}",  # one run per day
            partition_key=report.name,
            run_config=dg.RunConfig(ops={saved.op.name: Delivery(due_for=str(day))}),
            tags={REASON_TAG: report.schedule or ""},
        )
        for report in reports
        if (day := report.due_for(now))
    ]
    partitions = partition_requests(SAVED_REPORTS, context.instance, [report.name for report in reports])
    return dg.SensorResult(run_requests=runs, dynamic_partitions_requests=partitions)


def _metadata(summary: Summary) -> dict[str, Any]:
    """Return the report as Markdown, its figures for plots over time, and a link to the configured dashboard."""
    address = Settings().bi_url
    return ({"dashboard": dg.MetadataValue.url(address)} if address else {}) | {
        "report": dg.MetadataValue.md(markdown(summary)),
        "savings": float(summary.totals["savings"]),
        "runs": summary.totals["runs"],
        "unique_hosts": summary.totals["unique_hosts"],
    }
