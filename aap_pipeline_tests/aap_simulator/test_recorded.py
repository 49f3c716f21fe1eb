"""Every recorded request, sent to the simulator over HTTP, is answered as the real controller answered it."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import orjson
import pytest
import requests

from aap_pipeline_tests.aap_simulator.shapes import Shape
from aap_simulator.replay import FOLDERS, Exchange, ReplayWorld, exchanges
from aap_simulator.server import SimulatorServer, replay
from aap_simulator.synthetic import synthetic
from aap_simulator.tokens import PLAIN

pytestmark = pytest.mark.usefixtures("starts_server")

RECORDED = [(product, exchange) for product in FOLDERS for exchange in exchanges(product)]
CHANGING = {"content-length", "x-api-time", "x-api-total-time", "x-api-request-id", "date"}
# Rows of these jobs were not recorded, so that the engine has no such job.
NO_ROW = ("/jobs/5011/", "/jobs/5017/")
# The second recording of one request: it has a test of its own.
LATER = "job_detail_finished_after_stats_event.json"
EACH = {f"{product}/{exchange.file}": (product, exchange) for product, exchange in RECORDED if exchange.file != LATER}
COMPUTED = {
    name: (product, exchange)
    for name, (product, exchange) in EACH.items()
    if exchange.method != "POST" and not any(job in exchange.path for job in NO_ROW)
}


@pytest.fixture(scope="module")
def verbatim() -> Iterator[dict[str, SimulatorServer]]:
    """The three replaying servers."""
    with ExitStack() as stack:
        yield {product: stack.enter_context(replay(product)) for product in FOLDERS}


@pytest.fixture(scope="module")
def engine() -> Iterator[dict[str, SimulatorServer]]:
    """The same rows, without the verbatim answers: the engine alone."""
    with ExitStack() as stack:
        yield {product: stack.enter_context(SimulatorServer(ReplayWorld(product))) for product in FOLDERS}


def _authorization(server: SimulatorServer, exchange: Exchange) -> dict[str, str]:
    if exchange.file == "error_401_expired_token.json":
        return {"Authorization": "Bearer expired"}
    if exchange.authorization == "Basic":
        name = f"{PLAIN.username}:{PLAIN.password}" if exchange.status == 403 else "admin:wrong"
        return {"Authorization": "Basic " + base64.b64encode(name.encode()).decode()}
    return {"Authorization": f"Bearer {server.token.access_token}"} if exchange.authorization else {}


def _send(server: SimulatorServer, exchange: Exchange) -> requests.Response:
    url = f"{server.url}{exchange.path}" + (f"?{exchange.query}" if exchange.query else "")
    headers = _authorization(server, exchange)
    return requests.request(exchange.method, url, headers=headers, allow_redirects=False, timeout=10)


def _refresh(server: SimulatorServer, exchange: Exchange) -> requests.Response:
    pair = server.tokens.issue()
    client = (server.client_id, "wrong" if "bad_client" in exchange.file else server.client_secret)
    form = {"grant_type": "refresh_token", "refresh_token": pair.refresh_token}
    if "reused" in exchange.file:
        requests.post(f"{server.url}{exchange.path}", data=form, auth=client, timeout=10)
    if "expired" in exchange.file:
        server.tokens.expire_refresh()
    return requests.post(f"{server.url}{exchange.path}", data=form, auth=client, timeout=10)


def _body(response: requests.Response) -> Any:
    return response.json() if "json" in response.headers.get("content-type", "") else response.text


@pytest.mark.parametrize(("product", "exchange"), EACH.values(), ids=EACH)
def test_the_replay_gives_the_recorded_answer(
    verbatim: dict[str, SimulatorServer], product: str, exchange: Exchange
) -> None:
    """Guards status, headers and body of every recorded request, tokens apart."""
    server = verbatim[product]
    response = _refresh(server, exchange) if exchange.method == "POST" else _send(server, exchange)
    assert response.status_code == exchange.status
    for name, value in exchange.headers:
        if name.lower() not in CHANGING:
            assert response.headers[name] == value
    if exchange.method == "POST" and response.ok:
        assert Shape([response.json()]).differences(Shape([exchange.body])) == []
        numbered = {"access_token", "refresh_token"}
        assert {k: v for k, v in response.json().items() if k not in numbered} == {
            k: v for k, v in exchange.body.items() if k not in numbered
        }
    else:
        assert _body(response) == exchange.body
        length = dict(exchange.headers).get("Content-Length")
        assert length is None or int(length) == len(response.content)


@pytest.mark.parametrize(("product", "exchange"), COMPUTED.values(), ids=COMPUTED)
def test_the_engine_alone_gives_the_recorded_answer(
    engine: dict[str, SimulatorServer], product: str, exchange: Exchange
) -> None:
    """Guards the engine: the same rows in the same order, and the counts and links wherever the recording was
    complete.
    """
    server = engine[product]
    exact = not exchange.path.endswith("/job_host_summaries")
    response = _send(server, exchange)
    if not exact:
        assert (response.status_code, response.headers["location"]) == (301, f"{exchange.path}/?{exchange.query}")
        return
    assert response.status_code == exchange.status
    body = _body(response)
    if not isinstance(exchange.body, dict) or "results" not in exchange.body:
        different = (
            {"active_node", "install_uuid", "instances", "instance_groups", "pong"}
            if "ping" in exchange.file
            else set()
        )
        assert type(body) is type(exchange.body)
        if isinstance(body, dict):
            assert body.keys() == exchange.body.keys()
            assert {k: v for k, v in body.items() if k not in different} == {
                k: v for k, v in exchange.body.items() if k not in different
            }
        else:
            assert body == exchange.body
        return
    assert body["results"] == exchange.body["results"]
    if exchange.body.get("count") == len(exchange.body["results"]):
        assert body == exchange.body
    assert body.keys() == exchange.body.keys()
    names = {name.lower() for name, _ in exchange.headers}
    assert names <= {name.lower() for name in response.headers}


def test_the_numbered_tokens_of_a_replay_are_the_recorded_ones() -> None:
    """Guards that the first refresh of an AAP replay answers the recorded pair, value by value."""
    for product in ("aap24", "aap25"):
        (recorded,) = [exchange for exchange in exchanges(product) if exchange.method == "POST"]
        with replay(product) as server:
            form = {"grant_type": "refresh_token", "refresh_token": server.token.refresh_token}
            client = (server.client_id, server.client_secret)
            answer = requests.post(f"{server.url}{recorded.path}", data=form, auth=client, timeout=10)
            assert (answer.status_code, answer.json()) == (recorded.status, recorded.body)


def test_job_5012_is_recorded_before_and_after_its_stats_event() -> None:
    """Guards the one job that was recorded twice: `host_status_counts` null first, filled later."""
    (later,) = [exchange for exchange in exchanges("awx") if exchange.file == LATER]
    with replay("awx") as server:
        pending = "/api/v2/jobs/?host_status_counts__isnull=true&finished__isnull=false"
        headers = {"Authorization": f"Bearer {server.token.access_token}"}
        assert _send(server, later).json()["host_status_counts"] is None
        assert [
            row["id"] for row in requests.get(server.url + pending, headers=headers, timeout=10).json()["results"]
        ] == [5012]
        server.world.deliver_summaries(5012)
        assert _send(server, later).json() == later.body
        assert requests.get(server.url + pending, headers=headers, timeout=10).json()["count"] == 0


def test_every_count_of_a_replay_is_what_is_delivered(engine: dict[str, SimulatorServer]) -> None:
    """Guards that the cut-off recordings became a world that agrees with itself: a client that checks counts must be
    content.
    """
    for product, server in engine.items():
        headers = {"Authorization": f"Bearer {server.token.access_token}"}
        prefix = server.url + server.world.product.prefix
        jobs = requests.get(f"{prefix}/jobs/?page_size=200", headers=headers, timeout=10).json()
        assert jobs["count"] == len(jobs["results"]) == {"aap24": 4, "aap25": 4, "awx": 35}[product]
        for job in jobs["results"]:
            labels = requests.get(f"{prefix}/jobs/{job['id']}/labels/", headers=headers, timeout=10).json()
            assert labels["count"] == len(labels["results"]) == job["summary_fields"]["labels"]["count"]
            rows = requests.get(f"{prefix}/jobs/{job['id']}/job_host_summaries/", headers=headers, timeout=10).json()
            assert rows["count"] == len(rows["results"])


def _rows(product: str, *parts: str) -> list[Any]:
    bodies = [
        e.body
        for e in exchanges(product)
        if e.status == 200 and isinstance(e.body, dict) and any(p in e.path for p in parts)
    ]
    return [row for body in bodies for row in body.get("results", ())]


@pytest.mark.parametrize(
    "kind",
    [
        "jobs",
        "job_host_summaries",
        "organizations",
        "job_templates",
        "labels",
        "execution_environments",
        "instance_groups",
    ],
)
def test_made_up_documents_have_the_keys_and_types_of_recorded_ones(kind: str) -> None:
    """Guards the generator: no key that a controller does not send, none missing, no type that was never seen."""
    with SimulatorServer(synthetic("awx", seed=5, jobs=400, days=60)) as server:
        headers = {"Authorization": f"Bearer {server.token.access_token}"}
        if kind == "job_host_summaries":
            made = [row for job in server.world.jobs for row in job.summaries()]
            recorded = _rows("awx", "/job_host_summaries/")
        else:
            url: str | None = f"/api/v2/{kind}/?page_size=200"
            made = []
            while url:
                body = requests.get(server.url + url, headers=headers, timeout=10).json()
                made, url = made + body["results"], body["next"]
            recorded = _rows("awx", f"/v2/{kind}/")
            if kind == "jobs":
                recorded = [row for row in recorded if row["type"] == "job"]
                # A job whose inventory is gone is among the facts, but was not recorded.
                made = [row for row in made if row["inventory"]]
    assert made
    assert [
        difference for difference in Shape(made).differences(Shape(recorded)) if not _known_addition(difference)
    ] == []
    if kind in ("jobs", "job_host_summaries"):
        assert list(made[0]) == list(recorded[0])


def _known_addition(difference: str) -> bool:
    """What the facts say and no recording shows: `artifacts` as a string; related links that depend on who made an
    object.
    """
    return difference.startswith((".artifacts: ['str']", ".related: missing keys ['webhook_receiver']"))


def test_a_made_up_detail_has_the_keys_of_a_recorded_one_in_their_order() -> None:
    """Guards `/jobs/ID/`, which has eight keys more than a list row."""
    (recorded,) = [exchange.body for exchange in exchanges("awx") if exchange.file == "job_detail.json"]
    world = synthetic("awx", seed=5, jobs=40, days=10)
    details = [orjson.loads(orjson.dumps(job.detail_document())) for job in world.jobs]
    assert {tuple(detail) for detail in details} == {tuple(recorded)}
