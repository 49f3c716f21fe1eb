"""Query strings in the controller's format."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

ParameterValue = str | int | bool | datetime | Iterable[int]
Params = Mapping[str, ParameterValue]


def with_query(path: str, params: Params | None) -> str:
    if not params:
        return path
    query = urlencode({name: _text(value) for name, value in params.items()}, safe=",:", quote_via=quote)
    return f"{path}{'&' if '?' in path else '?'}{query}"


def _text(value: ParameterValue) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone")
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # an unescaped +00:00 is rejected
    return ",".join(str(number) for number in value)
