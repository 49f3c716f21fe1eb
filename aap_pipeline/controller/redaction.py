"""Remove secrets (tokens, passwords, extra_vars, artifacts) from texts before they are shown or stored."""

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import parse_qsl, urlsplit, urlunsplit

MASK = "***"
_UNMISTAKABLE = 8

_HIDDEN_NAME = (
    r"[A-Za-z0-9_.\-]*(?:token(?!_type|s_path|_path)|secret|passwo?r?d|passphrase|api_?key|private_?key|ssh_key_data|authorization"
    r"|extra_vars|artifacts|cookie|encryption_keys?)[A-Za-z0-9_.\-]*"
)
# A name, optionally in (escaped) quotes, then : or =, then its value.
_NAMED = re.compile(rf"""(?P<name>{_HIDDEN_NAME})(?:\\*["'])?\s*(?P<mark>[:=])\s*""", re.IGNORECASE)
_QUOTE_OR_BRACKET = re.compile(r"""b?\\*["']|[{\[(]""")
_SCHEME = re.compile(r"\b(Bearer|Basic)(\s+)(?!realm\b|error\b)[^\s\"',;\\]+", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/\s\"'@?#]+@")
_BARE_END = re.compile(r"[\s,;&}\])\"'<>]")
_JSON = json.JSONDecoder()

# Query values that cannot be secrets; every other value is masked.
_PLAIN_QUERY = re.compile(
    r"^(?:(?:not|or)__)?(?:page|page_size|order_by|count_disabled|id|finished|created|modified|status|job__id"
    r"|host_status_counts)(?:__(?:gt|gte|lt|lte|in|isnull|exact))?$"
)


def redact(text: str, known: Iterable[str] = ()) -> str:
    """Replace every secret in `text` by ***.

    Finds values by their names (JSON, repr, query strings, headers, also inside escaped JSON), Bearer and Basic
    credentials, user information in URLs, and the `known` secret values in any case, because host names are lowercased.
    A value in quotes or brackets that is not JSON (a repr, a truncated text) masks the rest.
    """
    for value in filter(None, known):
        exact = re.escape(value)
        if len(value) < _UNMISTAKABLE:  # as a whole word: a token "tok" must not turn every "token" into "***en"
            exact = rf"(?<!\w){exact}(?!\w)"
        text = re.sub(exact, MASK, text, flags=re.IGNORECASE)
    text = _USERINFO.sub(f"{MASK}@", text)
    text = _SCHEME.sub(rf"\1\2{MASK}", text)
    pieces: list[str] = []
    position = 0
    while (found := _NAMED.search(text, position)) is not None:
        end = _end_of_value(text, found.end(), found["name"].lower())
        pieces.append(text[position : found.end()])
        if end > found.end():
            pieces.append(MASK)
        position = end
    pieces.append(text[position:])
    return "".join(pieces)


def sanitise_url(url: str) -> str:
    """Return `url` without user information and fragment, and with query values masked unless they are known safe."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = "&".join(
        f"{name}={value if _PLAIN_QUERY.match(name) else MASK}" for name, value in parse_qsl(parts.query, True)
    )
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def _end_of_value(text: str, start: int, name: str) -> int:
    """Return the end of the value at `start`: JSON as it is, a bare word, else (reprs, escaped JSON) all the rest."""
    if text[start : start + 1] in ('"', "{", "["):
        with suppress(ValueError, RecursionError):  # cut off, or not JSON
            return _JSON.raw_decode(text, start)[1]
    if _QUOTE_OR_BRACKET.match(text, start):
        return len(text)
    if "authorization" in name or "cookie" in name or "extra_vars" in name or "artifacts" in name:
        newline = text.find("\n", start)
        return len(text) if newline < 0 else newline
    end = _BARE_END.search(text, start)
    return len(text) if end is None else end.start()
