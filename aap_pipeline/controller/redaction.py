"""Remove secrets (tokens, passwords, extra_vars, artifacts) from texts before they are shown or stored."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit, urlunsplit

MASK = "***"
_UNMISTAKABLE = 8

_HIDDEN_NAME = (
    r"[A-Za-z0-9_.\-]*(?:token(?!_type|s_path|_path)|secret|passwo?r?d|passphrase|api_?key|private_?key|ssh_key_data|authorization"
    r"|extra_vars|artifacts|cookie|encryption_keys?)[A-Za-z0-9_.\-]*"
)
# A name, optionally in (escaped) quotes, then : or =, then its value.
_NAMED = re.compile(rf"""(?P<name>{_HIDDEN_NAME})(?:\\*["'])?\s*(?P<mark>[:=])\s*""", re.IGNORECASE)
_OPENING_QUOTE = re.compile(r"""b?(\\*)(["'])""")
_SCHEME = re.compile(r"\b(Bearer|Basic)(\s+)(?!realm\b|error\b)[^\s\"',;\\]+", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/\s\"'@?#]+@")
_BARE_END = re.compile(r"[\s,;&}\])\"'<>]")
_CLOSING = {"{": "}", "[": "]", "(": ")"}

# Query values that cannot be secrets; every other value is masked.
_PLAIN_QUERY = re.compile(
    r"^(?:(?:not|or)__)?(?:page|page_size|order_by|count_disabled|id|finished|created|modified|status|job__id"
    r"|host_status_counts)(?:__(?:gt|gte|lt|lte|in|isnull|exact))?$"
)


def redact(text: str, known: Iterable[str] = ()) -> str:
    """Replace every secret in `text` by ***.

    Finds values by their names (JSON, repr, query strings, headers, also inside escaped JSON), Bearer and Basic
    credentials, user information in URLs, and the `known` secret values in any case, because host names are lowercased.
    An opening quote that is never closed (a truncated text) masks the rest.
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
    quote = _OPENING_QUOTE.match(text, start)
    if quote is not None:
        return _end_of_string(text, quote.end(), len(quote[1]), quote[2])
    if start < len(text) and text[start] in _CLOSING:
        return _end_of_group(text, start)
    if "authorization" in name or "cookie" in name or "extra_vars" in name or "artifacts" in name:
        newline = text.find("\n", start)
        return len(text) if newline < 0 else newline
    end = _BARE_END.search(text, start)
    return len(text) if end is None else end.start()


def _end_of_string(text: str, start: int, depth: int, quote: str) -> int:
    """Return the index of the closing quote of a string whose quotes have `depth` backslashes."""
    for found in re.finditer(rf"(\\*){quote}", text[start:]):
        slashes = len(found[1])
        if (depth == 0 and slashes % 2 == 0) or (depth > 0 and slashes <= depth):
            return start + found.end() - 1 - (slashes if depth else 0)
    return len(text)


def _end_of_group(text: str, start: int) -> int:
    """Return the index after the bracket that closes the one at `start`, ignoring brackets in strings."""
    expected: list[str] = []
    position = start
    while position < len(text):
        character = text[position]
        if character in _CLOSING:
            expected.append(_CLOSING[character])
        elif expected and character == expected[-1]:
            expected.pop()
            if not expected:
                return position + 1
        elif (quote := _OPENING_QUOTE.match(text, position)) is not None:
            position = _end_of_string(text, quote.end(), len(quote[1]), quote[2])
            position += len(_OPENING_QUOTE.match(text, position)[0]) if position < len(text) else 0  # type: ignore[index]
            continue
        position += 1
    return len(text)
