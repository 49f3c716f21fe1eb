"""The kinds of settings: each parses JSON or plain text and describes the allowed values."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Generic, TypeVar
from zoneinfo import available_timezones

Value = bool | int | str | Decimal
T = TypeVar("T", bound=Value)
_SWITCH = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


@dataclass(frozen=True)
class Option(Generic[T]):
    """A setting: its name in common_settings.type, its default without a row, and its description.

    `allowed` completes the sentence "It must be …". `parse` takes decoded JSON or a plain word, and returns None if it
    is not allowed.
    """

    name: str
    default: T
    description: str
    allowed: str
    parse: Callable[[object], T | None]


def switch(name: str, default: bool, description: str) -> Option[bool]:
    """true or false."""
    return Option(name, default, description, "true or false", lambda value: _SWITCH.get(str(value).lower()))


def whole(name: str, default: int, least: int, most: int, description: str) -> Option[int]:
    """A whole number within inclusive bounds."""

    def parse(value: object) -> int | None:
        return value if type(value) is int and least <= value <= most else None

    return Option(name, default, description, f"a whole number from {least} to {most}", parse)


def decimal(name: str, default: Decimal, least: Decimal, most: Decimal, description: str) -> Option[Decimal]:
    """A decimal number within inclusive bounds. Money and hours are never floats."""

    def parse(value: object) -> Decimal | None:
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            return None
        try:
            number = Decimal(value)
        except InvalidOperation:
            return None
        return number if number.is_finite() and least <= number <= most else None

    return Option(name, default, description, f"a number from {least} to {most}", parse)


def choice(name: str, default: str, description: str, *others: str) -> Option[str]:
    """One of a few words."""
    words = {word: word for word in (default, *others)}
    return Option(name, default, description, " or ".join(words), lambda value: words.get(str(value)))


def time_zone(name: str, default: str, description: str) -> Option[str]:
    """The name of a time zone."""

    def parse(value: object) -> str | None:
        return value if isinstance(value, str) and value in available_timezones() else None

    allowed = "a time zone of the IANA database, for example UTC or Europe/Berlin"
    return Option(name, default, description, allowed, parse)


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
