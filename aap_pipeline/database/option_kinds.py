"""The kinds of values of a setting: each parses JSON or plain text and describes the allowed values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo, available_timezones

Value = bool | int | str | Decimal
T = TypeVar("T", bound=Value)
T_co = TypeVar("T_co", bound=Value, covariant=True)


class Kind(Protocol[T_co]):
    """A kind of value."""

    @property
    def allowed(self) -> str:
        """The allowed values, to complete the sentence "It must be …"."""
        ...

    def parse(self, value: object) -> T_co | None:
        """Return the value from decoded JSON or a plain word; None if it is not allowed."""
        ...


@dataclass(frozen=True)
class Switch:
    """true or false."""

    allowed: str = "true or false"

    def parse(self, value: object) -> bool | None:
        """See Kind."""
        words = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
        if isinstance(value, bool):
            return value
        return words.get(value.lower()) if isinstance(value, str) else None


@dataclass(frozen=True)
class Whole:
    """A whole number within inclusive bounds."""

    least: int
    most: int

    @property
    def allowed(self) -> str:
        """See Kind."""
        return f"a whole number from {self.least} to {self.most}"

    def parse(self, value: object) -> int | None:
        """See Kind."""
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        return value if self.least <= value <= self.most else None


@dataclass(frozen=True)
class Number:
    """A decimal number within inclusive bounds. Money and hours are never floats."""

    least: Decimal
    most: Decimal

    @property
    def allowed(self) -> str:
        """See Kind."""
        return f"a number from {self.least} to {self.most}"

    def parse(self, value: object) -> Decimal | None:
        """See Kind."""
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            return None
        try:
            number = Decimal(value)
        except InvalidOperation:
            return None
        return number if number.is_finite() and self.least <= number <= self.most else None


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """See Kind."""
        return " or ".join(self.words)

    def parse(self, value: object) -> str | None:
        """See Kind."""
        return value if isinstance(value, str) and value in self.words else None


@dataclass(frozen=True)
class TimeZone:
    """The name of a time zone."""

    allowed: str = "a time zone of the IANA database, for example UTC or Europe/Berlin"

    def parse(self, value: object) -> str | None:
        """See Kind."""
        return ZoneInfo(value).key if isinstance(value, str) and value in available_timezones() else None


@dataclass(frozen=True)
class Option(Generic[T]):
    """A setting: its name in common_settings.type, its default without a row, its kind and its description."""

    name: str
    default: T
    kind: Kind[T]
    description: str


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
