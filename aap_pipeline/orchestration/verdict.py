"""The result of a check, without Dagster, because commands use it and importing Dagster takes a second."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Verdict:
    """The result of a check: whether it passed, a sentence, and figures. `severe`: an error, not a warning."""

    passed: bool
    text: str
    figures: Mapping[str, int | float | str] = field(default_factory=dict)
    severe: bool = False
