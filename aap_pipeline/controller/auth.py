"""The OAuth tokens of a controller: kept in a store, renewed by one caller at a time."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.errors import AuthenticationError
from aap_pipeline.controller.secret_text import fault


@dataclass(frozen=True)
class Tokens:
    """Credentials of one cluster, omitted in repr. An empty text means: not set."""

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    client_id: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset(value for value in (self.access, self.refresh, self.client_secret) if value)

    def faults(self) -> Iterator[str]:
        """Yield a clause per value that a request cannot carry, without the value and without a remedy."""
        fields = (
            ("access token", self.access, False),
            ("refresh token", self.refresh, False),
            ("client id", self.client_id, True),
            ("client secret", self.client_secret, True),
        )
        for name, value, spaces in fields:
            if found := fault(value, spaces=spaces):
                yield f"The {name} contains {found} and cannot be sent"


@dataclass(frozen=True)
class TokenEnd:
    """When a token expires (aware). If not `exact`, it expires then or earlier. `created`: since when it is valid."""

    at: datetime
    exact: bool
    created: datetime | None = field(default=None, compare=False)


Exchange = Callable[[Tokens], Tokens]


class TokenStore(Protocol):
    """Stores the tokens of one cluster, which the controller rotates."""

    def load(self) -> Tokens:
        """Return the stored tokens."""

    def refresh(self, stale_access: str, exchange: Exchange) -> Tokens:
        """Replace the pair whose access token is `stale_access`, and return the new pair.

        Must take a lock that excludes other processes and read the pair again. If its access token is no longer
        `stale_access`, return it. Otherwise call `exchange` and commit its result before releasing the lock. Exceptions
        of `exchange` pass through and leave the stored pair unchanged.
        """


class Authenticator:
    """The token of one client, shared by its threads."""

    def __init__(self, store: TokenStore, exchange: Exchange, endpoint: Endpoint) -> None:
        self._store = store
        self._exchange = exchange
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._tokens: Tokens | None = None
        self._refusal: tuple[str, AuthenticationError] | None = None

    def access(self) -> str:
        """Return the access token. Raises AuthenticationError if none is stored, or one that cannot be sent."""
        with self._lock:
            tokens = self._tokens = self._tokens or self._store.load()
        if not tokens.access:
            raise AuthenticationError(
                f"No access token is stored for {self._endpoint.base_url}. Create a token there and store it with "
                f"{self._endpoint.update('--token-file FILE')}."
            )
        if fault(tokens.access):
            raise unsendable(tokens, self._endpoint)
        return tokens.access

    def renew(self, stale_access: str) -> str:
        """Return a new access token in place of `stale_access`, which the controller rejected.

        If several threads were rejected at once, the first one renews the token and the others use the result. A failed
        renewal is remembered, so that they do not send a used refresh token again. Raises AuthenticationError.
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
        return self._tokens.secrets if self._tokens is not None else frozenset()


def unsendable(tokens: Tokens, endpoint: Endpoint) -> AuthenticationError:
    """Return the error for stored `tokens` with faults."""
    faults = "; ".join(tokens.faults())
    return AuthenticationError(
        f"{faults} to {endpoint.base_url}. Copy it from the controller again and store it with "
        f"{endpoint.update('--token-file FILE')}."
    )
