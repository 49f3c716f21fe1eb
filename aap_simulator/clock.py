"""The controller's clock: UTC, with a skew that tests set, and frozen when they want it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime: the exact integer that indexes are sorted by."""
    return (moment - EPOCH) // MICROSECOND


def wire(moment: datetime) -> str:
    """A UTC datetime as the controller writes it: microseconds and `Z`, no fraction when it is zero."""
    return moment.isoformat()[:-6] + "Z"


def parse(text: str) -> datetime:
    """The aware datetime of a `wire` string."""
    return datetime.fromisoformat(text)


class Clock:
    """The controller's time: the machine's or a frozen one, plus `skew`."""

    def __init__(self, source: Callable[[], datetime] | None = None) -> None:
        self._source = source or (lambda: datetime.now(UTC))
        self.skew = timedelta(0)

    def now(self) -> datetime:
        """The controller's time, aware, UTC."""
        return self._source() + self.skew

    def freeze(self, moment: datetime) -> None:
        """Stop the clock at `moment` (aware) until `advance` or the next `freeze`."""
        self._source = lambda: moment

    def advance(self, by: timedelta) -> None:
        """Freeze at the present time plus `by`."""
        self.freeze(self._source() + by)
