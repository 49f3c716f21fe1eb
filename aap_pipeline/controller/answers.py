"""Interpret a response: decoded JSON, or the right type of error with its remedy."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from aap_pipeline.controller import errors
from aap_pipeline.controller.config import DEFAULT_PORTS, Endpoint
from aap_pipeline.controller.redaction import redact, sanitise_url
from aap_pipeline.controller.retry import parse_http_date, parse_retry_after
from aap_pipeline.controller.transport import RawAnswer, decode, decoded_object

AUDITOR_ROLE = "System Auditor (AAP 2.5 and later: Platform Auditor)"
_DETAIL_LENGTH = 300
_TITLE = re.compile(r"<(?:title|h1)\b[^>]*>(.*?)</", re.IGNORECASE | re.DOTALL)
_RETRIED_4XX = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded JSON object, and the headers of the response."""

    body: dict[str, Any] = field(repr=False)
    headers: Mapping[str, str]


def interpret(
    answer: RawAnswer, url: str, now: datetime, decode: Callable[[bytes], Any] = decode, token: str = ""
) -> Answer:
    """Return the decoded response of `url`. Raises a ControllerError without the `token`. Not for redirects.

    `now` is the reference of a Retry-After date if the response has no Date header.
    """
    if not 200 <= answer.status < 300:
        raise _failure(answer, sanitise_url(url), now, token)
    if (body := decoded_object(answer.body, decode)) is not None:
        return Answer(body, answer.headers)
    where = sanitise_url(url)
    if _is_html(answer):
        raise errors.HtmlAnswer(
            f"{where} returned a web page instead of JSON. Check the address, and whether a login or maintenance page "
            "intercepts requests.",
            cause="HTML",
        )
    raise errors.CorruptBody(
        f"The response of {where} is not a complete JSON object. {errors.CHECK_PATH}", cause="bad JSON"
    )


def parse_moment(value: object) -> datetime | None:
    """Parse a controller's time as aware UTC; None if it is not a valid time with a zone."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):  # a leap second; the first or last hours of the calendar
        return None


def redirect_error(answer: RawAnswer, endpoint: Endpoint, target: str, token: str = "") -> errors.ControllerError:
    """Return the error for a redirect: RedirectedElsewhere (other host, port or protocol) or Maintenance.

    It does not quote the `token`.
    """
    base_url = endpoint.base_url
    where = sanitise_url(base_url + target)
    location = answer.headers.get("Location") or ""
    landed = _landing(base_url + target, location) if location else None
    if landed is None:
        return errors.RedirectedElsewhere(
            f"{where} redirects to {_short(location, token)!r}, which is not a valid address. {errors.CHECK_PATH}"
        )
    if _origin(landed) != _origin(urlsplit(base_url)):
        origin = _short(f"{landed.scheme}://{landed.hostname}{f':{landed.port}' if landed.port else ''}", token)
        return errors.RedirectedElsewhere(
            f"{where} redirects to {origin}, to which no token is sent. If that is the controller, run "
            f"{endpoint.update(f'--url {origin}{endpoint.path}')}."
        )
    return errors.Maintenance(
        f"{where} redirects to the page {_short(landed.path, token)}: an upgrade is running, or a login page "
        "intercepts requests. Try again when the controller's web interface works.",
        cause="maintenance",
    )


def check_next_link(body: Mapping[str, Any], where: str) -> None:
    """Raise CorruptBody if the link to the next page is not a valid address. Links are never followed."""
    link = body.get("next")
    if isinstance(link, str) and _landing(where, link) is None:
        raise errors.CorruptBody(
            f"The list {where.partition('?')[0]} continues at an address that is not valid. Check the controller and "
            "the proxies in between."
        )


def _landing(base: str, link: str) -> SplitResult | None:
    """Resolve `link` relative to `base`; None if it is not a valid address."""
    try:
        parts = urlsplit(urljoin(base, link))
        return parts if parts.port != 0 and parts.hostname and parts.scheme in ("http", "https") else None
    except ValueError:  # brackets that are not closed, a port that is not a number
        return None


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)


def _is_html(answer: RawAnswer) -> bool:
    return "html" in (answer.headers.get("Content-Type") or "").lower() or answer.body.lstrip()[:1] == b"<"


def _explanation(answer: RawAnswer, token: str) -> str:
    """Return `detail` or `error` of JSON, the title of a web page, or the text: redacted and cut, to append."""
    text: Any = answer.body.decode(errors="replace")
    if _is_html(answer):
        title = _TITLE.search(text)
        return f" ({_short(unescape(title[1]), token)})" if title else ""
    if (body := decoded_object(answer.body)) is not None:
        text = body.get("detail") or body.get("error_description") or body.get("error") or body
    return f": {_short(str(text), token)}" if text else ""


def _short(text: str, token: str) -> str:
    return redact(" ".join(text.split()), [token]).strip(" .")[:_DETAIL_LENGTH]


def _failure(answer: RawAnswer, where: str, now: datetime, token: str) -> errors.ControllerError:
    status, why = answer.status, _explanation(answer, token)
    what = f"{where} returned HTTP {status}"
    if status == 407:
        return errors.BadRequest(f"{what}{why}. Set user and password of the proxy in HTTP_PROXY.")
    if status >= 500 or status in _RETRIED_4XX:
        pause = parse_retry_after(answer.headers.get("Retry-After"), parse_http_date(answer.headers.get("Date")) or now)
        asked = f" and requests another {pause:.0f} s" if pause else ""
        return errors.ServerError(f"{what}{why}{asked}. {errors.CHECK_PATH}", cause=f"HTTP {status}", retry_after=pause)
    if _is_html(answer):
        # The API reports errors as JSON. A proxy's page must not mark a job as deleted or a token as invalid.
        sentence = f"{what} as a web page{why}, so not from the controller's API. Check the address and the proxies."
        return errors.HtmlAnswer(sentence, cause="HTML") if status == 404 else errors.BadRequest(sentence)
    if status == 401 and token:
        return errors.Unauthorized(f"{where} rejects the token (HTTP 401){why}.")
    if status == 403:
        return errors.PermissionDenied(
            f"{where} is forbidden (HTTP 403){why}. Give the token's user the role {AUDITOR_ROLE}."
        )
    if status == 404:
        return errors.NotFound(f"{where} does not exist (HTTP 404){why}. Check the address.")
    return errors.BadRequest(f"{what}{why}. {errors.CHECK_PATH}")
