"""Send one request: connection pool, TLS, proxies, the limit on bodies, and a typed error per kind of failure."""

import base64
import io
import json
import math
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPResponse, IncompleteRead, RemoteDisconnected
from pathlib import Path
from typing import Any

import certifi
import orjson
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_auth_from_url, get_environ_proxies, select_proxy
from urllib3 import exceptions as failures
from urllib3.util.ssl_ import create_urllib3_context

from aap_pipeline.controller import errors
from aap_pipeline.controller.config import ClientSettings, Endpoint
from aap_pipeline.controller.redaction import redact, sanitise_url


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A response as received; `body` is decompressed, and may contain new tokens or a job's extra_vars."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


_CLOCK = threading.local()
"""Has the `deadline` (time.monotonic) of the response that this thread waits for; none outside of `time_limit`."""


class _Reader(io.RawIOBase):
    """Read a socket until the deadline. A time limit per read would never end if bytes trickle in."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket) -> None:
        self._raw = raw
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = getattr(_CLOCK, "deadline", math.inf) - time.monotonic()
        if left <= 0:
            raise TimeoutError("the response is not complete in time")
        self._connection.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """A response whose head and body are read within the deadline."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Reader(self.fp.detach(), sock))


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit the responses that a BoundedAdapter reads in this block to `seconds` s in total, or raise TimeoutError."""
    _CLOCK.deadline = time.monotonic() + seconds
    try:
        yield
    finally:
        _CLOCK.deadline = math.inf


class BoundedAdapter(HTTPAdapter):
    """Connections of requests whose responses obey `time_limit`."""

    def get_connection_with_tls_context(self, *arguments: Any, **options: Any) -> Any:
        return _bounded(super().get_connection_with_tls_context(*arguments, **options))


def _bounded(pool: Any) -> Any:
    if pool.ConnectionCls.response_class is not _Response:
        pool.ConnectionCls = type("Connection", (pool.ConnectionCls,), {"response_class": _Response})
    return pool


class Transport:
    """Sends to one controller only. `verify_ssl` and `ca_bundle` of the endpoint always apply.

    Proxy, TLS and pool are resolved once; every request is then one `urlopen` on that pool. This takes a third of the
    CPU of `requests.Session.get`, and the environment cannot change a single request: REQUESTS_CA_BUNDLE applies only
    to an endpoint that verifies and has no CA bundle.
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
        # One TLS context for all connections: loading the CAs takes 20 ms of CPU.
        options: dict[str, Any] = {"maxsize": settings.workers, "block": True, "ssl_context": _tls_context(endpoint)}
        try:
            proxy = select_proxy(self._base_url, get_environ_proxies(self._base_url, no_proxy=None))
            self._connections = _through(proxy, options) if proxy else urllib3.PoolManager(1, **options)
            self._pool = _bounded(self._connections.connection_from_url(self._base_url))
        except ValueError as error:
            # The text of other errors may quote the password.
            reason = redact(str(error)) if isinstance(error, failures.LocationValueError) else type(error).__name__
            raise errors.BadEndpoint(
                f"The proxy set in the environment for {self._base_url} is not valid ({reason.rstrip('.')}). Correct "
                "HTTP_PROXY, HTTPS_PROXY and NO_PROXY."
            ) from None
        # An http proxy needs the whole URL of an http target; all other servers need the path.
        self._url_start = self._base_url if proxy and endpoint.protocol == "http" else endpoint.path

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None = None) -> RawAnswer:
        """Return the response of `target` (path and query) with any status. Redirects are not followed.

        Raises NotSent (no connection), Unreachable (not complete within `read_timeout` s), TlsError, BodyTooLarge,
        CorruptBody (cut off), BadEndpoint (what a request cannot carry).
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
        except ValueError:  # its text quotes the header
            raise errors.BadEndpoint(
                f"The request to {self._where(target)} cannot be sent, because the address or the token contains "
                "characters that are not valid. Store them again with "
                f"{self._endpoint.update('--url URL --token-file FILE')}."
            ) from None
        try:
            content = response.read(self._max_body + 1, decode_content=True)
        except (failures.HTTPError, OSError, ValueError) as error:  # ValueError: a chunk of negative size
            _discard(response)
            raise self._body_error(error, self._where(target)) from None
        if len(content) > self._max_body:
            _discard(response)
            raise errors.BodyTooLarge(
                f"The response of {self._where(target)} is larger than {self._max_body:,} bytes. {errors.CHECK_PATH}"
            )
        return RawAnswer(response.status, response.headers, content)

    def close(self) -> None:
        self._connections.clear()

    def _where(self, target: str) -> str:
        return sanitise_url(self._base_url + target)

    def _connection_error(self, error: BaseException, where: str) -> errors.ControllerError:
        for inner in _chain(error):
            if isinstance(inner, ssl.SSLError):
                return self._tls_error(inner, where)
        if isinstance(error, failures.ProxyError):
            reason = _tunnel_refusal(error) or _reason(error)
            refused = errors.BadEndpoint if reason.startswith("HTTP 4") else errors.NotSent
            return refused(
                f"The proxy set in the environment for {where} does not connect ({reason}). Correct HTTPS_PROXY, with "
                "its user and password, and NO_PROXY."
            )
        if isinstance(error, failures.NameResolutionError):
            return errors.NotSent(
                f"The host name {self._endpoint.address} of {where} cannot be resolved. Check the address and the DNS."
            )
        if isinstance(error, failures.NewConnectionError):
            return errors.NotSent(
                f"Cannot connect to {where} ({_reason(error)}). Check address and port, and that the controller runs."
            )
        if isinstance(error, failures.ConnectTimeoutError):
            return errors.NotSent(f"Cannot connect to {where} (timeout). Check address, port, firewall and proxy.")
        return self._body_error(error, where)

    def _body_error(self, error: BaseException, where: str) -> errors.ControllerError:
        if isinstance(error, failures.ReadTimeoutError | TimeoutError):
            return errors.Unreachable(
                f"The response of {where} was not complete within {self._read_timeout:g} s. {errors.CHECK_PATH}",
                cause="timeout",
            )
        if isinstance(error, failures.DecodeError):
            return errors.CorruptBody(f"The response of {where} cannot be decompressed. {errors.CHECK_PATH}")
        if any(isinstance(inner, IncompleteRead) for inner in _chain(error)):
            return errors.CorruptBody(f"The response of {where} was cut off. {errors.CHECK_PATH}", cause="cut off")
        return errors.Unreachable(f"The connection to {where} was lost ({_reason(error)}). {errors.CHECK_PATH}")

    def _tls_error(self, error: ssl.SSLError, where: str) -> errors.ControllerError:
        if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return errors.Unreachable(
                f"The connection to {where} was lost during the TLS handshake. {errors.CHECK_PATH}"
            )
        if isinstance(error, ssl.SSLCertVerificationError):
            why = (error.verify_message or "certificate verify failed").rstrip(".")
            remedy = f"Trust the CA that signed it with {self._endpoint.update('--ca-bundle FILE')}"
            if "mismatch" in why.lower():
                remedy = f"Use an address that the certificate is valid for with {self._endpoint.update('--url URL')}"
            elif "expired" in why:
                remedy = "Renew the certificate"
            return errors.TlsError(f"The certificate of {where} is not trusted ({why}). {remedy}.")
        why = error.reason or "TLS failed"
        plain = replace(self._endpoint, protocol="http")
        return errors.TlsError(
            f"The TLS handshake with {where} failed ({why}). Check the port, or, if the server uses plain HTTP, run "
            f"{self._endpoint.update('--url ' + plain.base_url)}."
        )


def _discard(response: urllib3.BaseHTTPResponse) -> None:
    """Close the connection of a response that is not read to its end, and release its place in the pool.

    A place that is not released is lost, and without places every request would wait forever.
    """
    response.close()
    response.release_conn()


def _through(proxy: str, options: Mapping[str, Any]) -> urllib3.ProxyManager:
    address = proxy if "://" in proxy else f"http://{proxy}"
    user, password = get_auth_from_url(address)
    headers = {"Proxy-Authorization": basic_credentials(user, password)} if user else {}
    return urllib3.ProxyManager(address, 1, proxy_headers=headers, **options)


def basic_credentials(user: str, password: str) -> str:
    """Return the header of HTTP Basic, in UTF-8 (RFC 7617)."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode('ascii')}"


