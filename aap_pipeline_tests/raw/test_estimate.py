"""What a read costs the controller, and which way costs less."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aap_pipeline.controller.manners import Manners
from aap_pipeline.raw.estimate import Cost, by_host, by_job, cheaper, lists_of_jobs, stretch

FIRST_EDITION = 0.101
"""Controller seconds per job of ten hosts: 18 ms to list it, 83 ms for its host summaries."""


def test_a_first_sync_of_a_large_controller_costs_a_third_by_host() -> None:
    """Guards against an estimate that does not find the cheaper way: 100,000 jobs of ten hosts on 2,000 hosts."""
    way, cost = cheaper(100_000, 10, 2000)
    assert way == "by host"
    assert (cost + lists_of_jobs(100_000)).seconds <= 0.35 * FIRST_EDITION * 100_000


def test_the_largest_installation_takes_days_instead_of_weeks() -> None:
    """Guards against weeks for 10.8 million jobs on 10,000 hosts at 8 requests per second."""
    slow = Manners(max_concurrent_requests=4, max_requests_per_second=8)
    before = (by_job(10_800_000, 10) + lists_of_jobs(10_800_000)).minutes(slow) / 60 / 24
    now = (by_host(10_800_000, 10, 10_000) + lists_of_jobs(10_800_000)).minutes(slow) / 60 / 24
    assert before > 15
    assert now <= before / 4
    assert now < 1.5


@given(jobs=st.integers(1, 10**7), hosts_a_job=st.floats(0, 200), hosts=st.integers(0, 20_000))
def test_the_cheaper_way_is_chosen(jobs: int, hosts_a_job: float, hosts: int) -> None:
    """Guards against the dearer of the two."""
    _, cost = cheaper(jobs, hosts_a_job, hosts)
    assert cost.seconds == min(by_job(jobs, hosts_a_job).seconds, by_host(jobs, hosts_a_job, hosts).seconds)
    assert stretch(hosts_a_job, hosts) >= 1000


def test_few_jobs_on_many_hosts_are_read_by_job() -> None:
    """Guards against a question to each of thousands of hosts for some jobs."""
    assert cheaper(1000, 5, 10_000)[0] == "by job"


def test_without_hosts_to_list_jobs_are_read_by_job() -> None:
    """Guards against a promise of a few requests to a user who sees no host."""
    way, cost = cheaper(100_000, 10, 0)
    assert (way, cost.requests >= 100_000) == ("by job", True)


@pytest.mark.parametrize(("rate", "at_once", "minutes"), [(10, 4, 1.0), (100, 1, 0.5), (1, 64, 10.0)])
def test_minutes_follow_the_tighter_limit(rate: float, at_once: int, minutes: float) -> None:
    """Guards against a promise that one of the limits breaks."""
    manners = Manners(max_concurrent_requests=at_once, max_requests_per_second=rate)
    assert Cost(600, 30.0).minutes(manners) == pytest.approx(minutes)
