"""What an answer means: JSON that can be used, or an error with its right type, place and remedy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from aap_pipeline.controller.errors import (
    BadRequest,
    ControllerError,
    CorruptBody,
    ForeignLink,
    HtmlAnswer,
    Maintenance,
    NotFound,
    PermissionDenied,
    RedirectedElsewhere,
    ServerError,
    Unauthorized,
)
from aap_pipeline.controller.redaction import redact, sanitise_url
from aap_pipeline.controller.retry import parse_http_date, parse_retry_after
from aap_pipeline.controller.transport import RawAnswer, decode

Decode = Callable[[bytes], Any]
"""Reads a body; raises ValueError for what is no JSON."""

AUDITOR_ROLE = "System Auditor (Platform Auditor from AAP 2.5 on)"
_DETAIL_LENGTH = 300
_RETRIED_4XX = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded JSON object, the bytes it came in (decompressed) and its headers."""

    body: dict[str, Any] = field(repr=False)
    raw: bytes = field(repr=False)
    headers: Mapping[str, str]


def interpret(answer: RawAnswer, url: str, now: datetime, decode: Decode = decode) -> Answer:
    """The usable answer to `url` in `answer`, as `decode` reads it.

    Raises the ControllerError that fits (not for redirects).

    `now` serves to read a Retry-After date when the answer has no Date of its own.
    """
    if not 200 <= answer.status < 300:
        raise _failure(answer, sanitise_url(url), now)
    try:
        body = decode(answer.body)
    except ValueError:
        where = sanitise_url(url)
        if _is_html(answer):
            raise HtmlAnswer(
                f"{where} answered with a web page where JSON was expected: check the address, and whether a log-in or "
                "maintenance page stands in front of the controller.",
                cause="HTML",
            ) from None
        raise CorruptBody(
            f"The answer of {where} is no complete JSON: look at the controller and the proxies on the way.",
            cause="bad JSON",
        ) from None
    if not isinstance(body, dict):
        raise CorruptBody(
            f"The answer of {sanitise_url(url)} is JSON, but no object: check that this is a controller.",
            cause="bad JSON",
        )
    return Answer(body, answer.body, answer.headers)


def redirect_target(answer: RawAnswer, base_url: str, target: str) -> str:
    """Where to ask again after a redirect: only the same path with its missing slash, on the same host.

    Raises RedirectedElsewhere (other host, port or protocol) and Maintenance (any other path).
    """
    where = sanitise_url(base_url + target)
    location = answer.headers.get("Location")
    if not location:
        raise BadRequest(f"{where} answered HTTP {answer.status} without a Location: look at the proxies on the way.")
    path, _, query = target.partition("?")
    landed = urlsplit(urljoin(base_url + target, location))
    if not same_origin(base_url, landed.geturl()):
        raise RedirectedElsewhere(
            f"{where} redirects to {landed.scheme}://{landed.hostname}{f':{landed.port}' if landed.port else ''}, "
            "where no token is sent: "
            "if that is the controller, set protocol, address and port to it."
        )
    if landed.path == path + "/":
        return f"{landed.path}?{query}" if query else landed.path
    raise Maintenance(
        f"{where} redirects to the page {landed.path}: the controller is being upgraded, or a log-in page stands in "
        "front of it. "
        "Try again when its web interface works.",
        cause="maintenance",
    )


def same_origin(base_url: str, url: str) -> bool:
    """Whether `url` has the protocol, host and port of `base_url`."""
    return _origin(base_url) == _origin(url)


def check_next_link(body: Mapping[str, Any], base_url: str, where: str) -> None:
    """Raises ForeignLink when the list in `body` continues on another host. Links are never followed."""
    link = body.get("next")
    if isinstance(link, str) and not same_origin(base_url, urljoin(base_url + "/", link)):
        host = urlsplit(link).hostname
        raise ForeignLink(
            f"The list {where} continues at another host, {host}, where no token is sent: look at the proxies on "
            "the way, "
            "which must keep the controller's own links."
        )


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _is_html(answer: RawAnswer) -> bool:
    return "html" in (answer.headers.get("Content-Type") or "").lower() or answer.body.lstrip()[:1] == b"<"


def _detail(answer: RawAnswer) -> str:
    """What the controller says itself, cut and redacted, with a leading colon; nothing for a web page."""
    if _is_html(answer):
        return ""
    try:
        body = decode(answer.body)
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    text = body.get("detail") or body.get("error_description") or body.get("error") or body
    return f": {redact(str(text))[:_DETAIL_LENGTH]}"


def _failure(answer: RawAnswer, where: str, now: datetime) -> ControllerError:
    status, detail = answer.status, _detail(answer)
    if status == 401:
        return Unauthorized(f"{where} does not accept the token (HTTP 401).")
    if status == 403:
        return PermissionDenied(f"{where} is forbidden{detail}. Give the token's user the role {AUDITOR_ROLE}.")
    if status == 404 and _is_html(answer):
        # The API itself says 404 in JSON. Taking a proxy's page for it would take a job for deleted.
        return HtmlAnswer(
            f"{where} answered HTTP 404 with a web page, not in the controller's own words: check the address, and the "
            "proxies on the way.",
            cause="HTML",
        )
    if status == 404:
        return NotFound(f"{where} does not exist{detail}.")
    if status >= 500 or status in _RETRIED_4XX:
        sent = parse_http_date(answer.headers.get("Date")) or now
        return ServerError(
            f"{where} answered HTTP {status}{detail}: look at the controller's health and load.",
            cause=f"HTTP {status}",
            retry_after=parse_retry_after(answer.headers.get("Retry-After"), sent),
        )
    return BadRequest(f"{where} answered HTTP {status}{detail}.")
