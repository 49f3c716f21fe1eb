"""The kinds of values of a setting: each parses JSON or plain text and describes the allowed values."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Generic, TypeVar
from zoneinfo import available_timezones

Value = bool | int | str | Decimal
T = TypeVar("T", bound=Value)


@dataclass(frozen=True)
class Kind(Generic[T]):
    """A kind of value: the `allowed` values, to complete the sentence "It must be …", and its parser.

    `parse` takes decoded JSON or a plain word, and returns None if it is not allowed.
    """

    allowed: str
    parse: Callable[[object], T | None]


@dataclass(frozen=True)
class Option(Generic[T]):
    """A setting: its name in common_settings.type, its default without a row, its kind and its description."""

    name: str
    default: T
    kind: Kind[T]
    description: str


_SWITCH = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


def switch() -> Kind[bool]:
    """true or false."""
    return Kind("true or false", lambda value: _SWITCH.get(str(value).lower()))


def whole(least: int, most: int) -> Kind[int]:
    """A whole number within inclusive bounds."""

    def parse(value: object) -> int | None:
        return value if type(value) is int and least <= value <= most else None

    return Kind(f"a whole number from {least} to {most}", parse)


def decimal(least: Decimal, most: Decimal) -> Kind[Decimal]:
    """A decimal number within inclusive bounds. Money and hours are never floats."""

    def parse(value: object) -> Decimal | None:
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            return None
        try:
            number = Decimal(value)
        except InvalidOperation:
            return None
        return number if number.is_finite() and least <= number <= most else None

    return Kind(f"a number from {least} to {most}", parse)


def choice(*words: str) -> Kind[str]:
    """One of a few words."""
    return Kind(" or ".join(words), lambda value: value if isinstance(value, str) and value in words else None)


def time_zone() -> Kind[str]:
    """The name of a time zone."""

    def parse(value: object) -> str | None:
        return value if isinstance(value, str) and value in available_timezones() else None

    return Kind("a time zone of the IANA database, for example UTC or Europe/Berlin", parse)


def from_text(text: str) -> object:
    """Decode JSON with exact numbers. Text that is not JSON is returned as it is."""
    try:
        found: object = json.loads(text, parse_float=Decimal, parse_constant=str)
    except ValueError:
        return text.strip()
    return found


def to_text(value: Value) -> str:
    """Encode `value` as JSON, as the specification stores it: 1, true, "per_run", 12.50."""
    return str(value) if isinstance(value, Decimal) else json.dumps(value)
