"""A reporting time zone that changes while jobs are being stored, or while the marts are being built."""

from __future__ import annotations

import psycopg
import pytest

from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection
from aap_pipeline.marts.asset_checks import differences
from aap_pipeline.marts.refresh import refresh
from aap_pipeline_tests.core.conftest import (  # noqa: F401 - fixtures
    Interrupt,
    Store,
    before,
    cluster,
    other,
    store,
)
from aap_pipeline_tests.core.helpers import job
from aap_pipeline_tests.marts.dataset import add_cluster, add_job, add_named, generate, one
from aap_pipeline_tests.marts.test_oracle import snapshot

_ZONE = "Pacific/Kiritimati"  # fourteen hours ahead: most runs fall on another day


def move(connection: Connection) -> None:
    """Change the zone."""
    with connection.transaction():
        application_settings.write(connection, "reporting_timezone", _ZONE)


@pytest.mark.parametrize("moment", ["core/create_incoming_job", "core/hold_time_zone", "core/note_changed_days"])
def test_no_job_is_missing_whose_batch_met_a_change_of_the_time_zone(
    connection: Connection,
    store: Store,  # noqa: F811
    before: Interrupt,  # noqa: F811
    other: Connection,  # noqa: F811
    moment: str,
) -> None:
    """Guards against days noted in the old zone after the marts were built by the new one: a job on neither's day."""
    refused = []

    def change_and_refresh() -> None:
        try:
            move(other)
        except psycopg.errors.LockNotAvailable as error:
            refused.append(error)
        refresh(other)

    before(moment, change_and_refresh)
    assert store(job(1, started="2025-01-05T20:00:00Z", finished="2025-01-05T20:01:00Z")).jobs == 1
    assert bool(refused) == (moment == "core/note_changed_days")
    if refused:
        move(connection)
    refresh(connection)
    assert differences(connection) == {}


@pytest.mark.parametrize(
    "moment",
    [
        "marts/take_changed_days",
        "marts/take_changed_rates",
        "marts/load_jobs",
        "marts/write_days",
    ],
)
def test_a_refresh_that_met_a_change_of_the_time_zone_is_made_good_by_the_next(
    connection: Connection,
    before: Interrupt,  # noqa: F811
    other: Connection,  # noqa: F811
    moment: str,
) -> None:
    """Guards against marts half in one zone and half in the other that nothing notes."""
    generate(connection, 5, jobs=20)
    connection.commit()
    before(moment, lambda: move(other))
    refresh(connection)
    refresh(connection)
    assert differences(connection) == {}
    found = snapshot(connection)
    refresh(connection, everything=True)
    assert snapshot(connection) == found


def test_minutes_set_on_a_day_that_a_change_of_the_time_zone_brings_back_hold_once(connection: Connection) -> None:
    """Guards against two periods of minutes that hold on one day, on which every run then counts twice."""
    cluster = add_cluster(connection, "a")  # noqa: F811
    template = add_named(connection, "clusters_jobtemplate", cluster, 1)
    hosts = [add_named(connection, "clusters_host", cluster, 1)]
    for zone, minutes in (("Etc/GMT-14", 70), ("Etc/GMT+12", 80)):  # ahead of UTC, then behind: a day or two earlier
        application_settings.write(connection, "reporting_timezone", zone)
        connection.execute(
            "UPDATE clusters_jobtemplate SET time_taken_manually_execute_minutes = %s WHERE id = %s",
            (minutes, template),
        )
    for number in range(4):
        moment = one(connection, "SELECT rollup.day_start(marts.today() + %s, 'Etc/GMT+12')", number - 1)
        add_job(connection, cluster, number, moment, job_template_id=template, hosts=hosts, elapsed=0)
    refresh(connection)
    recorded = "SELECT count(*), sum(manual_costs_as_recorded) FROM marts.savings_daily"
    assert connection.execute(recorded).fetchone() == (4, (60 + 80 * 3) * 50)
