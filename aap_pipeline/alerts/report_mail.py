"""Mail a saved report: the page as the body and, with charts, as an attachment."""

from email.message import EmailMessage

from aap_pipeline.alerts.receivers import DeliveryFailed, send_mail
from aap_pipeline.alerts.settings import alert_settings
from aap_pipeline.reports.output import money
from aap_pipeline.reports.page import page
from aap_pipeline.reports.saved import SavedReport
from aap_pipeline.reports.summary import Summary


def mail_report(saved: SavedReport, summary: Summary) -> None:
    """Mail the report to its addresses, through the mail server of the alerts.

    Raises DeliveryFailed if no server or address is set, or if an address rejected the mail.
    """
    settings = alert_settings()
    if not settings.smtp_host:
        raise DeliveryFailed(
            f"The report {saved.name!r} cannot be mailed. Set AAP_PIPELINE_ALERT_SMTP_HOST and "
            "AAP_PIPELINE_ALERT_SMTP_TO (see docs/operations.md)."
        )
    if not saved.mail_to:
        raise DeliveryFailed(f"The report {saved.name!r} has no address. Save it again with --mail-to and --schedule.")
    saved_text = money(summary.totals["savings"], summary.symbol, 0)
    days = f"{summary.from_date} to {summary.to_date}"
    mail = EmailMessage()
    mail.set_content(f"{saved_text} saved by automation, {days}. The attached page has all figures and charts.\n")
    mail.add_alternative(page(summary, saved.name, mail=True), subtype="html")
    file = f"{saved.name}-{summary.to_date}.html"
    mail.add_attachment(page(summary, saved.name).encode(), maintype="text", subtype="html", filename=file)
    subject = f"{saved.name}: {saved_text} saved, {days}"
    if refused := send_mail(settings, mail, subject, ", ".join(saved.mail_to)):
        raise DeliveryFailed(f"The report {saved.name!r} was not delivered to all addresses: {refused}")
