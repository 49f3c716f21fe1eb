"""What the pipeline's questions cost a controller, in the controller seconds of the simulator's cost model."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aap_pipeline.clusters.controllers import ONE_QUESTION, open_controller
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline_tests.raw.rig import NOW, STRICTEST, Rig, assert_raw_is_truth, empty_world, filled_world, patient
from aap_simulator.server import SimulatorServer

FIRST_EDITION = 0.101
"""Controller seconds per job of ten hosts that the first edition took: 18 ms to list it, 83 ms for its summaries."""


def test_a_tick_costs_one_question_and_ten_milliseconds_of_the_database(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a question that sorts a controller's whole history every five seconds."""
    server.use(filled_world(jobs=3000, days=90, odd_cases=False, hosts_per_job=1))
    rig.sync(since=NOW - timedelta(hours=3), until=NOW)  # so that the product is known
    rig.execute("UPDATE clusters_cluster SET listed_at = NOW()")
    for watermark in (rig.world.newest_finished(), None):
        server.log.clear()
        with open_controller(rig.database_url, rig.cipher, rig.cluster, ONE_QUESTION) as client:
            newest = ControllerApi(client).newest_finished(watermark)
        assert (newest is None) is (watermark is not None)
        assert server.log.total == 1
        assert server.log.database_seconds <= 0.010


def test_an_idle_sync_costs_two_questions(rig: Rig, server: SimulatorServer) -> None:
    """Guards against lists that never change and are read each time."""
    server.use(filled_world(jobs=500, days=30, odd_cases=False))
    rig.sync()
    rig.execute("UPDATE clusters_cluster SET listed_at = NOW() - interval '3 hours'")
    server.log.clear()
    rig.sync()
    assert server.log.by_kind == {"ping": 1, "jobs": 1}
    assert server.log.database_seconds <= 0.02
    assert server.log.seconds <= 0.36  # the least that any question about jobs takes is 0.32
    assert {request.agent.partition("/")[0] for request in server.log.requests} == {"aap-pipeline"}


def test_a_first_sync_by_host_costs_a_third_of_the_first_edition(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a first sync that keeps a controller busy for days."""
    jobs = 1500
    server.use(filled_world(jobs=jobs, days=30, hosts=40, hosts_per_job=10, odd_cases=False, spread=False))
    rig.sync()
    assert server.log.by_kind["host_summaries"] < jobs / 10
    assert server.log.seconds <= 0.43 * FIRST_EDITION * jobs  # short histories pay for first and half-full pages
    assert_raw_is_truth(rig)


def test_no_long_window_is_asked_for_by_date(rig: Rig, server: SimulatorServer) -> None:
    """Guards against questions whose cost grows with the history: none keeps more than some hundred rows by date."""
    server.use(filled_world(jobs=3000, days=90, odd_cases=False, hosts_per_job=1))
    rig.sync()
    dear = [each for each in server.log.requests if each.cost.database > 0.15 and "finished__" in each.query]
    assert len(dear) <= 3
    assert_raw_is_truth(rig)


def test_limits_at_their_strictest_lose_nothing_and_hold_requests_back(rig: Rig, server: SimulatorServer) -> None:
    """Guards against limits that are not kept, and against a sync that gives up because of them."""
    server.use(filled_world(jobs=60))
    rig.manners = STRICTEST
    slept: list[float] = []
    rig.settings = patient(sleep=slept.append)
    rig.register()
    report = rig.sync()
    assert_raw_is_truth(rig)
    assert server.log.most_at_once == 1
    assert sum(slept) > 90 * report.requests
    assert report.share_held_back > 0.9
    assert rig.last_run()["share_held_back"] == pytest.approx(report.share_held_back, abs=0.001)


def test_an_outage_is_caught_up_with_slices_of_a_page(rig: Rig, server: SimulatorServer) -> None:
    """Guards against one window over three days whose every page is sorted whole."""
    world = empty_world()
    world.add_job(finished=NOW - timedelta(days=3))
    server.use(world)
    rig.sync()
    for number in range(900):
        world.add_job(finished=NOW - timedelta(days=2) + number * timedelta(minutes=3), hosts=0)
    report = rig.sync()
    assert report.jobs_stored == 900
    assert 4 <= report.slices <= 60
    assert_raw_is_truth(rig)
