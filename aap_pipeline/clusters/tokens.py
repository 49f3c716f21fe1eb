"""The tokens of a cluster in its row: encrypted at rest, rotated under a row lock."""

from __future__ import annotations

from aap_pipeline.controller.auth import Exchange, Tokens
from aap_pipeline.warehouse.connection import Connection, connect
from aap_pipeline.warehouse.encryption import Cipher
from aap_pipeline.warehouse.statements import statement


class DatabaseTokenStore:
    """The `TokenStore` of one cluster.

    Each call has a connection of its own: a rotated pair must be committed before anything else, whatever becomes of
    the transaction in which the sync is.
    """

    def __init__(self, database_url: str, cipher: Cipher, cluster_id: int) -> None:
        self._url = database_url
        self._cipher = cipher
        self._cluster = cluster_id

    def load(self) -> Tokens:
        """The tokens as stored now. Raises EncryptionKeyError if they were encrypted with another key."""
        with connect(self._url) as connection:
            row = connection.execute(statement("clusters/load_tokens"), {"cluster": self._cluster}).fetchone()
        return self._decrypt(row)

    def refresh(self, stale_access: str, exchange: Exchange) -> Tokens:
        """The pair that follows `stale_access`: another process's if it was quicker, else what `exchange` gives."""
        with connect(self._url) as connection:
            row = connection.execute(statement("clusters/lock_tokens"), {"cluster": self._cluster}).fetchone()
            tokens = self._decrypt(row)
            if tokens.access == stale_access:
                tokens = exchange(tokens)
                self._save(connection, tokens)
        return tokens

    def _save(self, connection: Connection, tokens: Tokens) -> None:
        parameters = {
            "cluster": self._cluster,
            "access_token": self._cipher.encrypt(tokens.access),
            "refresh_token": self._cipher.encrypt(tokens.refresh) if tokens.refresh else None,
        }
        connection.execute(statement("clusters/save_tokens"), parameters)

    def _decrypt(self, row: tuple[object, ...] | None) -> Tokens:
        access, refresh, client_id, client_secret = row or (None, None, None, None)
        return Tokens(
            access=self._text(access),
            refresh=self._text(refresh),
            client_id=str(client_id or ""),
            client_secret=self._text(client_secret),
        )

    def _text(self, encrypted: object) -> str:
        return self._cipher.decrypt(encrypted) if isinstance(encrypted, bytes) else ""
