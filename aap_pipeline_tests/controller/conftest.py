"""A client whose clock only moves when it sleeps, against a scripted server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aap_pipeline.controller.auth import Tokens, TokenStore
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.config import ClientSettings, Endpoint
from aap_pipeline_tests.controller.server import Asked, Reply, ScriptedServer, serving
from aap_pipeline_tests.controller.tokens import MemoryTokenStore

TOKENS = Tokens("access-1", "refresh-1", "client", "hidden-1")
PING = Reply(
    {"version": "4.5.15", "active_node": "n", "instances": []},
    headers={"X-API-Product-Name": "Red Hat Ansible Automation Platform"},
)
NOT_FOUND = Reply({"detail": "The requested resource could not be found."}, 404)
HTML = {"Content-Type": "text/html; charset=utf-8"}


class Patience:
    """Sleeps without waiting, and remembers for how long."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.naps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.seconds += seconds

    def monotonic(self) -> float:
        return self.seconds

    def clock(self) -> datetime:
        return datetime(2026, 11, 23, 20, 0, 5, tzinfo=UTC) + timedelta(seconds=self.seconds)


def aap_24(script: Callable[[Asked], Reply]) -> Callable[[Asked], Reply]:
    """`script`, with the pings of AAP 2.4 in front."""

    def answer(asked: Asked) -> Reply:
        if asked.path == "/api/v2/ping/":
            return PING
        return NOT_FOUND if asked.path == "/api/gateway/v1/ping/" else script(asked)

    return answer


class Bench:
    """Makes servers and clients of one test, and closes them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.patience = Patience()

    def serve(self, script: Callable[[Asked], Reply], **options: Any) -> ScriptedServer:
        return self._stack.enter_context(serving(script, **options))

    def client(
        self, port: int, store: TokenStore | None = None, endpoint: Endpoint | None = None, **settings: Any
    ) -> ControllerClient:
        chosen: dict[str, Any] = {
            "sleep": self.patience.sleep,
            "monotonic": self.patience.monotonic,
            "clock": self.patience.clock,
            "uniform": max,
            "retries": 3,
            "read_timeout": 5.0,
            **settings,
        }
        endpoint = endpoint or Endpoint("http", "127.0.0.1", port)
        client = ControllerClient(endpoint, store or MemoryTokenStore(TOKENS), ClientSettings(**chosen))
        return self._stack.enter_context(client)

    def against(
        self, script: Callable[[Asked], Reply], store: TokenStore | None = None, **settings: Any
    ) -> tuple[ControllerClient, ScriptedServer]:
        """A client of an AAP 2.4 that answers everything but pings with `script`."""
        server = self.serve(aap_24(script))
        return self.client(server.port, store, **settings), server


@pytest.fixture
def bench(starts_server: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Servers and clients without a proxy or CA of the machine's environment."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with ExitStack() as stack:
        yield Bench(stack)
