"""What a sweep has done: the figures behind progress, book-keeping and metadata."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass
class Tally:
    """What a sweep has done so far, in jobs but for slices and host summaries.

    Of the `counted` jobs, `seen` were listed in finished slices; `known` needed nothing, `stored` were written (with
    those awaited from earlier syncs), `vanished` were deleted at the controller before they could be read.
    """

    counted: int = 0
    expected: int = 0
    """About how many a long window holds, as estimated beforehand."""
    slices: int = 0
    seen: int = 0
    stored: int = 0
    known: int = 0
    provisional: int = 0
    vanished: int = 0
    host_summaries: int = 0
    newest: datetime | None = None
    paused: bool = False
    """Whether it stopped before the end of its window, because it was asked to."""

    @property
    def total(self) -> int:
        """Jobs of the window, as far as is known."""
        return max(self.counted, self.expected)

    @property
    def done(self) -> int:
        """Jobs that need nothing more."""
        return self.known + self.stored + self.vanished
