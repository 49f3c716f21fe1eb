"""One request, one answer: the connection pool, TLS, proxies, the bound on bodies, and each failure its right type."""

from __future__ import annotations

import base64
import io
import json
import math
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPResponse, IncompleteRead, RemoteDisconnected
from pathlib import Path
from typing import Any, NamedTuple

import certifi
import orjson
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_auth_from_url, get_environ_proxies
from urllib3 import exceptions as failures
from urllib3.util.ssl_ import create_urllib3_context

from aap_pipeline.controller.config import ClientSettings, Endpoint
from aap_pipeline.controller.errors import (
    BadEndpoint,
    BodyTooLarge,
    ControllerError,
    CorruptBody,
    NotSent,
    TlsError,
    Unreachable,
)
from aap_pipeline.controller.redaction import redact, sanitise_url


class RawAnswer(NamedTuple):
    """An answer as it came; `body` is decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        """Without the body, which may hold new tokens or a job's extra_vars."""
        return f"RawAnswer(status={self.status}, {len(self.body)} bytes)"


class _Clock(threading.local):
    """When the answer that this thread waits for must be complete, by time.monotonic."""

    deadline = math.inf


_CLOCK = _Clock()


class _Reader(io.RawIOBase):
    """What arrives at a socket, until the deadline: a time limit per read never ends where bytes trickle in."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket) -> None:
        self._raw = raw
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = _CLOCK.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer is not complete in time")
        self._connection.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """An answer whose head and body are read within the deadline."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Reader(self.fp.detach(), sock))


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Let the answers that a BoundedAdapter reads in this block take `seconds` s in all, or raise TimeoutError."""
    _CLOCK.deadline = time.monotonic() + seconds
    try:
        yield
    finally:
        _CLOCK.deadline = math.inf


class BoundedAdapter(HTTPAdapter):
    """Connections whose answers keep to `time_limit`."""

    def get_connection_with_tls_context(self, *arguments: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*arguments, **options)
        if pool.ConnectionCls.response_class is not _Response:
            pool.ConnectionCls = type("Connection", (pool.ConnectionCls,), {"response_class": _Response})
        return pool


class _Adapter(BoundedAdapter):
    """Pools that share one TLS context: loading the CAs for each connection costs 20 ms of CPU."""

    def __init__(self, context: ssl.SSLContext | None, workers: int) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=workers, max_retries=0, pool_block=True)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block=block, ssl_context=self._context, **pool_kwargs)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._context, **proxy_kwargs)

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        user, password = get_auth_from_url(proxy)
        return {"Proxy-Authorization": basic_credentials(user, password)} if user else {}

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        if self._context is not None:
            return host, {"ssl_context": self._context}
        return host, tls


class Transport:
    """Sends to one controller only. `verify_ssl` and `ca_bundle` of the endpoint always count.

    requests resolves proxies, TLS and the pool once, the way its adapter does for each request; every request is then
    one `urlopen` on that pool. This spares two thirds of the CPU of `Session.get` and leaves the environment
    no say per request: REQUESTS_CA_BUNDLE serves only an endpoint that verifies and names no bundle of its own.
    """

    def __init__(self, endpoint: Endpoint, settings: ClientSettings) -> None:
        endpoint.check()
        self._base_url = endpoint.base_url
        self._endpoint = endpoint
        self._max_body = settings.max_body_bytes
        self._timeout = urllib3.Timeout(
            connect=min(settings.connect_timeout, settings.read_timeout), read=settings.read_timeout
        )
        self._read_timeout = settings.read_timeout
        self._session = requests.Session()
        self._session.trust_env = False
        adapter = _Adapter(_tls_context(endpoint), settings.workers)
        self._session.mount(self._base_url, adapter)
        base = self._session.prepare_request(requests.Request("GET", self._base_url + "/"))
        proxies = get_environ_proxies(self._base_url, no_proxy=None)
        try:
            self._pool = adapter.get_connection_with_tls_context(base, endpoint.verify_ssl, proxies)
        except (requests.exceptions.RequestException, ValueError) as error:
            # Of other errors the text may quote the password.
            known = isinstance(error, requests.exceptions.RequestException | failures.LocationValueError)
            reason = redact(str(error)).rstrip(".") if known else type(error).__name__
            raise BadEndpoint(
                f"The proxy set in the environment for {self._base_url} is unusable ({reason}): check HTTP_PROXY, "
                "HTTPS_PROXY and NO_PROXY."
            ) from None
        # An http proxy wants the whole URL of an http target; everyone else wants the path.
        self._url_start = adapter.request_url(base, proxies).rstrip("/")

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None = None) -> RawAnswer:
        """The answer to `target` (path and query), whatever its status. Redirects are answers, not followed.

        It is complete within `read_timeout` s, or not an answer. Raises NotSent (no connection), Unreachable, TlsError,
        BodyTooLarge, CorruptBody (cut off), BadEndpoint (what a request cannot carry).
        """
        with time_limit(self._read_timeout):
            return self._send(method, target, headers, body)

    def _send(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> RawAnswer:
        try:
            response = self._pool.urlopen(
                method,
                self._url_start + target,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                assert_same_host=False,
                timeout=self._timeout,
                preload_content=False,
                decode_content=False,
            )
        except (failures.HTTPError, OSError) as error:
            raise self._connection_error(error, self._where(target)) from None
        except ValueError:  # whose text quotes what is wrong with a header
            raise BadEndpoint(
                f"The request to {self._where(target)} cannot be sent: the address or the token holds what no request "
                f"can carry. Store them again with {self._endpoint.update('--url URL --token-file FILE')}."
            ) from None
        try:
            content = response.read(self._max_body + 1, decode_content=True)
        except (failures.HTTPError, OSError) as error:
            _discard(response)
            raise self._body_error(error, self._where(target)) from None
        if len(content) > self._max_body:
            _discard(response)
            raise BodyTooLarge(
                f"The answer of {self._where(target)} is larger than {self._max_body:,} bytes: raise the bound on "
                "bodies, or ask for smaller pages."
            )
        return RawAnswer(response.status, response.headers, content)

    def close(self) -> None:
        """Closes all connections."""
        self._session.close()

    def _where(self, target: str) -> str:
        return sanitise_url(self._base_url + target)

    def _connection_error(self, error: BaseException, where: str) -> ControllerError:
        tls = _tls_cause(error)
        if tls is not None:
            return self._tls_error(tls, where)
        if isinstance(error, failures.ProxyError):
            reason = _tunnel_refusal(error) or _reason(error)
            refused = BadEndpoint if reason.startswith("HTTP 4") else NotSent
            return refused(
                f"The proxy set in the environment for {where} does not connect ({reason}): check HTTPS_PROXY, with "
                "its user and password, and NO_PROXY."
            )
        if isinstance(error, failures.NameResolutionError):
            return NotSent(
                f"The name {self._endpoint.address} of {where} cannot be resolved: check the address and the DNS."
            )
        if isinstance(error, failures.NewConnectionError):
            return NotSent(
                f"No connection to {where} ({_reason(error)}): check that the controller runs, its address and its "
                "port."
            )
        if isinstance(error, failures.ConnectTimeoutError):
            return NotSent(f"No connection to {where} within the time limit: check address, port, firewall and proxy.")
        return self._body_error(error, where)

    def _body_error(self, error: BaseException, where: str) -> ControllerError:
        if isinstance(error, failures.ReadTimeoutError | TimeoutError):
            return Unreachable(
                f"The answer of {where} was not complete within {self._read_timeout:g} s: look at the load of the "
                "controller and at the proxies on the way.",
                cause="timeout",
            )
        if isinstance(error, failures.DecodeError):
            return CorruptBody(f"The answer of {where} cannot be decompressed: a proxy on the way may damage it.")
        if any(isinstance(inner, IncompleteRead) for inner in _chain(error)):
            return CorruptBody(
                f"The answer of {where} was cut off: look at the controller and the proxies on the way.",
                cause="cut off",
            )
        return Unreachable(
            f"The connection to {where} broke ({_reason(error)}): look at the controller and the proxies on the way."
        )

    def _tls_error(self, error: BaseException, where: str) -> ControllerError:
        if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return Unreachable(
                f"The connection to {where} broke while TLS was negotiated: look at the proxies on the way."
            )
        if isinstance(error, ssl.SSLCertVerificationError):
            why = (error.verify_message or "certificate verify failed").rstrip(".")
            remedy = f"trust the CA that signed it with {self._endpoint.update('--ca-bundle FILE')}"
            if "mismatch" in why.lower():
                remedy = f"use an address that it is made out to with {self._endpoint.update('--url URL')}"
            elif "expired" in why:
                remedy = "renew it"
            return TlsError(f"The certificate of {where} is not trusted ({why}): {remedy}.")
        why = getattr(error, "reason", None) or "TLS failed"
        plain = replace(self._endpoint, protocol="http")
        return TlsError(
            f"No TLS with {where} ({why}): check the port, or, if it speaks plain HTTP, use "
            f"{self._endpoint.update('--url ' + plain.base_url)}."
        )


def _discard(response: urllib3.BaseHTTPResponse) -> None:
    """Close the connection of an answer that is not read to its end, and give its place in the pool back.

    Closed alone it would keep its place, and once all places are gone every request would wait for ever.
    """
    response.close()
    response.release_conn()


def basic_credentials(user: str, password: str) -> str:
    """The header of HTTP Basic, in UTF-8 (RFC 7617)."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode('ascii')}"


