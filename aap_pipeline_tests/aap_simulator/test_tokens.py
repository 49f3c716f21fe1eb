"""Tokens: who is let in, and a refresh that rotates."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from aap_simulator.clock import Clock
from aap_simulator.tokens import ADMIN, AUDITOR, PLAIN, TokenPair, TokenStore

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CLIENT = "Basic " + base64.b64encode(b"simulator-client:simulator-secret").decode()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at `NOW`."""
    return Clock(lambda: NOW)


def _form(pair: TokenPair) -> str:
    return f"grant_type=refresh_token&refresh_token={pair.refresh_token}"


def test_a_refresh_kills_both_old_tokens_at_once(clock: Clock) -> None:
    """Guards rotation: a client that retries with what it had is locked out."""
    store = TokenStore(clock)
    old = store.issue(ADMIN, "write")
    answer = store.refresh(CLIENT, _form(old))
    assert answer.pair is not None
    assert answer.scope == "write"
    assert store.account_of(f"Bearer {old.access_token}") is None
    assert store.account_of(f"Bearer {answer.pair.access_token}") is ADMIN
    assert store.refresh(CLIENT, _form(old)).error == "invalid_grant"
    assert store.refresh(CLIENT, _form(answer.pair)).pair is not None
    assert store.refreshes == 2


def test_tokens_expire_by_the_controllers_clock(clock: Clock) -> None:
    """Guards lifetimes, of access and of refresh tokens."""
    store = TokenStore(clock)
    store.set_lifetimes(access=60, refresh=600)
    pair = store.issue()
    assert store.account_of(f"Bearer {pair.access_token}") is AUDITOR
    clock.advance(timedelta(seconds=60))
    assert store.account_of(f"Bearer {pair.access_token}") is None
    clock.advance(timedelta(seconds=540))
    assert store.refresh(CLIENT, _form(pair)).error == "expired"


@pytest.mark.parametrize(
    ("authorization", "form", "error"),
    [
        ("", "grant_type=refresh_token&refresh_token=x", "invalid_client"),
        ("Basic !!", "grant_type=refresh_token&refresh_token=x", "invalid_client"),
        (CLIENT, "grant_type=refresh_token&refresh_token=unknown", "invalid_grant"),
        (CLIENT, "grant_type=password", "unsupported_grant_type"),
    ],
)
def test_a_wrong_refresh_is_refused(clock: Clock, authorization: str, form: str, error: str) -> None:
    """Guards the refusals of the token endpoint."""
    assert TokenStore(clock).refresh(authorization, form).error == error


def test_the_client_may_name_itself_in_the_form(clock: Clock) -> None:
    """Guards the other way OAuth allows."""
    store = TokenStore(clock)
    form = _form(store.issue()) + "&client_id=simulator-client&client_secret=simulator-secret"
    assert store.refresh("", form).pair is not None


def test_no_secret_shows_in_a_repr(clock: Clock) -> None:
    """Guards against tokens in test output and logs."""
    pair = TokenStore(clock).issue()
    shown = repr((pair, PLAIN))
    assert pair.access_token not in shown
    assert pair.refresh_token not in shown
    assert PLAIN.password not in shown
