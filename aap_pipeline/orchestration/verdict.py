"""What a check found, without Dagster: commands read it too, and importing Dagster takes a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Figure = int | float | str


@dataclass(frozen=True)
class Verdict:
    """What a check found: whether it holds, a sentence for a person, and figures. `severe`: an error, not a warning."""

    passed: bool
    text: str
    figures: Mapping[str, Figure] = field(default_factory=dict)
    severe: bool = False