def decode(body: bytes) -> Any:
    """The JSON document in `body`; raises ValueError when it is none.

    orjson refuses what other writers let through (lone surrogates, NaN), so the standard library has the last word.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            return json.loads(body)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def _tls_context(endpoint: Endpoint) -> ssl.SSLContext | None:
    if endpoint.protocol != "https":
        return None
    context = create_urllib3_context()
    if not endpoint.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        urllib3.disable_warnings(failures.InsecureRequestWarning)
        return context
    if endpoint.ca_bundle:
        context.load_verify_locations(cadata=endpoint.ca_bundle)
        return context
    usual = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or certifi.where()
    try:
        if Path(usual).is_dir():
            context.load_verify_locations(capath=usual)
        else:
            context.load_verify_locations(cafile=usual)
    except (OSError, ssl.SSLError) as error:
        raise TlsError(
            f"The CA bundle {usual} for {endpoint.base_url} cannot be read ({_reason(error)}): set REQUESTS_CA_BUNDLE "
            f"to a PEM file, or use {endpoint.update('--ca-bundle FILE')}."
        ) from None
    return context


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error` and the exceptions it was made from: urllib3 passes them on as arguments or as the cause."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        inner = next((argument for argument in seen.args if isinstance(argument, BaseException)), None)
        seen = inner or seen.__cause__


def _tls_cause(error: BaseException) -> BaseException | None:
    """The TLS error in `error`, if TLS is what failed."""
    chain = list(_chain(error))
    exact = next((inner for inner in chain if isinstance(inner, ssl.SSLError)), None)
    return exact or next((inner for inner in chain if isinstance(inner, failures.SSLError)), None)


def _tunnel_refusal(error: BaseException) -> str:
    """With which status a proxy refused to connect, "HTTP 407 Proxy Authentication Required"; empty if it did not."""
    mark = "Tunnel connection failed: "
    texts = (str(inner) for inner in _chain(error) if type(inner) is OSError)
    return next((f"HTTP {redact(text.removeprefix(mark))[:100]}" for text in texts if text.startswith(mark)), "")


def _reason(error: BaseException) -> str:
    """Why a connection failed, in the operating system's words where it has some; no object addresses."""
    for inner in _chain(error):
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror.lower()
        if isinstance(inner, RemoteDisconnected):
            return "closed without an answer"
    return type(error).__name__
