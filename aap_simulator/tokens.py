"""Users, OAuth clients and tokens, their permissions, and the rotating refresh."""

import base64
import binascii
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from urllib.parse import parse_qs

from aap_simulator.clock import Clock


@dataclass(frozen=True)
class Account:
    """A user. Superusers and system auditors see every job, others none."""

    id: int
    username: str
    password: str = field(default="", repr=False)
    is_superuser: bool = False
    is_system_auditor: bool = False

    @property
    def sees_jobs(self) -> bool:
        """Superusers and system auditors see every job."""
        return self.is_superuser or self.is_system_auditor


@dataclass(frozen=True)
class TokenPair:
    """The tokens for `clusters add`, never shown in a repr."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass
class AccessToken:
    """An access token that was issued, without its text. `expires` None: never; `last_used` None: never was."""

    id: int
    account: Account
    scope: str
    created: datetime
    expires: datetime | None
    last_used: datetime | None = None


@dataclass
class _Refresh:
    access_token: str
    expires: datetime | None
    used: bool = False


@dataclass(frozen=True)
class TokenAnswer:
    """A refresh's outcome: `pair` on success, else an OAuth error name, or `expired`."""

    pair: TokenPair | None = None
    error: str = ""
    scope: str = "read"


ADMIN = Account(1, "admin", "admin-password", is_superuser=True)
AUDITOR = Account(2, "auditor", "auditor-password", is_system_auditor=True)
PLAIN = Account(3, "plain", "plain-password")


class TokenStore:
    """Tokens in force. `mint` makes the text of a new token of a kind ("access" or "refresh")."""

    def __init__(self, clock: Clock, mint: Callable[[str], str] | None = None) -> None:
        self._clock = clock
        self._mint = mint or (lambda kind: f"{kind}-{secrets.token_hex(15)}")
        self._numbers = count(1)
        self._access: dict[str, AccessToken] = {}
        self._refresh: dict[str, _Refresh] = {}
        self.accounts = {account.username: account for account in (ADMIN, AUDITOR, PLAIN)}
        self.clients: dict[str, str] = {"simulator-client": "simulator-secret"}
        self.access_lifetime: timedelta | None = None
        self.refresh_lifetime: timedelta | None = None
        self.refreshes = 0

    def use_clock(self, clock: Clock) -> None:
        """Use another clock for expiry."""
        self._clock = clock

    def issue(self, account: Account = AUDITOR, scope: str = "read") -> TokenPair:
        """Issue a new pair for a user, with the lifetimes set."""
        pair = TokenPair(self._mint("access"), self._mint("refresh"))
        return self.adopt(pair, account, scope)

    def adopt(self, pair: TokenPair, account: Account = AUDITOR, scope: str = "read") -> TokenPair:
        """Put a given pair in force."""
        number, now = next(self._numbers), self._clock.now()
        self._access[pair.access_token] = AccessToken(number, account, scope, now, self._expiry(self.access_lifetime))
        self._refresh[pair.refresh_token] = _Refresh(pair.access_token, self._expiry(self.refresh_lifetime))
        return pair

    def set_lifetimes(self, *, access: float | None = None, refresh: float | None = None) -> None:
        """Set the seconds that tokens live, from now on, including those already issued (None: for ever)."""
        self.access_lifetime = None if access is None else timedelta(seconds=access)
        self.refresh_lifetime = None if refresh is None else timedelta(seconds=refresh)
        for token in self._access.values():
            token.expires = self._expiry(self.access_lifetime)
        for other in self._refresh.values():
            other.expires = self._expiry(self.refresh_lifetime)

    def _expiry(self, lifetime: timedelta | None) -> datetime | None:
        return None if lifetime is None else self._clock.now() + lifetime

    def expire(self, authorization: str) -> None:
        """Expire the access token of an `Authorization` header, but not its refresh token."""
        access = self._access.get(authorization.partition(" ")[2].strip())
        if access:
            access.expires = self._clock.now()

    def expire_access(self) -> None:
        """Expire every access token, but no refresh token."""
        for access in self._access.values():
            access.expires = self._clock.now()

    def expire_refresh(self) -> None:
        """Expire every refresh token."""
        for refresh in self._refresh.values():
            refresh.expires = self._clock.now()

    def revoke_all(self) -> None:
        """Revoke every token."""
        self._access.clear()
        self._refresh.clear()

    def belong_to(self, account: Account) -> None:
        """Every access token in force is this user's from now on, as if its own user's roles had changed."""
        for access in self._access.values():
            access.account = account

    def account_of(self, authorization: str) -> Account | None:
        """Return the account of an `Authorization` header: a valid bearer token or password; else None."""
        kind, _, credential = authorization.partition(" ")
        if kind.lower() == "bearer":
            access = self._access.get(credential.strip())
            if access is None or self._over(access.expires):
                return None
            access.last_used = self._clock.now()
            return access.account
        if kind.lower() == "basic":
            name, password = _basic(credential)
            account = self.accounts.get(name)
            return account if account and account.password == password else None
        return None

    def access_tokens(self) -> list[AccessToken]:
        """Return every access token that was not replaced, including expired ones."""
        return list(self._access.values())

    def _over(self, expires: datetime | None) -> bool:
        return expires is not None and self._clock.now() >= expires

    def refresh(self, authorization: str, form: str) -> TokenAnswer:
        """Answer a POST to the token endpoint; a success kills the old access token and the old refresh token at
        once.
        """
        fields = {key: values[-1] for key, values in parse_qs(form).items()}
        kind, _, credential = authorization.partition(" ")
        client = (
            _basic(credential)
            if kind.lower() == "basic"
            else (fields.get("client_id", ""), fields.get("client_secret", ""))
        )
        if self.clients.get(client[0]) != client[1]:
            return TokenAnswer(error="invalid_client")
        if fields.get("grant_type") != "refresh_token":
            return TokenAnswer(error="unsupported_grant_type")
        token = self._refresh.get(fields.get("refresh_token", ""))
        if token is None or token.used:
            return TokenAnswer(error="invalid_grant")
        if self._over(token.expires):
            return TokenAnswer(error="expired")
        token.used = True
        self.refreshes += 1
        old = self._access.pop(token.access_token)
        return TokenAnswer(pair=self.issue(old.account, old.scope), scope=old.scope)


def _basic(credential: str) -> tuple[str, str]:
    try:
        name, _, secret = base64.b64decode(credential, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret
