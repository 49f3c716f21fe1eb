"""Every question of the sync, asked of the simulated controller: what arrives is what it holds, faults or not."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aap_pipeline.controller import paging
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.check import check
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.errors import IncompleteAnswer, RedirectedElsewhere
from aap_pipeline_tests.controller.conftest import Bench
from aap_pipeline_tests.controller.tokens import MemoryTokenStore
from aap_simulator.faults import Fault
from aap_simulator.server import SimulatorServer, replay
from aap_simulator.synthetic import synthetic

START = datetime(2000, 1, 1, tzinfo=UTC)
PRODUCTS = {
    "awx": "AWX 24.6.2",
    "aap24": "AAP 2.4",
    "aap25": "AAP 2.5",
    "aap26": "AAP 2.6",
    "aap27": "AAP 2.7",
    "aap28": "AAP 2.8",
}


@pytest.fixture(scope="module")
def shared(starts_server: None) -> Iterator[SimulatorServer]:
    """One server for the module; tests give it worlds of their own."""
    with SimulatorServer(synthetic(seed=1, jobs=1)) as server:
        yield server


@pytest.fixture
def server(shared: SimulatorServer) -> SimulatorServer:
    """A world of 300 jobs, odd cases included."""
    shared.use(synthetic("aap24", seed=4, jobs=300, days=40))
    return shared


def store(server: SimulatorServer) -> MemoryTokenStore:
    pair = server.tokens.issue()  # the one of the start may have been rotated by another test
    return MemoryTokenStore(Tokens(pair.access_token, pair.refresh_token, server.client_id, server.client_secret))


def client_of(bench: Bench, server: SimulatorServer, **settings: Any) -> ControllerClient:
    return bench.client(server.port, store(server), **settings)


def everything(api: ControllerApi) -> dict[int, tuple[dict[str, object], list[int]]]:
    """All finished jobs with the ids of their host summaries, read the way a sweep does."""
    until = datetime.now(UTC) + timedelta(days=400)
    jobs, counted = api.jobs_page(START, until, after_id=0, limit=50)
    page = jobs
    while len(page) < counted:
        page, counted = api.jobs_page(START, until, after_id=jobs[-1]["id"], limit=50)
        jobs += page
    assert len(jobs) == api.jobs_count(START, until)
    with ThreadPoolExecutor(4) as pool:
        summaries = list(pool.map(api.host_summaries, [job["id"] for job in jobs]))
    ids = [[row["id"] if isinstance(row, dict) else row.id for row in rows] for rows in summaries]
    return {job["id"]: (job, numbers) for job, numbers in zip(jobs, ids, strict=True)}


def truth(server: SimulatorServer) -> dict[int, tuple[dict[str, object], list[int]]]:
    return {
        id_: (one.job, sorted(row["id"] for row in one.host_summaries))
        for id_, one in server.world.truth().jobs.items()
    }


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_product_is_recognised_and_checked(bench: Bench, shared: SimulatorServer, product: str) -> None:
    """A release that is not recognised cannot be connected at all."""
    shared.use(synthetic(product, seed=1, jobs=5))
    client = client_of(bench, shared)
    found = list(check(client))
    assert client.product().label == PRODUCTS[product]
    assert [finding for finding in found if finding.outcome == "failed"] == []
    assert ("version", "warning") in {(finding.name, finding.outcome) for finding in found} or product != "aap28"


@pytest.mark.usefixtures("starts_server")
@pytest.mark.parametrize("product", ["awx", "aap24", "aap25"])
def test_recorded_controllers_are_recognised(bench: Bench, product: str) -> None:
    """Their answers are the real ones."""
    with replay(product) as server:
        assert client_of(bench, server).product().label == PRODUCTS[product]


def test_all_jobs_and_summaries_arrive_as_the_controller_holds_them(bench: Bench, server: SimulatorServer) -> None:
    """One missing summary is one host's savings lost."""
    assert everything(ControllerApi(client_of(bench, server))) == truth(server)


def test_all_jobs_and_summaries_arrive_through_a_storm_of_faults(bench: Bench, server: SimulatorServer) -> None:
    """Each of these is answered by somebody's silent skip in every product known."""
    # Not on the token path: when the answer to a rotation is lost, no client can get the pair back.
    lists = frozenset({"jobs", "host_summaries"})
    server.faults.add(
        Fault("status", 0.08, lists, statuses=(429, 500, 502, 503, 504), retry_after=1),
        Fault("expire_token", 0.005, lists),  # two in a row end a request
        *(Fault(kind, 0.04, lists) for kind in ("reset", "truncate", "html", "html_404", "maintenance")),
    )
    client = client_of(bench, server, retries=12)
    assert everything(ControllerApi(client)) == truth(server)
    seen = client.statistics
    assert {"HTML", "maintenance", "bad JSON", "HTTP 503"} <= seen.retries_by_cause.keys()
    assert {"connection", "cut off"} & seen.retries_by_cause.keys()
    assert server.tokens.refreshes > 0


