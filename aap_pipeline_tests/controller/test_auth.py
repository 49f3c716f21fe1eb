"""Tokens stay hidden, and one caller at a time renews them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from aap_pipeline.controller.auth import Authenticator, Tokens
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.errors import AuthenticationError, RefreshOutcomeUnknown
from aap_pipeline_tests.controller.tokens import MemoryTokenStore

HERE = Endpoint("https", "aap.example.com", 443)
FIRST = Tokens("access-1", "refresh-1", "client", "secret")
SECOND = Tokens("access-2", "refresh-2", "client", "secret")


def test_a_repr_shows_which_tokens_are_given_and_none_of_them() -> None:
    """Dataclass reprs end in tracebacks."""
    assert repr(FIRST) == "Tokens()"
    assert f"{FIRST}" == repr(FIRST)


def test_threads_that_are_declined_at_once_cause_one_exchange() -> None:
    """A second exchange with the rotated refresh token is an invalid_grant, and the cluster is locked out."""
    exchanged: list[Tokens] = []
    together = threading.Barrier(16)

    def exchange(tokens: Tokens) -> Tokens:
        exchanged.append(tokens)
        return SECOND

    subject = Authenticator(MemoryTokenStore(FIRST), exchange, HERE)

    def declined() -> str:
        stale = subject.access()
        together.wait()
        return subject.renew(stale)

    with ThreadPoolExecutor(16) as pool:
        renewed = [future.result() for future in [pool.submit(declined) for _ in range(16)]]
    assert exchanged == [FIRST]
    assert set(renewed) == {"access-2"}


def test_a_pair_that_another_process_stored_is_used_without_an_exchange() -> None:
    """Sensor and sync share a cluster's tokens through the database."""
    store = MemoryTokenStore(FIRST)
    exchanged: list[Tokens] = []

    def exchange(tokens: Tokens) -> Tokens:
        exchanged.append(tokens)
        return SECOND

    here = Authenticator(store, exchange, HERE)
    elsewhere = Authenticator(store, exchange, HERE)
    assert here.access() == elsewhere.access() == "access-1"
    assert elsewhere.renew("access-1") == "access-2"
    assert here.renew("access-1") == "access-2"
    assert exchanged == [FIRST]


def test_a_refusal_is_remembered_and_not_asked_for_again() -> None:
    """16 workers would send a dead refresh token 16 times."""
    calls = 0

    def exchange(tokens: Tokens) -> Tokens:
        nonlocal calls
        calls += 1
        raise RefreshOutcomeUnknown("lost") if calls == 1 else AuthenticationError("declined")

    store = MemoryTokenStore(FIRST)
    subject = Authenticator(store, exchange, HERE)
    for _ in range(3):
        with pytest.raises(AuthenticationError, match="lost"):
            subject.renew("access-1")
    assert calls == 1
    assert store.load() == FIRST


def test_a_cluster_without_a_token_says_so_before_any_request() -> None:
    """An empty bearer token is a 401 that looks like an expired one."""
    with pytest.raises(AuthenticationError, match="No access token is stored"):
        Authenticator(MemoryTokenStore(Tokens("")), lambda tokens: tokens, HERE).access()