def decode(body: bytes) -> Any:
    """Decode the JSON in `body`. Raises ValueError if it is not JSON.

    orjson rejects lone surrogates and NaN, which other programs write, so the standard library decides.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            return json.loads(body)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def decoded_object(body: bytes, decode: Callable[[bytes], Any] = decode) -> dict[str, Any] | None:
    """Decode the JSON object in `body`; None if it is anything else."""
    try:
        document = decode(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


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
        context.load_verify_locations(**{"capath" if Path(usual).is_dir() else "cafile": usual})
    except (OSError, ssl.SSLError) as error:
        raise errors.TlsError(
            f"Cannot read the CA bundle {usual} for {endpoint.base_url} ({_reason(error)}). Set REQUESTS_CA_BUNDLE to "
            f"a PEM file, or use {endpoint.update('--ca-bundle FILE')}."
        ) from None
    return context


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and the exceptions that caused it, which urllib3 stores as arguments or as the cause."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        inner = next((argument for argument in seen.args if isinstance(argument, BaseException)), None)
        seen = inner or seen.__cause__


def _tunnel_refusal(error: BaseException) -> str:
    """Return the status of a proxy that refused to connect, "HTTP 407 Proxy Authentication Required", or ""."""
    mark = "Tunnel connection failed: "
    texts = (str(inner) for inner in _chain(error) if type(inner) is OSError)
    return next((f"HTTP {redact(text.removeprefix(mark))[:100]}" for text in texts if text.startswith(mark)), "")


def _reason(error: BaseException) -> str:
    """Return why a connection failed: the operating system's message if there is one, never an object address."""
    for inner in _chain(error):
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror.lower()
        if isinstance(inner, RemoteDisconnected):
            return "closed without a response"
    return type(error).__name__
