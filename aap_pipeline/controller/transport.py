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

from aap_pipeline.controller import errors
from aap_pipeline.controller.config import ClientSettings, Endpoint
from aap_pipeline.controller.redaction import redact, sanitise_url


class RawAnswer(NamedTuple):
    """A response as received; `body` is decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        """Omit the body, which may contain new tokens or a job's extra_vars."""
        return f"RawAnswer(status={self.status}, {len(self.body)} bytes)"


class _Clock(threading.local):
    """The deadline (time.monotonic) of the response that this thread waits for."""

    deadline = math.inf


_CLOCK = _Clock()


class _Reader(io.RawIOBase):
    """Read a socket until the deadline. A time limit per read would never end if bytes trickle in."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket) -> None:
        self._raw = raw
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = _CLOCK.deadline - time.monotonic()
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
    """Connections whose responses obey `time_limit`."""

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
    """Sends to one controller only. `verify_ssl` and `ca_bundle` of the endpoint always apply.

    Proxies, TLS and pool are resolved once by requests' adapter; every request is then one `urlopen` on that pool. This
    saves two thirds of the CPU of `Session.get`, and the environment cannot change a single request: REQUESTS_CA_BUNDLE
    applies only to an endpoint that verifies and has no CA bundle.
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
            # The text of other errors may quote the password.
            known = isinstance(error, requests.exceptions.RequestException | failures.LocationValueError)
            reason = redact(str(error)).rstrip(".") if known else type(error).__name__
            raise errors.BadEndpoint(
                f"The proxy set in the environment for {self._base_url} is not valid ({reason}). Correct HTTP_PROXY, "
                "HTTPS_PROXY and NO_PROXY."
            ) from None
        # An http proxy needs the whole URL of an http target; all other servers need the path.
        self._url_start = adapter.request_url(base, proxies).rstrip("/")

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
        except (failures.HTTPError, OSError) as error:
            _discard(response)
            raise self._body_error(error, self._where(target)) from None
        if len(content) > self._max_body:
            _discard(response)
            raise errors.BodyTooLarge(
                f"The response of {self._where(target)} is larger than {self._max_body:,} bytes. {errors.CHECK_PATH}"
            )
        return RawAnswer(response.status, response.headers, content)

    def close(self) -> None:
        self._session.close()

    def _where(self, target: str) -> str:
        return sanitise_url(self._base_url + target)

    def _connection_error(self, error: BaseException, where: str) -> errors.ControllerError:
        tls = _tls_cause(error)
        if tls is not None:
            return self._tls_error(tls, where)
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

    def _tls_error(self, error: BaseException, where: str) -> errors.ControllerError:
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
        why = getattr(error, "reason", None) or "TLS failed"
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


def _tls_cause(error: BaseException) -> BaseException | None:
    chain = list(_chain(error))
    exact = next((inner for inner in chain if isinstance(inner, ssl.SSLError)), None)
    return exact or next((inner for inner in chain if isinstance(inner, failures.SSLError)), None)


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
