"""The generator: the same jobs for the same parameters, believable ones, and every odd case among them."""

from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest

from aap_simulator import odd
from aap_simulator.generate import Generator, generate

UNTIL = datetime(2026, 3, 2, 12, tzinfo=UTC)
Pair = tuple[dict[str, Any], list[dict[str, Any]]]


def _generator(**changes: Any) -> Generator:
    return generate(**{"seed": 7, "until": UNTIL, **changes})


@pytest.fixture(scope="module")
def year() -> list[Pair]:
    """The default year: 2,000 jobs."""
    return list(_generator().documents())


def test_the_same_parameters_give_the_same_documents(year: list[Pair]) -> None:
    """Guards determinism, also of a second pass over one generator."""
    generator = _generator()
    assert list(islice(generator.documents(), 300)) == year[:300]
    assert list(generator.documents()) == year


def test_another_seed_gives_other_jobs(year: list[Pair]) -> None:
    """Guards against a seed that is ignored."""
    assert [job["finished"] for job, _ in _generator(seed=8).documents()] != [job["finished"] for job, _ in year]


def test_the_default_year_has_the_promised_size_and_mix(year: list[Pair]) -> None:
    """Guards the sizes and the documented distributions."""
    assert len(year) == 2000
    statuses = Counter(job["status"] for job, _ in year)
    assert 0.90 < statuses["successful"] / 2000 < 0.95
    assert 0.03 < statuses["failed"] / 2000 < 0.08
    templates = Counter(job["job_template"] for job, _ in year)
    assert 38 <= len(templates) <= 41
    assert templates.most_common(1)[0][1] > 10 * templates.most_common()[-2][1]
    weekdays = Counter(datetime.fromisoformat(job["created"]).weekday() for job, _ in year)
    assert weekdays[5] < weekdays[1] / 2
    hosts = [len(summaries) for _, summaries in year]
    assert 5 < sum(hosts) / 2000 < 12


def test_ids_are_unique_ascending_and_within_int32(year: list[Pair]) -> None:
    """Guards keyset paging and the unique keys of the copy."""
    ids = [job["id"] for job, _ in year]
    assert ids == sorted(set(ids))
    summary_ids = [row["id"] for _, summaries in year for row in summaries]
    assert summary_ids == list(range(1, len(summary_ids) + 1))
    assert max(ids) < 2**31
    for _, summaries in year:
        assert len({row["host_name"] for row in summaries}) == len(summaries)


def test_the_dates_of_a_job_are_in_order(year: list[Pair]) -> None:
    """Guards against jobs that finish before they start, and against a finish after the end of the history."""
    for job, _ in year:
        if job["finished"]:
            finished = datetime.fromisoformat(job["finished"])
            assert finished <= UNTIL
            started = datetime.fromisoformat(job["started"] or job["created"])
            assert datetime.fromisoformat(job["created"]) <= started <= finished
            if job["started"]:
                assert job["elapsed"] == pytest.approx((finished - started).total_seconds(), abs=0.0006)
        else:
            assert job["status"] in ("new", "pending", "waiting", "running")


def test_every_odd_case_is_in_the_default_year(year: list[Pair]) -> None:
    """Guards that the demo and the tests meet every null and rarity of the facts."""
    jobs = [job for job, _ in year]
    rows = [row for _, summaries in year for row in summaries]
    assert any(job["job_template"] is None and "job_template" not in job["summary_fields"] for job in jobs)
    assert any(job["organization"] is None and "organization" not in job["related"] for job in jobs)
    assert any(job["finished"] and job["started"] is None for job in jobs)
    launches = {
        "manual",
        "scheduled",
        "workflow",
        "webhook",
        "relaunch",
        "callback",
        "dependency",
        "sync",
        "scm",
        "teleport",
    }
    assert {job["launch_type"] for job in jobs} == launches
    assert {job["job_type"] for job in jobs} == {"run", "check", "scan", "survey"}
    assert any(job["launched_by"] == {} and job["launch_type"] == "manual" for job in jobs)
    labels = [job["summary_fields"]["labels"] for job in jobs]
    assert any(shown["count"] == 15 and len(shown["results"]) == 10 for shown in labels)
    assert any(row["host"] is None and "host" not in row["summary_fields"] for row in rows)
    assert any(row["host_name"] == "localhost" for row in rows)
    assert any(row["constructed_host"] for row in rows)
    assert {1024} <= {len(row["host_name"]) for row in rows}
    assert max(len(job["name"]) for job in jobs) == 512
    assert not all(job["name"].isascii() for job in jobs)
    assert max(len(summaries) for _, summaries in year) == odd.BIG_JOB_HOSTS
    assert any(job["status"] == "successful" and not summaries for job, summaries in year)
    assert any(job["finished"] and "." not in job["finished"] for job in jobs)
    assert Counter(job["finished"] for job in jobs if job["finished"]).most_common(1)[0][1] >= 290
    assert any(job["artifacts"] == odd.NO_LOG for job in jobs)
    assert {job["status"] for job in jobs} >= {"running", "pending", "waiting", "new", "error", "canceled"}


def test_each_odd_case_has_its_place(year: list[Pair]) -> None:
    """Guards the plan: with enough jobs no case is left out."""
    assert list(odd.plan(2000).values()) == list(odd.CASES)
    assert len(odd.plan(10)) == 9


def test_plain_parameters_give_every_job_the_same_number_of_hosts() -> None:
    """Guards the benchmarks, which count on exactly N host summaries a job."""
    plain = _generator(jobs=300, hosts_per_job=10, spread=False, odd_cases=False)
    done = [(job, rows) for job, rows in plain.documents() if job["status"] in ("successful", "failed")]
    assert {len(rows) for _, rows in done} == {10}


def test_any_size_gives_exactly_that_many_jobs() -> None:
    """Guards the split over days and the odd cases against small numbers."""
    for jobs in (0, 1, 2, 7, 40):
        assert len(list(_generator(jobs=jobs, days=3, templates=2, organizations=1, hosts=2).specs())) == jobs
