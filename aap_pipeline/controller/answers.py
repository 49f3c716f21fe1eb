"""What an answer means: JSON that can be used, or an error with its right type, place and remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from aap_pipeline.controller.config import Endpoint
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
_TITLE = re.compile(r"<(?:title|h1)\b[^>]*>(.*?)</", re.IGNORECASE | re.DOTALL)
_RETRIED_4XX = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded JSON object, the bytes it came in (decompressed) and its headers."""

    body: dict[str, Any] = field(repr=False)
    raw: bytes = field(repr=False)
    headers: Mapping[str, str]


def interpret(answer: RawAnswer, url: str, now: datetime, decode: Decode = decode, token: str = "") -> Answer:
    """The usable answer to `url` in `answer`, as `decode` reads it; `token` was sent, and is not repeated.

    Raises the ControllerError that fits (not for redirects).

    `now` serves to read a Retry-After date when the answer has no Date of its own.
    """
    if not 200 <= answer.status < 300:
        raise _failure(answer, sanitise_url(url), now, token)
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


def parse_moment(value: object) -> datetime | None:
    """A time of the controller's, as aware UTC; None for what is not a valid time with a zone."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):  # a leap second; the first or last hours of the calendar
        return None


def redirect_target(answer: RawAnswer, endpoint: Endpoint, target: str, token: str = "") -> str:
    """Where to ask again after a redirect: only the same path with its missing slash, on the same host.

    `token` was sent, and is not repeated.

    Raises RedirectedElsewhere (other host, port or protocol) and Maintenance (any other path).
    """
    base_url = endpoint.base_url
    where = sanitise_url(base_url + target)
    location = answer.headers.get("Location")
    if not location:
        raise BadRequest(f"{where} answered HTTP {answer.status} without a Location: look at the proxies on the way.")
    path, _, query = target.partition("?")
    landed = _landing(base_url + target, location)
    if landed is None:
        raise RedirectedElsewhere(
            f"{where} redirects to what is not a valid address, {_short(location, token)!r}: look at the proxies on "
            "the way."
        )
    if _origin(landed) != _origin(urlsplit(base_url)):
        origin = _short(f"{landed.scheme}://{landed.hostname}{f':{landed.port}' if landed.port else ''}", token)
        raise RedirectedElsewhere(
            f"{where} redirects to {origin}, where no token is sent: if that is the controller, use it with "
            f"{endpoint.update(f'--url {origin}{endpoint.path}')}."
        )
    if landed.path == urlsplit(base_url + path).path + "/":
        return f"{path}/?{query}" if query else f"{path}/"
    raise Maintenance(
        f"{where} redirects to the page {_short(landed.path, token)}: the controller is being upgraded, or a log-in "
        "page stands in front of it. Try again when its web interface works.",
        cause="maintenance",
    )


def check_next_link(body: Mapping[str, Any], base_url: str, target: str, token: str = "") -> None:
    """Raises ForeignLink when the list in `body` continues on another host. Links are never followed.

    `token` was sent for `target`, and is not repeated.
    """
    link = body.get("next")
    if not isinstance(link, str):
        return
    landed = _landing(base_url + "/", link)
    if landed is None or _origin(landed) != _origin(urlsplit(base_url)):
        host = f"another host, {_short(str(landed.hostname), token)}" if landed else "what is not a valid address"
        where = (base_url + target).partition("?")[0]
        raise ForeignLink(
            f"The list {where} continues at {host}, where no token is sent: look at the proxies on the way, which must "
            "keep the controller's own links."
        )


def _landing(base: str, link: str) -> SplitResult | None:
    """Where `link` leads from `base`; None where that is not a valid address."""
    try:
        parts = urlsplit(urljoin(base, link))
        return parts if parts.port != 0 else None
    except ValueError:  # brackets that are not closed, a port that is not a number
        return None


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _is_html(answer: RawAnswer) -> bool:
    return "html" in (answer.headers.get("Content-Type") or "").lower() or answer.body.lstrip()[:1] == b"<"


def _explanation(answer: RawAnswer, token: str) -> str:
    """What the answer says of itself, cut and redacted, with what joins it to a sentence; empty where that is nothing.

    This is `detail` or `error` of JSON, the title of a web page, or the text.
    """
    text = answer.body.decode(errors="replace")
    if _is_html(answer):
        title = _TITLE.search(text)
        return f" ({_short(unescape(title[1]), token)})" if title else ""
    try:
        body = decode(answer.body)
    except ValueError:
        body = text
    if isinstance(body, dict):
        body = body.get("detail") or body.get("error_description") or body.get("error") or body
    return f": {_short(str(body), token)}" if body else ""


def _short(text: str, token: str) -> str:
    return redact(" ".join(text.split()), [token]).strip(" .")[:_DETAIL_LENGTH]


def _failure(answer: RawAnswer, where: str, now: datetime, token: str) -> ControllerError:
    """The error that an answer other than 2xx means."""
    status, why = answer.status, _explanation(answer, token)
    what = f"{where} answered HTTP {status}"
    if status == 407:
        return BadRequest(f"{what}{why}: set user and password of the proxy in HTTP_PROXY.")
    if status >= 500 or status in _RETRIED_4XX:
        sent = parse_http_date(answer.headers.get("Date")) or now
        return ServerError(
            f"{what}{why}: look at the load of the controller and at the proxies on the way.",
            cause=f"HTTP {status}",
            retry_after=parse_retry_after(answer.headers.get("Retry-After"), sent),
        )
    if _is_html(answer):
        # The API explains itself in JSON. A proxy's page must not make a job a deleted one, or a token a bad one.
        sentence = (
            f"{what} with a web page{why}, not in the controller's own words: check the address, and the "
            "proxies on the way."
        )
        return HtmlAnswer(sentence, cause="HTML") if status == 404 else BadRequest(sentence)
    if status == 401 and not token:
        return BadRequest(
            f"{what} to a request that needs no token{why}: look at the proxies on the way, one of which "
            "may want a log-in of its own."
        )
    if status == 401:
        return Unauthorized(f"{where} does not accept the token (HTTP 401){why}.")
    if status == 403:
        return PermissionDenied(f"{where} is forbidden (HTTP 403){why}. Give the token's user the role {AUDITOR_ROLE}.")
    if status == 404:
        return NotFound(f"{where} does not exist (HTTP 404){why}.")
    return BadRequest(f"{what}{why}.")
