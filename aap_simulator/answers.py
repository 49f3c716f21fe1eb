"""Responses as (status, headers, body): constant ones, and the headers of a controller."""

from dataclasses import dataclass
from email.utils import format_datetime
from itertools import count
from typing import Any

import orjson

from aap_simulator.clock import Clock
from aap_simulator.cost import OBJECT, Cost
from aap_simulator.products import Product

Headers = list[tuple[bytes, bytes]]
JSON = b"application/json"
HTML = b"text/html; charset=utf-8"
NOT_AUTHENTICATED = {
    "detail": "Authentication credentials were not provided. To establish a login session, visit /api/login/."
}
FORBIDDEN = {"detail": "You do not have permission to perform this action."}
NO_SUCH_URL = {"detail": "The requested resource could not be found."}
NOT_FOUND = {"detail": "Not found."}
SERVER_ERROR = {"detail": "A server error has occurred."}
INVALID_PAGE = {"detail": "Invalid page."}
HTML_404 = (
    '\n<!doctype html>\n<html lang="en">\n<head>\n  <title>Not Found</title>\n</head>\n<body>\n  <h1>Not Found</h1>'
    "<p>The requested resource was not found on this server.</p>\n</body>\n</html>\n"
)
HTML_MAINTENANCE = (
    "<!doctype html>\n<html><head><title>Upgrading</title></head>"
    "<body><h1>The controller is being upgraded.</h1></body></html>\n"
)


@dataclass(slots=True)
class Answer:
    """What is sent; `known_url` adds the headers of the controller's own views, `authenticated` the version as well.

    `cost` is what a real controller would pay for it.
    """

    status: int
    body: bytes
    content_type: bytes = JSON
    extra: Headers | None = None
    known_url: bool = True
    authenticated: bool = True
    allow: bytes = b"GET, HEAD, OPTIONS"
    vary: bytes = b"Accept, Accept-Language, origin"
    verbatim: Headers | None = None
    cost: Cost = OBJECT


def json_answer(status: int, body: Any, **kwargs: Any) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, orjson.dumps(body), **kwargs)


def html_answer(status: int, text: str, **kwargs: Any) -> Answer:
    """An answer with an HTML page, from something in front of the controller."""
    return Answer(status, text.encode(), HTML, known_url=False, vary=b"Accept-Language, origin", **kwargs)


class HeaderWriter:
    """Writes an answer's headers, the constant ones prepared and `Date` kept for its second."""

    def __init__(self, product: Product, clock: Clock) -> None:
        self._clock = clock
        self._ids = count(0xB2CF5BD56947420889CF97068F985C60)
        self._second: int | None = None
        self._date = b""
        name, node = product.product_name.encode(), product.node.encode()
        self._known: Headers = [
            (b"x-api-product-name", name),
            (b"x-api-node", node),
            (b"x-api-time", b"0.006s"),
        ]
        self._version = (b"x-api-product-version", product.controller_version.encode())

    def date(self) -> bytes:
        """The controller's clock as an HTTP date."""
        now = self._clock.now()
        second = int(now.timestamp())
        if second != self._second:
            self._second, self._date = second, format_datetime(now, usegmt=True).encode()
        return self._date

    def write(self, answer: Answer) -> Headers:
        """All headers of an answer but `content-length`."""
        headers: Headers = [(b"date", self.date())]
        if answer.verbatim is not None:
            return headers + answer.verbatim
        headers += ((b"content-type", answer.content_type), (b"vary", answer.vary))
        if answer.known_url:
            headers += ((b"allow", answer.allow), *self._known)
            if answer.authenticated:
                headers.append(self._version)
        headers += (
            (b"content-language", b"en"),
            (b"x-api-total-time", b"0.011s"),
            (b"x-api-request-id", b"%032x" % next(self._ids)),
            (b"access-control-expose-headers", b"X-API-Request-Id"),
        )
        return headers + answer.extra if answer.extra else headers
