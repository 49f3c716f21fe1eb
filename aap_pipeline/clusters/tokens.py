"""The stored tokens of a cluster: encrypted at rest, rotated under a row lock."""

import time
from collections.abc import Callable
from typing import LiteralString

from aap_pipeline.controller.auth import Exchange, Tokens
from aap_pipeline.controller.errors import AuthenticationError, ServerError
from aap_pipeline.database.connection import Connection, clear_errors, connect, describe
from aap_pipeline.database.encryption import Cipher
from aap_pipeline.database.errors import DatabaseUnreachable
from aap_pipeline.database.statements import statement

_SAVE_ATTEMPTS = 60
_SECONDS_BETWEEN_ATTEMPTS = 1.0


class DatabaseTokenStore:
    """The `TokenStore` of one cluster.

    Each call opens its own connection, because a rotated pair must be committed even if the sync's transaction fails.
    """

    def __init__(
        self, database_url: str, cipher: Cipher, cluster_id: int, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._url = database_url
        self._sleep = sleep
        self._cipher = cipher
        self._cluster = cluster_id
        self._name: object = ""

    def load(self) -> Tokens:
        """Return the stored tokens. Raises EncryptionKeyError (another key), ServerError (the controller's pause)."""
        with connect(self._url) as connection:
            return self._read(connection, "clusters/load_tokens")

    def refresh(self, stale_access: str, exchange: Exchange) -> Tokens:
        """Return the pair that replaces `stale_access`: the stored one if another process renewed it, else a new one.

        After the exchange the old pair is no longer valid, so saving the new pair is retried for a minute if PostgreSQL
        becomes unreachable. Raises AuthenticationError if the new pair could not be stored.
        """
        renewed: Tokens | None = None
        for _ in range(_SAVE_ATTEMPTS):
            try:
                with clear_errors(), connect(self._url) as connection:
                    tokens = self._read(connection, "clusters/lock_tokens")
                    if tokens.access == stale_access:
                        tokens = renewed = renewed or exchange(tokens)
                        self._save(connection, renewed)
                return tokens
            except DatabaseUnreachable:
                if renewed is None:
                    raise
                self._sleep(_SECONDS_BETWEEN_ATTEMPTS)
        raise AuthenticationError(
            "The controller has replaced the tokens, but the new ones could not be stored: PostgreSQL at "
            f"{describe(self._url)} was unreachable for {_SAVE_ATTEMPTS * _SECONDS_BETWEEN_ATTEMPTS:.0f} s. Create a "
            f"new token at the controller and store it with `aap-pipeline clusters update {self._name} --token-file "
            "FILE`."
        )

    def _save(self, connection: Connection, tokens: Tokens) -> None:
        parameters = {
            "cluster": self._cluster,
            "access_token": self._cipher.encrypt(tokens.access),
            "refresh_token": self._cipher.encrypt(tokens.refresh) if tokens.refresh else None,
        }
        connection.execute(statement("clusters/save_tokens"), parameters)

    def _read(self, connection: Connection, query: LiteralString) -> Tokens:
        row = connection.execute(statement(query), {"cluster": self._cluster}).fetchone()
        access, refresh, client_id, client_secret, self._name, pause = row or (None, None, None, None, "NAME", None)
        if pause:
            raise ServerError(
                f"The controller of cluster {self._name} requested a pause until {pause:%Y-%m-%d %H:%M:%S} UTC "
                f"(Retry-After). To send requests earlier, run `aap-pipeline clusters enable {self._name}`."
            )
        return Tokens(
            access=self._text(access),
            refresh=self._text(refresh),
            client_id=str(client_id or ""),
            client_secret=self._text(client_secret),
        )

    def _text(self, encrypted: object) -> str:
        return self._cipher.decrypt(encrypted) if isinstance(encrypted, bytes) else ""
