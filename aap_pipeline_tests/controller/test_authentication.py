"""Expired tokens over real HTTP: one exchange, the new pair stored first, and clear words when it cannot be done."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

import pytest

from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.errors import AuthenticationError, Maintenance, RefreshOutcomeUnknown, Unreachable
from aap_pipeline_tests.controller.conftest import HTML, TOKENS, Bench
from aap_pipeline_tests.controller.server import Asked, Reply
from aap_pipeline_tests.controller.tokens import MemoryTokenStore

REFRESH = "/api/o/token/"
DECLINED = Reply({"detail": "Authentication credentials were not provided."}, 401)
FINE = Reply({"count": 0, "next": None, "results": []})


class Controller:
    """Accepts one access token at a time and rotates both, as real ones do; `faults` are what the next refreshes meet.

    A fault is (before, reply): whether the rotation happens before the reply goes wrong.
    """

    def __init__(self, *faults: tuple[bool, Reply], status: int = 201) -> None:
        self.access, self.refresh = "access-2", "refresh-1"
        self.faults = list(faults)
        self.status = status
        self.refreshes: list[Asked] = []
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> Reply:
        with self._lock:
            if asked.path in (REFRESH, "/o/token/"):
                return self._token(asked)
            return FINE if asked.token == self.access else DECLINED

    def _token(self, asked: Asked) -> Reply:
        self.refreshes.append(asked)
        rotates, fault = self.faults.pop(0) if self.faults else (True, None)
        if rotates:
            if parse_qs(asked.body.decode())["refresh_token"] != [self.refresh]:
                return Reply({"error": "invalid_grant"}, 400)
            number = len(self.refreshes)
            self.access, self.refresh = f"access-new-{number}", f"refresh-new-{number}"
        return fault or Reply(
            {"access_token": self.access, "refresh_token": self.refresh, "token_type": "Bearer", "scope": "read"},
            self.status,
        )


@pytest.mark.parametrize("status", [200, 201])
def test_an_expired_token_is_renewed_once_and_stored(bench: Bench, status: int) -> None:
    """AWX answers 200, AAP 201; a client that knows one of them locks itself out of the other."""
    controller = Controller(status=status)
    store = MemoryTokenStore(TOKENS)
    client, _ = bench.against(controller, store=store)
    assert client.get("jobs/").body == FINE.body
    assert store.load() == Tokens("access-new-1", "refresh-new-1", "client", "hidden-1")
    asked = controller.refreshes[0]
    assert parse_qs(asked.body.decode()) == {"grant_type": ["refresh_token"], "refresh_token": ["refresh-1"]}
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"client:hidden-1").decode()
    assert len(controller.refreshes) == 1


def test_behind_a_gateway_tokens_are_renewed_at_the_gateways_path(bench: Bench) -> None:
    """/api/o/token/ does not exist on AAP 2.5 and later."""
    controller = Controller()
    gateway = Reply({"version": "2.6", "status": "good", "pong": "x"})
    server = bench.serve(lambda asked: gateway if asked.path == "/api/gateway/v1/ping/" else controller(asked))
    assert bench.client(server.port).get("jobs/").body == FINE.body
    assert controller.refreshes[0].path == "/o/token/"
    assert server.asked[-1].path == "/api/controller/v2/jobs/"


def test_sixteen_workers_that_are_declined_at_once_cause_one_refresh(bench: Bench) -> None:
    """The second use of a rotated refresh token is an invalid_grant: the cluster would be locked out."""
    controller = Controller()
    client, _ = bench.against(controller, workers=16)
    client.product()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.get("jobs/").body, range(64)))
    assert answers == [FINE.body] * 64
    assert len(controller.refreshes) == 1


def test_a_token_that_is_declined_right_after_its_renewal_ends_the_request(bench: Bench) -> None:
    """Renewing again and again would spin for ever, and rotate the tokens under everybody else."""
    controller = Controller()
    client, _ = bench.against(lambda asked: controller(asked) if asked.path == REFRESH else DECLINED)
    with pytest.raises(AuthenticationError, match="rejects even the renewed token"):
        client.get("jobs/")
    assert len(controller.refreshes) == 1


REFUSALS: dict[str, tuple[Reply, str]] = {
    "used": (Reply({"error": "invalid_grant"}, 400), r"invalid_grant\): it was revoked"),
    "bad client": (Reply({"error": "invalid_client"}, 401), "rejects the OAuth application"),
    "expired": (Reply(b"The refresh token has expired.", 403, HTML), "refresh token has expired"),
    "no such path": (Reply({"detail": "no"}, 404), r"rejects the token refresh \(HTTP 404\)"),
    "strange": (Reply({"error": "unsupported"}, 418), r"rejects the token refresh \(HTTP 418\)"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_each_refusal_of_a_refresh_says_what_to_do_and_is_not_repeated(bench: Bench, case: str) -> None:
    """ "401" alone tells nobody whether the token, the client or the address is wrong."""
    reply, words = REFUSALS[case]
    controller = Controller((False, reply))
    store = MemoryTokenStore(TOKENS)
    client, _ = bench.against(controller, store=store)
    for _ in range(2):
        with pytest.raises(AuthenticationError, match=words) as raised:
            client.get("jobs/")
        assert "Create a new token" in str(raised.value)
        assert not raised.value.transient
        assert not any(secret in str(raised.value) for secret in TOKENS.secrets)
    assert len(controller.refreshes) == 1
    assert store.load() == TOKENS


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (Tokens("access-1"), "no refresh token is stored"),
        (Tokens("access-1", "refresh-1"), "without the client_id"),
    ],
)
def test_a_token_that_cannot_be_renewed_says_what_is_missing(bench: Bench, tokens: Tokens, words: str) -> None:
    """A personal access token has neither; its owner must know."""
    controller = Controller()
    client, _ = bench.against(controller, store=MemoryTokenStore(tokens))
    with pytest.raises(AuthenticationError, match=words):
        client.get("jobs/")
    assert controller.refreshes == []


LOST = {"reset": Reply(reset=True), "cut off": Reply({"access_token": "x" * 200}, cut=20), "504": Reply({}, 504)}


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_before_the_rotation_is_asked_for_once_more(bench: Bench, fault: str) -> None:
    """The controller never saw the request, or did nothing: the same refresh token still works."""
    controller = Controller((False, LOST[fault]))
    client, _ = bench.against(controller)
    assert client.get("jobs/").body == FINE.body
    assert len(controller.refreshes) == 2


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_after_the_rotation_is_named_as_what_it_is(bench: Bench, fault: str) -> None:
    """ "invalid_grant" would send people to look for a second client that is not there."""
    controller = Controller((True, LOST[fault]))
    client, _ = bench.against(controller)
    with pytest.raises(AuthenticationError, match="perhaps in a request whose response was lost"):
        client.get("jobs/")
    assert len(controller.refreshes) == 2


def test_answers_lost_twice_leave_the_outcome_open_and_the_token_unsent(bench: Bench) -> None:
    """More tries would only hammer; a later run finds out."""
    controller = Controller(*[(False, Reply(reset=True))] * 5)
    store = MemoryTokenStore(TOKENS)
    client, _ = bench.against(controller, store=store)
    with pytest.raises(RefreshOutcomeUnknown, match="it is unknown whether they were replaced") as raised:
        client.get("jobs/")
    assert raised.value.transient
    assert len(controller.refreshes) == 2
    assert store.load() == TOKENS


def test_an_answer_without_a_token_is_not_stored(bench: Bench) -> None:
    """An empty access token in the database would end every later run."""
    store = MemoryTokenStore(TOKENS)
    client, _ = bench.against(Controller((True, Reply({"access_token": ""}))), store=store)
    with pytest.raises(RefreshOutcomeUnknown, match="no usable access token"):
        client.get("jobs/")
    assert store.load() == TOKENS


class DroppingStore(MemoryTokenStore):
    """Stands for a database that is gone when the new pair should be committed."""

    def refresh(self, stale_access: str, exchange: Callable[[Tokens], Tokens]) -> Tokens:
        exchange(self.load())
        raise ConnectionError("database gone")


def test_a_pair_that_could_not_be_stored_is_not_used(bench: Bench) -> None:
    """A sync that runs on with a pair in memory only locks out everybody after it without a word."""
    controller = Controller()
    client, server = bench.against(controller, store=DroppingStore(TOKENS))
    with pytest.raises(ConnectionError):
        client.get("jobs/")
    assert not any(asked.token.startswith("access-new") for asked in server.asked)


def test_a_controller_that_goes_away_before_the_refresh_is_unreachable(bench: Bench) -> None:
    """No connection means that nothing was rotated: trying again later is safe, and is said to be."""
    client, server = bench.against(Controller())
    client.product()
    server.server_close()
    server.hang_up()
    with pytest.raises(Unreachable):
        client.get("jobs/")


def test_a_refresh_that_is_redirected_is_maintenance_and_the_tokens_stay(bench: Bench) -> None:
    """An upgrade that begins between the 401 and the refresh must not read like a dead refresh token."""
    store = MemoryTokenStore(TOKENS)
    controller = Controller((False, Reply(b"", 302, {**HTML, "Location": "/migrations_notran/"})))
    client, _ = bench.against(controller, store=store)
    with pytest.raises(Maintenance) as raised:
        client.get("jobs/")
    assert raised.value.transient
    assert store.load() == TOKENS
    assert client.get("jobs/").body == FINE.body
