"""The Dagster UI in a real browser, over everything that `aap-pipeline up` starts: what an operator sees and does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aap_pipeline.database.connection import connect
from aap_pipeline_tests.runtime.running import Up
from aap_pipeline_tests.site import small_world
from aap_pipeline_tests.ui.browser import browser, missing
from aap_pipeline_tests.ui.site import change_a_job_by_hand, import_controllers
from aap_pipeline_tests.ui.walk import BACKFILL, Operator
from aap_simulator.server import SimulatorServer

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
DEMANDED = "AAP_PIPELINE_TEST_BROWSER"
"""Set to 1, this environment variable turns the skip of a machine without a browser into a failure."""


@pytest.fixture
def up(starts_server: None, tmp_path: Path) -> Iterator[Up]:
    """`aap-pipeline up`, ended after the test whatever happens in it."""
    if lacking := missing():
        if os.environ.get(DEMANDED) == "1":
            pytest.fail(lacking)
        pytest.skip(f"{lacking} {DEMANDED}=1 demands this test.")
    running = Up(tmp_path)
    yield running
    for process in running.processes():
        process.kill()
    running.process.communicate()


@pytest.mark.long
def test_an_operator_sees_the_clusters_backfills_one_and_finds_what_is_wrong(up: Up, tmp_path: Path) -> None:
    """Guards against a UI that loads and cannot be operated: names, partitions, launchpad, colours, remedies."""
    up.wait_until_ready()
    long_ago = small_world(days=300, jobs=60)
    jobs = long_ago.truth().jobs.values()
    with SimulatorServer(long_ago) as berlin, SimulatorServer(small_world()) as tokyo:
        import_controllers(up.environment, tmp_path, {"berlin": berlin, "tokyo": tokyo})
        with browser(tmp_path / "browser") as page:
            operator = Operator(page, up.address)
            operator.see_graph("raw", "core", "marts")
            operator.see_partitions("core/jobs", "berlin", "tokyo")
            stored = _jobs(up, "berlin")
            assert 0 < stored < len(jobs)

            recent = (datetime.now(UTC) - timedelta(days=80)).date()
            operator.open_launchpad("berlin")
            operator.fill_in((recent - timedelta(days=90)).isoformat(), recent.isoformat())
            operator.launch()
            operator.see_run_end("Success")
            assert stored < (further := _jobs(up, "berlin")) < len(jobs)

            assert BACKFILL.format(since="2024-01-01", until="2024-07-01") in OPERATIONS.read_text(encoding="utf-8")
            operator.choose_for_backfill("2000-01-01", recent.isoformat(), "berlin", "tokyo")
            operator.launch_backfill()
            assert further < _jobs(up, "berlin") == len(jobs)
            assert _backfills(up) == {"berlin": 2, "tokyo": 1}

            change_a_job_by_hand(up.database_url(), "berlin")
            long_ago.add_job()  # a sync that brings nothing skips the checks of core
            operator.open_launchpad("berlin")
            operator.launch()
            operator.see_run_end("Failure")
            words = operator.see_check("core/jobs", "host_totals_agree", "aap-pipeline reconcile --cluster")
            assert "Failed" in words
            assert "The host totals of 1 job differ from the host summaries: " in words


def _backfills(up: Up) -> dict[str, int]:
    with connect(up.database_url()) as connection:
        return dict(
            connection.execute(
                "SELECT c.name, count(*) FROM pipeline.sync_run JOIN clusters_cluster c ON c.id = cluster_id "
                "WHERE kind = 'backfill' AND outcome = 'succeeded' GROUP BY c.name"
            ).fetchall()
        )


def _jobs(up: Up, cluster: str) -> int:
    with connect(up.database_url()) as connection:
        [(count,)] = connection.execute(
            "SELECT count(*) FROM clusters_job JOIN clusters_cluster c ON c.id = cluster_id WHERE c.name = %s",
            [cluster],
        ).fetchall()
    return int(count)
