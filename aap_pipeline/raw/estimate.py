"""Estimate what a sync costs the controller if it reads host summaries by job or by host.

The figures were measured on AWX 24.6.2 (docs/adr/0020).
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aap_pipeline.controller.manners import Manners
from aap_pipeline.controller.paging import PAGE_SIZE
from aap_pipeline.raw.window import JOBS_A_SLICE
from aap_pipeline.reports.output import counted

Way = Literal["by job", "by host"]
_JOBS_REQUEST, _JOB = 0.3, 0.014
_SUMMARIES_REQUEST, _SUMMARY = 0.072, 0.0011
_HOSTS_REQUEST, _HOST = 0.06, 0.020
ROWS_OF_A_HOST = 800
"""Host summaries of one host per stretch: four full pages. Each stretch costs a request per host without any."""


@dataclass(frozen=True)
class Cost:
    """Requests, and seconds of the controller's web workers."""

    requests: int
    seconds: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.requests + other.requests, self.seconds + other.seconds)

    def minutes(self, manners: Manners) -> float:
        """Return the shortest time possible within `manners`."""
        by_rate = self.requests / manners.max_requests_per_second
        return max(by_rate, self.seconds / manners.max_concurrent_requests) / 60


@dataclass(frozen=True)
class DryRun:
    """What a sync would read: the jobs of its window, those not stored yet, and the cost of the cheaper way.

    `minutes` takes the cluster's limits into account. Jobs with more than ten labels and changed jobs cost additional
    requests.
    """

    window_from: datetime
    window_to: datetime
    jobs: int
    new_jobs: int
    requests: int
    controller_seconds: float
    minutes: float
    way: Way

    @property
    def cost(self) -> str:
        seconds, minutes = f"{self.controller_seconds:,.0f}", f"{max(self.minutes, 0.1):,.1f}"
        return f"about {counted(self.requests, 'request')}, {seconds} s of its web workers, at least {minutes} minutes"


def lists_of_jobs(jobs: int) -> Cost:
    slices = max(1, -(-jobs // JOBS_A_SLICE))
    return Cost(slices, slices * _JOBS_REQUEST + jobs * _JOB)


def by_job(jobs: int, hosts_a_job: float) -> Cost:
    """Return the cost of reading the host summaries per job, with one request per slice for incomplete ones."""
    pages, slices = max(1, -(-int(hosts_a_job) // PAGE_SIZE)), -(-jobs // JOBS_A_SLICE)
    seconds = jobs * (pages * _SUMMARIES_REQUEST + hosts_a_job * _SUMMARY) + slices * _JOBS_REQUEST
    return Cost(jobs * pages + slices, seconds)


def by_host(jobs: int, hosts_a_job: float, hosts: int) -> Cost:
    """Return the cost of reading the host summaries per host, with one job per slice read by job for comparison."""
    if not hosts:
        return Cost(0, math.inf)
    rows = jobs * hosts_a_job
    stretches = max(1, -(-jobs // stretch(hosts_a_job, hosts)))
    requests = max(hosts * stretches, int(rows / PAGE_SIZE) + hosts * stretches // 2)
    lists = -(-hosts // PAGE_SIZE)
    slices = -(-jobs // JOBS_A_SLICE)
    return Cost(
        lists + requests + slices,
        lists * _HOSTS_REQUEST + hosts * _HOST + requests * _SUMMARIES_REQUEST + rows * _SUMMARY + slices * 0.1,
    )


def stretch(hosts_a_job: float, hosts: int) -> int:
    return max(1000, int(ROWS_OF_A_HOST * hosts / max(hosts_a_job, 1.0)))


def cheaper(jobs: int, hosts_a_job: float, hosts: int) -> tuple[Way, Cost]:
    """Return the way that costs the controller less, and its cost."""
    ways: dict[Way, Cost] = {"by job": by_job(jobs, hosts_a_job), "by host": by_host(jobs, hosts_a_job, hosts)}
    way = min(ways, key=lambda each: ways[each].seconds)
    return way, ways[way]
