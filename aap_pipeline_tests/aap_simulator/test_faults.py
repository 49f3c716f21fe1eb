"""Each fault does what it says, over real HTTP, and only where and as often as it was told to."""

import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
import requests

from aap_pipeline_tests.aap_simulator.certificate import self_signed
from aap_simulator.faults import KINDS, Fault, FaultPlan, parse_fault
from aap_simulator.server import SimulatorServer
from aap_simulator.synthetic import SyntheticWorld, synthetic

pytestmark = pytest.mark.usefixtures("starts_server")

JOBS = "/api/v2/jobs/?page_size=5&order_by=id"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
Get = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def running() -> Iterator[SimulatorServer]:
    """One server for all; each test serves a world of its own with it."""
    with SimulatorServer(synthetic(jobs=0, history=False)) as server:
        yield server


@pytest.fixture
def server(running: SimulatorServer) -> SimulatorServer:
    """A server over a fresh world of 30 jobs."""
    running.use(synthetic(seed=4, jobs=30, days=5, templates=3, organizations=2, hosts=8, until=NOW, odd_cases=False))
    running.token = running.tokens.issue()
    return running


@pytest.fixture
def get(server: SimulatorServer) -> Get:
    """GET a path with the server's token, following no redirect."""

    def get(path: str = JOBS, seconds: float = 10) -> requests.Response:
        headers = {"Authorization": f"Bearer {server.token.access_token}"}
        return requests.get(server.url + path, headers=headers, timeout=seconds, allow_redirects=False)

    return get


def _world(server: SimulatorServer) -> SyntheticWorld:
    assert isinstance(server.world, SyntheticWorld)
    return server.world


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_storm_answers_with_its_status_and_retry_after(server: SimulatorServer, get: Get, status: int) -> None:
    """Guards `status`."""
    server.faults.add(Fault("status", statuses=(status,), retry_after=3, times=2))
    assert [get().status_code for _ in range(3)] == [status, status, 200]
    server.faults.add(Fault("status", statuses=(status,), retry_after=3))
    assert get().headers["Retry-After"] == "3"
    assert server.log.by_status == {status: 3, 200: 1}


def test_a_reset_breaks_the_body_off(server: SimulatorServer, get: Get) -> None:
    """Guards `reset`: the client sees a broken connection, never a short answer."""
    server.faults.add(Fault("reset", times=1))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        get()
    assert get().json()["count"] == 30
    assert server.log.by_status == {0: 1, 200: 1}


def test_a_truncated_answer_looks_whole_and_is_no_json(server: SimulatorServer, get: Get) -> None:
    """Guards `truncate`: the length is that of what came."""
    server.faults.add(Fault("truncate"))
    answer = get()
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_a_hang_lasts_past_the_timeout(server: SimulatorServer, get: Get) -> None:
    """Guards `hang`, and that a hanging request does not hold up the next."""
    server.faults.add(Fault("hang", times=1))
    with pytest.raises(requests.Timeout):
        get(seconds=0.2)
    assert get().status_code == 200


def test_a_hang_ends_after_its_seconds_with_a_closed_connection(server: SimulatorServer, get: Get) -> None:
    """Guards `seconds`."""
    server.faults.add(Fault("hang", seconds=0.05))
    with pytest.raises(requests.ConnectionError):
        get()


def test_html_comes_instead_of_json(server: SimulatorServer, get: Get) -> None:
    """Guards `html`, `html_404` and `maintenance`."""
    server.faults.add(Fault("html", times=1), Fault("html_404", skip=1, times=1))
    assert [(answer.status_code, answer.headers["content-type"]) for answer in (get(), get())] == [
        (200, "text/html; charset=utf-8"),
        (404, "text/html; charset=utf-8"),
    ]
    server.faults.clear()
    server.faults.add(Fault("maintenance", paths=frozenset({"jobs", "ping"})))
    moved = get("/api/v2/ping/")
    assert moved.status_code == 302
    page = get(moved.headers["location"])
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_an_expired_token_is_refused_until_it_is_refreshed(server: SimulatorServer, get: Get) -> None:
    """Guards `expire_token`: a 401 once, and the refresh token still works."""
    server.faults.add(Fault("expire_token", times=1))
    assert [get().status_code, get().status_code] == [401, 401]
    form = {"grant_type": "refresh_token", "refresh_token": server.token.refresh_token}
    client = (server.client_id, server.client_secret)
    pair = requests.post(f"{server.url}/api/o/token/", data=form, auth=client, timeout=10).json()
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    assert requests.get(server.url + JOBS, headers=headers, timeout=10).status_code == 200


def test_a_count_promises_more_than_is_delivered(server: SimulatorServer, get: Get) -> None:
    """Guards `count_too_high` and `drop_row`, the two ways in which count and rows disagree."""
    server.faults.add(Fault("count_too_high", times=1), Fault("drop_row", skip=1, times=1))
    bodies = [get("/api/v2/jobs/?page_size=200").json() for _ in range(3)]
    assert [(body["count"], len(body["results"])) for body in bodies] == [(31, 30), (30, 29), (30, 30)]


