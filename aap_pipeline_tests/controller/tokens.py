"""A store of tokens for clients without a database."""

from __future__ import annotations

import threading

from aap_pipeline.controller.auth import Exchange, Tokens


class MemoryTokenStore:
    """Tokens in memory."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._lock = threading.Lock()

    def load(self) -> Tokens:
        """Return the tokens."""
        with self._lock:
            return self._tokens

    def refresh(self, stale_access: str, exchange: Exchange) -> Tokens:
        """Replace the tokens, unless another thread has."""
        with self._lock:
            if self._tokens.access == stale_access:
                self._tokens = exchange(self._tokens)
            return self._tokens