def test_whole_listings_and_labels_equal_the_controllers(bench: Bench, server: SimulatorServer) -> None:
    """Labels in the job are cut to ten; templates of jobs to come are in no job at all."""
    api = ControllerApi(client_of(bench, server))
    held = server.world.truth()
    assert api.organizations() == sorted(held.organizations, key=lambda row: row["id"])
    assert api.job_templates() == sorted(held.job_templates, key=lambda row: row["id"])
    cut = [id_ for id_, one in held.jobs.items() if len(one.labels) > 10]
    assert cut
    for id_ in cut[:3]:
        assert [row["id"] for row in api.labels(id_)] == sorted(row["id"] for row in held.jobs[id_].labels)


def test_jobs_by_ids_leaves_out_what_is_gone(bench: Bench, server: SimulatorServer) -> None:
    """Provisional jobs are read again by id, in more than one request, and may have been deleted meanwhile."""
    ids = sorted(server.world.truth().jobs)
    server.world.delete_job(ids[0])
    api = ControllerApi(client_of(bench, server))
    assert [row["id"] for row in api.jobs_by_ids([*reversed(ids), 10**6])] == ids[1:]
    assert api.jobs_by_ids([]) == []


def test_pending_jobs_are_those_whose_summaries_may_still_come(bench: Bench, shared: SimulatorServer) -> None:
    """They look finished and empty; stored as such they vanish from every figure."""
    world = synthetic("aap24", seed=2, jobs=10)
    shared.use(world)
    late = [world.add_job(hosts=3, stats="late") for _ in range(5)]
    api = ControllerApi(client_of(bench, shared))
    pending = api.pending_job_ids(START)
    assert set(late) <= set(pending)
    assert pending == sorted(pending)
    assert api.pending_job_ids(START, after_id=late[1], upto_id=late[3]) == late[2:4]
    assert api.host_summaries(late[0]) == []
    shared.world.deliver_summaries()
    assert not set(late) & set(api.pending_job_ids(START))
    assert len(api.host_summaries(late[0])) == 3


def test_a_promised_row_that_never_comes_is_an_error(bench: Bench, server: SimulatorServer) -> None:
    """count is the only witness."""
    server.faults.add(Fault("count_too_high", paths=frozenset({"host_summaries"})))
    api = ControllerApi(client_of(bench, server))
    with pytest.raises(IncompleteAnswer, match="twice"):
        api.host_summaries(next(iter(server.world.truth().jobs)))


def test_a_row_that_one_page_leaves_out_is_fetched_by_the_next(bench: Bench, server: SimulatorServer) -> None:
    """The keyset goes on from the last row seen, so the missing one is simply the next."""
    job = max(server.world.truth().jobs.values(), key=lambda one: len(one.host_summaries))
    server.faults.add(Fault("drop_row", times=1))
    rows = ControllerApi(client_of(bench, server)).host_summaries(int(job.job["id"]))
    assert len(rows) == len(job.host_summaries)


def test_the_token_goes_to_no_other_host(bench: Bench, server: SimulatorServer) -> None:
    """Links to the next page are not used at all; redirects are errors."""
    api = ControllerApi(client_of(bench, server))
    templates = api.job_templates()
    server.faults.add(Fault("foreign_next"))
    assert api.job_templates() == templates
    server.faults.clear()
    server.faults.add(Fault("foreign_redirect"))
    with pytest.raises(RedirectedElsewhere):
        api.jobs_count()


def test_expired_tokens_are_renewed_by_one_of_many_threads(bench: Bench, server: SimulatorServer) -> None:
    """A rotated refresh token that is used twice locks the cluster out."""
    client = client_of(bench, server, workers=8)
    client.product()
    before = server.tokens.refreshes
    server.tokens.expire_access()
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda _: paging.count(client, "jobs/"), range(40)))
    assert len(set(counts)) == 1
    assert server.tokens.refreshes == before + 1
    basic = base64.b64encode(f"{server.client_id}:{server.client_secret}".encode()).decode()
    assert basic not in repr(client)