def test_next_and_redirects_lead_to_another_host(server: SimulatorServer, get: Get) -> None:
    """Guards `foreign_next` and `foreign_redirect`, which must never be given a token."""
    with SimulatorServer(synthetic(jobs=0, history=False)) as other:
        server.faults.add(
            Fault("foreign_next", host=other.url, times=1), Fault("foreign_redirect", host=other.url, skip=1)
        )
        assert get().json()["next"].startswith(other.url + "/api/v2/jobs/")
        answer = get()
        assert (answer.status_code, answer.headers["location"]) == (302, f"{other.url}/api/v2/jobs/")
        requests.get(answer.headers["location"], headers={"Authorization": "Bearer stolen"}, timeout=10)
        assert [request.authorized for request in other.log.requests] == [True]


def test_jobs_vanish_and_appear_during_the_sweep(server: SimulatorServer, get: Get) -> None:
    """Guards `delete_job` and `insert_behind`: done when the client reads the answer."""
    newest = server.world.newest_finished()
    server.faults.add(Fault("delete_job", times=2), Fault("insert_behind", skip=2, times=1))
    finished = len(server.world.truth().jobs)
    assert [get().json()["count"] for _ in range(4)] == [30, 29, 28, 29]
    truth = server.world.truth()
    assert (len(truth.jobs), len(truth.deleted)) == (finished - 1, 2)
    assert newest is not None
    inserted = max(truth.jobs)
    assert datetime.fromisoformat(truth.jobs[inserted].job["finished"]) < newest


def test_an_oversized_body_is_as_large_as_told(server: SimulatorServer, get: Get) -> None:
    """Guards `oversized`."""
    server.faults.add(Fault("oversized", size=3_000_000))
    assert len(get().content) == 3_000_000


def test_a_skewed_clock_shows_in_the_date_header(server: SimulatorServer, get: Get) -> None:
    """Guards skew: what the client takes for the controller's now."""
    server.world.clock.freeze(NOW)
    server.world.clock.skew = timedelta(minutes=-7)
    assert parsedate_to_datetime(get().headers["Date"]) == NOW - timedelta(minutes=7)


def test_latency_is_added_to_every_answer_and_not_to_the_sum(server: SimulatorServer, get: Get) -> None:
    """Guards latency; only a lower bound is asserted, which no slow machine can break."""
    server.faults.latency = 0.05
    begun = time.perf_counter()
    get()
    assert time.perf_counter() - begun >= 0.05


def test_mixed_faults_strike_the_same_requests_for_the_same_seed(server: SimulatorServer, get: Get) -> None:
    """Guards reproducibility of a failing property test."""

    def outcomes() -> list[int]:
        plan = FaultPlan(
            9, [Fault("status", 0.3, statuses=(500, 503)), Fault("html_404", 0.3), Fault("count_too_high", 0.5)]
        )
        server.use(server.world, faults=plan)
        return [get().status_code for _ in range(40)]

    first = outcomes()
    assert first == outcomes()
    assert set(first) == {200, 404, 500, 503}


def test_faults_keep_to_their_paths(server: SimulatorServer, get: Get) -> None:
    """Guards `paths`: a storm over host summaries leaves the lists alone."""
    server.faults.add(Fault("status", statuses=(503,), paths=frozenset({"host_summaries"})))
    job = min(server.world.truth().jobs)
    assert [get(path).status_code for path in (JOBS, f"/api/v2/jobs/{job}/job_host_summaries/", "/api/v2/ping/")] == [
        200,
        503,
        200,
    ]
    assert server.log.by_kind == {"jobs": 1, "host_summaries": 1, "ping": 1}


def test_a_fault_on_the_command_line_is_read_or_refused_with_the_choices() -> None:
    """Guards the command line's syntax."""
    fault = parse_fault("status:0.25:statuses=502+503,retry_after=2,times=4,paths=jobs+ping")
    assert (fault.kind, fault.probability, fault.statuses, fault.retry_after, fault.times) == (
        "status",
        0.25,
        (502, 503),
        2,
        4,
    )
    assert fault.paths == {"jobs", "ping"}
    refused = {
        "nonsense": r"no fault 'nonsense'\. Faults: status, ",
        "status:2": "between 0 and 1",
        "status:0.1:colour=red": r"no option 'colour'\. Options: ",
    }
    for wrong, message in refused.items():
        with pytest.raises(ValueError, match=message):
            parse_fault(wrong)
    assert all(parse_fault(kind).kind == kind for kind in KINDS)


def test_tls_is_served_with_the_given_certificate(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Guards HTTPS: a client that trusts the certificate gets an answer, one that does not gets none."""
    certfile, keyfile = self_signed(tmp_path_factory.mktemp("tls"))
    with SimulatorServer(synthetic(jobs=0, history=False), certfile=certfile, keyfile=keyfile) as server:
        assert server.url.startswith("https://")
        assert requests.get(f"{server.url}/api/v2/ping/", verify=str(certfile), timeout=10).status_code == 200
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{server.url}/api/v2/ping/", timeout=10)
        assert ssl.get_server_certificate((server.host, server.port))
