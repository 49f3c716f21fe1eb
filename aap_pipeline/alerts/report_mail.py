"""A saved report as a mail: the page as its body and as an attachment, which has the charts."""

from __future__ import annotations

from email.message import EmailMessage

from aap_pipeline.alerts.receivers import DeliveryFailed, send_mail
from aap_pipeline.alerts.settings import alert_settings
from aap_pipeline.reports.output import money
from aap_pipeline.reports.page import page
from aap_pipeline.reports.saved import SavedReport
from aap_pipeline.reports.summary import Summary


def mail_report(saved: SavedReport, summary: Summary) -> None:
    """Mail the report to its addresses, through the mail server of the alerts.

    Raises DeliveryFailed where no server or no address is set, and where one address did not get it.
    """
    settings = alert_settings()
    if not settings.smtp_host:
        raise DeliveryFailed(
            f"The report {saved.name!r} cannot be mailed: set AAP_PIPELINE_ALERT_SMTP_HOST and "
            "AAP_PIPELINE_ALERT_SMTP_TO, as docs/operations.md says."
        )
    if not saved.mail_to:
        raise DeliveryFailed(f"The report {saved.name!r} has no address: save it again with --mail-to and --schedule.")
    saved_text = money(summary.totals["savings"], summary.symbol, 0)
    days = f"{summary.from_date} to {summary.to_date}"
    mail = EmailMessage()
    mail.set_content(f"{saved_text} saved by automation, {days}. The attached page has all figures and charts.\n")
    mail.add_alternative(page(summary, saved.name, mail=True), subtype="html")
    file = f"{saved.name}-{summary.to_date}.html"
    mail.add_attachment(page(summary, saved.name).encode(), maintype="text", subtype="html", filename=file)
    subject = f"{saved.name}: {saved_text} saved, {days}"
    if refused := send_mail(settings, mail, subject, ", ".join(saved.mail_to)):
        raise DeliveryFailed(f"The report {saved.name!r} reached only some addresses: {refused}")
