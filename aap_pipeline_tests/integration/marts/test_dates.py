"""The dimension of days holds every day, whoever filled it."""

from __future__ import annotations

from datetime import timedelta

from aap_pipeline.marts.refresh import refresh
from aap_pipeline.warehouse.connection import Connection
from aap_pipeline_tests.integration.marts.dataset import DAYS, START, generate


def test_a_gap_that_two_clusters_left_between_their_days_is_filled(connection: Connection) -> None:
    """Guards against a cluster whose savings can never be built: two first syncs at once, one of last year's jobs and
    one of this month's, leave a gap between them, for neither sees what the other has not committed."""
    month = timedelta(days=31)
    for day in (START.date() - 2 * month, START.date() + timedelta(days=DAYS) + 2 * month):
        connection.execute("SELECT marts.fill_dates(%s, %s)", (day, day + month))
    generate(connection, seed=1)
    refresh(connection)
    row = connection.execute("SELECT count(*), max(date) - min(date) + 1 FROM marts.dim_date").fetchone()
    assert row is not None
    assert row[0] == row[1] > DAYS
