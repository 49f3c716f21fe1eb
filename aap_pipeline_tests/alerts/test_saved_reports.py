"""Saved reports: when they are due, what is mailed, and what Dagster shows of them."""

from __future__ import annotations

import email
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dagster import DagsterInstance, RunConfig, build_sensor_context

from aap_pipeline.alerts.report_assets import SAVED_REPORTS, Delivery, overview, saved, saved_reports_sensor
from aap_pipeline.database.connection import Connection
from aap_pipeline.definitions import defs
from aap_pipeline.marts.refresh import refresh
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.reports.question import Question
from aap_pipeline.reports.saved import SavedReport, save, saved_report
from aap_pipeline_tests.alerts.local import mail_receiver
from aap_pipeline_tests.marts.dataset import generate

_ZONE = ZoneInfo("Europe/Berlin")
_SAVED = datetime(2026, 6, 10, 12, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=_ZONE)


@pytest.mark.parametrize(
    ("schedule", "now", "day"),
    [
        ("daily", "2026-06-10T23:00", None),
        ("daily", "2026-06-11T05:59", None),
        ("daily", "2026-06-11T06:00", "2026-06-11"),
        ("weekly", "2026-06-14T12:00", None),
        ("weekly", "2026-06-15T06:00", "2026-06-15"),
        ("monthly", "2026-07-01T05:59", None),
        ("monthly", "2026-07-01T06:00", "2026-07-01"),
        ("monthly", "2026-07-20T00:00", "2026-07-01"),
        ("quarterly", "2026-06-30T23:00", None),
        ("quarterly", "2026-07-02T00:00", "2026-07-01"),
        (None, "2027-01-01T12:00", None),
    ],
)
def test_when_a_report_is_due(schedule: str | None, now: str, day: str | None) -> None:
    """Guards against a mail at midnight, before the night's last jobs are in, and against one for a past month."""
    report = SavedReport("r", Question(), schedule, saved_at=_SAVED)
    assert report.due_for(at(now)) == (date.fromisoformat(day) if day else None)
    if day:
        done = SavedReport("r", Question(), schedule, saved_at=_SAVED, done_for=date.fromisoformat(day))
        assert done.due_for(at(now)) is None


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as found:
        found.add_dynamic_partitions(SAVED_REPORTS.name or "", ["Board"])
        yield found


@pytest.fixture
def data(connection: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """Some history, and a report of it that is mailed monthly."""
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", database_url)
    generate(connection, 7, jobs=30)
    refresh(connection)
    save(connection, SavedReport("Board", Question(), "monthly", ("ceo@example.com", "cfo@example.com")))
    connection.commit()
    return connection


def run_report(instance: DagsterInstance, due_for: str | None) -> bool:
    config = RunConfig(ops={saved.op.name: Delivery(due_for=due_for)})
    job = defs.resolve_job_def("saved_report")
    done = job.execute_in_process(
        partition_key="Board", instance=instance, run_config=config.to_config_dict(), raise_on_error=False
    )
    return done.success


def mail_to(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    settings = {"HOST": "127.0.0.1", "PORT": str(port), "SECURITY": "none", "TO": "night@example.com"}
    for name, value in settings.items():
        monkeypatch.setenv(f"AAP_PIPELINE_ALERT_SMTP_{name}", value)


def test_a_due_report_is_mailed_once_as_body_and_attachment(
    data: Connection, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a mail that a program shows as source, and against a second one after a retry."""
    with mail_receiver() as (port, mails):
        mail_to(monkeypatch, port)
        assert run_report(instance, None)
        assert mails == []
        assert run_report(instance, "2026-07-01")
    [text] = mails
    mail = email.message_from_string(text, policy=default)
    assert isinstance(mail, EmailMessage)
    [(savings,)] = data.execute("SELECT sum(savings) FROM marts.savings_daily").fetchall()
    amount = f"{'-' if savings < 0 else ''}${abs(savings):,.0f}"
    assert mail["To"] == "ceo@example.com, cfo@example.com"
    assert mail["Subject"].startswith(f"Board: {amount} saved, 2024-10-")
    body, plain = mail.get_body(("html",)), mail.get_body(("plain",))
    assert body is not None
    assert plain is not None
    assert amount in plain.get_content()
    assert amount in body.get_content()
    assert "<svg" not in body.get_content()
    [attached] = mail.iter_attachments()
    assert attached.get_content_type() == "text/html"
    assert "<svg" in attached.get_content()
    assert saved_report(data, "Board").done_for == date(2026, 7, 1)


def test_a_failed_delivery_fails_the_run_and_stays_due(
    data: Connection, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a report that its readers miss while everything is green: a failed run is an incident."""
    assert not run_report(instance, "2026-07-01")  # no mail server is set
    with mail_receiver(refuses="cfo@example.com") as (port, mails):
        mail_to(monkeypatch, port)
        assert not run_report(instance, "2026-07-01")
        assert len(mails) == 1
    assert saved_report(data, "Board").done_for is None


def test_the_sensor_keeps_partitions_and_launches_what_is_due(data: Connection, instance: DagsterInstance) -> None:
    """Guards against a report that is saved and never made, and against two runs for one day."""
    data.execute("UPDATE pipeline.saved_report SET saved_at = %s", [datetime.now(UTC) - timedelta(70)])
    save(data, SavedReport("By hand", Question()))
    data.commit()
    instance.add_dynamic_partitions(SAVED_REPORTS.name or "", ["Gone"])
    with build_sensor_context(instance=instance) as context:
        first: Any = saved_reports_sensor(context, warehouse=Warehouse())
        second: Any = saved_reports_sensor(context, warehouse=Warehouse())
    changed = [change.partition_keys for change in first.dynamic_partitions_requests]
    assert changed == [["By hand"], ["Gone"]]
    [request] = first.run_requests
    assert (request.partition_key, request.tags["why"]) == ("Board", "monthly")
    assert request.run_key == second.run_requests[0].run_key
    assert request.run_config["ops"][saved.op.name]["config"]["due_for"].endswith("-01")


def test_the_overview_shows_all_clusters(
    data: Connection, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against an asset that shows its readers nothing."""
    monkeypatch.setenv("AAP_PIPELINE_BI_URL", "https://superset.example.com/superset/dashboard/aap-savings-overview/")
    data.execute("SELECT 1")
    [event] = (
        defs.resolve_implicit_global_asset_job_def()
        .execute_in_process(asset_selection=[overview.key], instance=instance)
        .get_asset_materialization_events()
    )
    metadata = event.step_materialization_data.materialization.metadata
    assert {"dashboard", "report", "savings", "runs", "unique_hosts"} <= metadata.keys()
    assert "| Job template | Runs | Failed |" in str(metadata["report"].value)
