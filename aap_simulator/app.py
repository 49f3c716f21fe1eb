"""The ASGI application: serve requests, apply faults and write the log."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from aap_simulator import cost
from aap_simulator.answers import (
    FORBIDDEN,
    HTML_404,
    HTML_MAINTENANCE,
    NOT_FOUND,
    SERVER_ERROR,
    Answer,
    HeaderWriter,
    html_answer,
    json_answer,
)
from aap_simulator.faults import Fault, FaultPlan
from aap_simulator.log import Request, RequestLog
from aap_simulator.pages import Tampering
from aap_simulator.replay import Recording
from aap_simulator.routes import Controller, Place, place
from aap_simulator.tokens import TokenStore
from aap_simulator.world import World

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
MAINTENANCE_PATH = "/maintenance.html"
CHUNK = 1 << 20
NEVER_ANSWERED = 0
"""Status logged for a request that got no complete response."""
WEB_WORKERS = 5
"""Web workers of a default installation. They limit concurrency if `slowness` is set."""
REPLACING = frozenset({"status", "hang", "html", "maintenance", "html_404", "foreign_redirect"})
"""Faults that replace the response."""
REFUSALS = {403: FORBIDDEN, 404: NOT_FOUND}


class App:
    """One controller over ASGI. Other threads may change its state while it runs."""

    def __init__(
        self,
        world: World,
        tokens: TokenStore,
        faults: FaultPlan,
        log: RequestLog,
        recording: Recording | None,
        stopping: asyncio.Event,
    ) -> None:
        self.world = world
        self.tokens = tokens
        self.faults = faults
        self.log = log
        self.recording = recording
        self.controller = Controller(world, tokens)
        self.headers = HeaderWriter(world.product, world.clock)
        self.stopping = stopping
        self._places: dict[str, Place] = {}
        self._workers = asyncio.Semaphore(WEB_WORKERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        log = self.log
        log.began()
        try:
            await self._serve(scope, receive, send)
        finally:
            log.ended()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        where = self._place(scope["path"])
        active = self.faults.strike(where.kind) if self.faults.faults else []
        self._expire_tokens(active, authorization)
        delay = self.faults.delay()
        if delay:
            await asyncio.sleep(delay)
        replacing = next((fault for fault in active if fault.kind in REPLACING), None)
        if replacing and replacing.kind == "hang":
            self._note(scope, where, active, NEVER_ANSWERED, cost.Cost(0.0, replacing.seconds))
            await self._hang(replacing.seconds, receive)
            scope["transport"].close()
            return
        if replacing:
            answer = self._fault_answer(replacing)
        else:
            answer = await self._answer(where, scope, receive, authorization, active)
        # Before the response is sent, so that the client's next request sees the change.
        self._change_world(active)
        reset = any(fault.kind == "reset" for fault in active)
        if self.faults.slowness:
            async with self._workers:
                await asyncio.sleep(self.faults.slowness * answer.cost.worker)
        self._note(scope, where, active, NEVER_ANSWERED if reset else answer.status, answer.cost)
        if reset:
            await self._send_half(answer, scope, send)
        else:
            await self._send(answer, active, scope["method"], send)

    def _note(self, scope: Scope, where: Place, active: list[Fault], status: int, price: cost.Cost) -> None:
        query = scope["query_string"].decode("latin-1")
        names = tuple(fault.kind for fault in active)
        headers = dict(scope["headers"])
        agent = headers.get(b"user-agent", b"").decode("latin-1")
        authorized = bool(headers.get(b"authorization"))
        method, path = scope["method"], scope["path"]
        self.log.add(Request(method, path, query, where.kind, status, names, authorized, price, agent))

    def _place(self, path: str) -> Place:
        where = self._places.get(path)
        if where is None:
            if len(self._places) > 100_000:
                self._places.clear()
            where = self._places[path] = (
                Place("maintenance") if path == MAINTENANCE_PATH else place(path, self.world.product)
            )
        return where

    def _expire_tokens(self, active: list[Fault], authorization: str) -> None:
        if any(fault.kind == "expire_token" for fault in active):
            self.tokens.expire(authorization)

    def _change_world(self, active: list[Fault]) -> None:
        for fault in active:
            if fault.kind == "delete_job":
                with self.world.lock:
                    stamps = self.world.jobs.finished or []
                    if stamps:
                        self.world.delete_job(stamps[self.faults.draw(len(stamps))][1])
            elif fault.kind == "insert_behind":
                self.world.insert_behind()

    async def _answer(
        self, where: Place, scope: Scope, receive: Receive, authorization: str, active: list[Fault]
    ) -> Answer:
        method, path, query = scope["method"], scope["path"], scope["query_string"].decode("latin-1")
        if where.kind == "maintenance":
            return html_answer(200, HTML_MAINTENANCE)
        if self.recording and (recorded := self.recording.answer(method, path, query, authorization, self.controller)):
            return recorded
        if method == "POST" and where.kind == "token":
            return self.controller.refresh(authorization, (await _body(receive)).decode("latin-1"))
        if method not in ("GET", "HEAD"):
            return json_answer(405, {"detail": f'Method "{method}" not allowed.'})
        return self.controller.get(where, path, query, authorization, _tampering(active))

    def _fault_answer(self, fault: Fault) -> Answer:
        if fault.kind == "status":
            status = self.faults.choose(fault.statuses)
            extra = [(b"retry-after", b"%d" % fault.retry_after)] if fault.retry_after is not None else []
            if status == 500:
                return json_answer(status, SERVER_ERROR, known_url=False, extra=extra)
            if status in REFUSALS:
                return json_answer(status, REFUSALS[status], extra=extra)
            return html_answer(status, f"<html><head><title>{status}</title></head><body></body></html>", extra=extra)
        if fault.kind == "html":
            return html_answer(200, HTML_MAINTENANCE)
        if fault.kind == "html_404":
            return html_answer(404, HTML_404)
        if fault.kind == "maintenance":
            return html_answer(302, "", extra=[(b"location", MAINTENANCE_PATH.encode())])
        if fault.kind == "foreign_redirect":
            return html_answer(302, "", extra=[(b"location", f"{fault.host}/api/v2/jobs/".encode())])
        raise AssertionError(fault.kind)

    async def _send(self, answer: Answer, active: list[Fault], method: str, send: Send) -> None:
        body = answer.body
        oversized = 0
        for fault in active:
            if fault.kind == "truncate":
                body = body[: max(1, len(body) // 2)]
            elif fault.kind == "oversized":
                oversized = fault.size
        headers = self.headers.write(answer)
        headers.append((b"content-length", b"%d" % (oversized or len(body))))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if oversized:
            await self._send_padding(oversized, send)
        else:
            await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})

    async def _send_padding(self, size: int, send: Send) -> None:
        head = b'{"count":1,"next":null,"previous":null,"padding":"'
        await send({"type": "http.response.body", "body": head, "more_body": True})
        left = size - len(head)
        while left and not self.stopping.is_set():
            chunk = b"x" * min(left, CHUNK)
            left -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": left > 0})

    async def _send_half(self, answer: Answer, scope: Scope, send: Send) -> None:
        headers = [*self.headers.write(answer), (b"content-length", b"%d" % max(2, len(answer.body)))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
        _reset(scope)

    async def _hang(self, seconds: float, receive: Receive) -> None:
        """Send nothing until the client disconnects, the time is over or the server stops."""
        waits = [asyncio.ensure_future(_until_disconnected(receive)), asyncio.ensure_future(self.stopping.wait())]
        _, pending = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


def _tampering(active: list[Fault]) -> Tampering:
    tampering = Tampering()
    for fault in active:
        if fault.kind == "count_too_high":
            tampering.promised += 1
        elif fault.kind == "drop_row":
            tampering.dropped += 1
        elif fault.kind == "foreign_next":
            tampering.next_host = fault.host
    return tampering


async def _body(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _reset(scope: Scope) -> None:
    """Reset the connection (RST, not FIN), as a crashed proxy does."""
    transport = scope["transport"]
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
