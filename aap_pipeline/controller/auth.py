"""The OAuth tokens of a controller: kept by a store, renewed by one caller at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.errors import AuthenticationError
from aap_pipeline.controller.secret_text import fault


@dataclass(frozen=True, repr=False)
class Tokens:
    """Credentials of one cluster; repr shows none of them. Empty text means: not given."""

    access: str
    refresh: str = ""
    client_id: str = ""
    client_secret: str = ""

    def __repr__(self) -> str:
        given = [name for name in ("access", "refresh", "client_id", "client_secret") if getattr(self, name)]
        return f"Tokens({', '.join(f'{name}=***' for name in given)})"

    @property
    def secrets(self) -> frozenset[str]:
        """The values that no log may show."""
        return frozenset(value for value in (self.access, self.refresh, self.client_secret) if value)

    def faults(self) -> Iterator[str]:
        """A sentence without a remedy for each that no request can carry; nothing of it is repeated."""
        fields = (
            ("access token", self.access, False),
            ("refresh token", self.refresh, False),
            ("client id", self.client_id, True),
            ("client secret", self.client_secret, True),
        )
        for name, value, spaces in fields:
            if found := fault(value, spaces=spaces):
                yield f"The {name} holds {found}, and cannot be sent"


@dataclass(frozen=True)
class TokenEnd:
    """When a token stops working (aware). Not `exact`: then at the latest, perhaps earlier.

    `created`: since when it works, if that was told.
    """

    at: datetime
    exact: bool
    created: datetime | None = field(default=None, compare=False)


Exchange = Callable[[Tokens], Tokens]


class TokenStore(Protocol):
    """Keeps the tokens of one cluster. The real one is a database row; the controller rotates what it holds."""

    def load(self) -> Tokens:
        """The tokens as stored now."""

    def refresh(self, stale_access: str, exchange: Exchange) -> Tokens:
        """Replaces the pair whose access token is `stale_access` and returns the new one.

        Must hold a lock that other processes respect, read again under it, return what it read without calling
        `exchange` when the access token is no longer `stale_access`, and otherwise commit what `exchange` gave
        before it returns or releases the lock. An exception of `exchange` passes through, the row unchanged.
        """


class MemoryTokenStore:
    """Tokens that live as long as the process: for one-off use and tests."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._lock = threading.Lock()

    def load(self) -> Tokens:
        with self._lock:
            return self._tokens

    def refresh(self, stale_access: str, exchange: Exchange) -> Tokens:
        with self._lock:
            if self._tokens.access == stale_access:
                self._tokens = exchange(self._tokens)
            return self._tokens


class Authenticator:
    """The token in use by one client, shared by its threads."""

    def __init__(self, store: TokenStore, exchange: Exchange, endpoint: Endpoint) -> None:
        self._store = store
        self._exchange = exchange
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._tokens: Tokens | None = None
        self._refusal: tuple[str, AuthenticationError] | None = None

    def access(self) -> str:
        """The access token to send. Raises AuthenticationError where none is stored, or one that cannot be sent."""
        tokens = self._tokens
        if tokens is None:
            with self._lock:
                if self._tokens is None:
                    self._tokens = self._store.load()
                tokens = self._tokens
        if not tokens.access:
            raise AuthenticationError(
                f"No access token is stored for {self._endpoint.base_url}. Create one there and store it with "
                f"{self._endpoint.update('--token-file FILE')}."
            )
        if fault(tokens.access):
            raise unsendable(tokens, self._endpoint)
        return tokens.access

    def renew(self, stale_access: str) -> str:
        """An access token other than `stale_access`, which the controller declined.

        Of many threads that were declined at once, the first renews and the others take what it got; a refusal is
        remembered, so that a spent refresh token is not sent again by each of them.
        Raises AuthenticationError with what to do.
        """
        with self._lock:
            if self._tokens is not None and self._tokens.access != stale_access:
                return self._tokens.access
            if self._refusal is not None and self._refusal[0] == stale_access:
                refusal = self._refusal[1]
                raise type(refusal)(str(refusal)) from refusal
            try:
                self._tokens = self._store.refresh(stale_access, self._exchange)
            except AuthenticationError as error:
                self._refusal = (stale_access, error)
                raise
            return self._tokens.access

    def secrets(self) -> frozenset[str]:
        """The secret values in use, for redaction."""
        return self._tokens.secrets if self._tokens is not None else frozenset()


def unsendable(tokens: Tokens, endpoint: Endpoint) -> AuthenticationError:
    """The error of stored `tokens` with faults, for the cluster at `endpoint`."""
    faults = "; ".join(tokens.faults())
    return AuthenticationError(
        f"{faults} to {endpoint.base_url}. Copy it again from the controller, alone, and store it with "
        f"{endpoint.update('--token-file FILE')}."
    )
