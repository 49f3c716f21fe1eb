"""A scripted HTTP server: for each request a function says what goes over the wire, broken answers included."""

from __future__ import annotations

import json
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

DATE = "Mon, 23 Nov 2026 20:00:00 GMT"


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass(frozen=True)
class Reply:
    """What to answer. `cut` sends only that many bytes of the body and closes; `reset` closes without an answer;
    `hang` waits for the client to give up; `chunked` and `gzip` say how the body travels; `trickle`, a start and what
    follows it again and again, goes on for ten seconds or until the client gives up."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    reset: bool = False
    hang: bool = False
    chunked: bool = False
    trickle: tuple[bytes, bytes] | None = None

    @property
    def payload(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def always(reply: Reply) -> Callable[[Asked], Reply]:
    """A script that answers everything with `reply`."""
    return lambda _: reply


class ScriptedServer(ThreadingHTTPServer):
    """Serves `script` on a free loopback port and remembers what was asked."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, script: Callable[[Asked], Reply]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.asked: list[Asked] = []
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self.connections += 1
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gives up is part of the tests."""

    def hang_up(self) -> None:
        """Ends every open connection, so that hanging and idle handlers return."""
        with self._lock:
            for request in self._open:
                try:
                    request.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ScriptedServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query)),
            {name.lower(): value for name, value in self.headers.items()},
            body,
        )
        self.server.asked.append(asked)
        self._answer(self.server.script(asked))

    def do_POST(self) -> None:
        self.do_GET()

    def _answer(self, reply: Reply) -> None:
        if reply.hang:
            self.rfile.read(1)
            self.close_connection = True
            return
        if reply.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        if reply.trickle is not None:
            self._trickle(*reply.trickle)
            return
        payload = reply.payload
        self.send_response_only(reply.status)
        headers = {"Date": DATE, "Content-Type": "application/json", **reply.headers}
        headers["Transfer-Encoding" if reply.chunked else "Content-Length"] = (
            "chunked" if reply.chunked else str(len(payload))
        )
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        sent = payload if reply.cut is None else payload[: reply.cut]
        self.wfile.write(f"{len(payload):x}\r\n".encode() + sent if reply.chunked else sent)
        if reply.cut is not None:
            self.close_connection = True
        elif reply.chunked:
            self.wfile.write(b"\r\n0\r\n\r\n")

    def _trickle(self, start: bytes, drip: bytes) -> None:
        self.close_connection = True
        self.wfile.write(start)
        for _ in range(500):
            self.wfile.write(drip)
            if select.select([self.connection], [], [], 0.02)[0]:  # the client has closed
                return

    def do_CONNECT(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
        """Says nothing."""


@contextmanager
def serving(script: Callable[[Asked], Reply], tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """A running server; with `tls` it speaks HTTPS."""
    server = ScriptedServer(script)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.hang_up()
        server.server_close()
        thread.join()
