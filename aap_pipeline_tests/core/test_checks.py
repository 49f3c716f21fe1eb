"""The checks turn red when they must."""

from __future__ import annotations

from datetime import UTC, datetime

from aap_pipeline.core import checks
from aap_pipeline.database.connection import Connection
from aap_pipeline_tests.core.conftest import Store
from aap_pipeline_tests.core.helpers import add_raw, job, values


def test_host_totals_are_checked_for_new_jobs_at_once_and_for_old_ones_in_rounds(
    connection: Connection, store: Store, cluster: int
) -> None:
    """Guards against a check that proves nothing, or reads everything each time."""
    store(*(job(n) for n in range(1, 11)))
    assert checks.host_totals(connection, cluster, audit=4) == (10, [])
    damage = "UPDATE clusters_job SET ok_hosts_count = ok_hosts_count + %s WHERE external_id = 6"
    connection.execute(damage, [1])
    rounds = [checks.host_totals(connection, cluster, audit=4) for _ in range(3)]
    assert [disagreeing for _, disagreeing in rounds] == [[], [6], [6]]  # until it is repaired
    connection.execute(damage, [-1])
    rounds += [checks.host_totals(connection, cluster, audit=4) for _ in range(3)]
    assert [checked for checked, _ in rounds] == [4, 4, 4, 4, 2, 4]
    connection.commit()
    store(job(11))
    connection.execute(
        "DELETE FROM clusters_jobhostsummary s USING clusters_job j WHERE j.id = s.job_id AND external_id = 11"
    )
    assert 11 in checks.host_totals(connection, cluster, audit=4)[1]


def test_every_host_total_is_held_against_the_host_summaries(
    connection: Connection, store: Store, cluster: int
) -> None:
    """Guards against a total that the check forgets."""
    totals = [
        name
        for name in values(
            connection,
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name = 'clusters_job'",
        )
        if name.endswith("_hosts_count") or name == "num_hosts"
    ]
    assert len(totals) == 10
    store(*(job(n) for n in range(1, 11)))
    for number, name in enumerate(totals, 1):
        connection.execute(f"UPDATE clusters_job SET {name} = {name} + 1 WHERE external_id = {number}".encode())
    assert checks.host_totals(connection, cluster)[1] == list(range(1, 11))


def test_rows_that_wait_longer_than_an_hour_are_named(connection: Connection, cluster: int) -> None:
    """Guards against raw rows that nobody parses."""
    add_raw(connection, cluster, [job(1), job(2)])
    assert checks.nothing_unparsed(connection, cluster).passed
    connection.execute(
        "UPDATE clusters_clustersyncdata SET internal_created = now() - interval '61 min' WHERE external_id = 1"
    )
    found = checks.nothing_unparsed(connection, cluster)
    assert (found.passed, found.figures) == (False, {"rows": 1})


def test_refused_records_are_counted_by_reason(connection: Connection, store: Store, cluster: int) -> None:
    """Guards against a quarantine that fills unnoticed."""
    before = datetime.now(UTC)
    store(job(1, status="exploded"), job(2, elapsed=None), job(3, elapsed=None))
    found = checks.nothing_rejected(connection, cluster, before)
    assert (found.passed, found.figures) == (False, {"new": 3, "in_quarantine": 3})
    assert "elapsed_missing (2), unknown_status (1)" in found.text
    later = checks.nothing_rejected(connection, cluster, datetime(2999, 1, 1, tzinfo=UTC))
    assert (later.passed, later.figures) == (True, {"new": 0, "in_quarantine": 3})
