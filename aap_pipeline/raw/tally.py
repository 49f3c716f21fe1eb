"""The counters of a sweep, for progress, log and metadata."""

from dataclasses import dataclass
from datetime import datetime


@dataclass
class Tally:
    """The counters of a sweep, in jobs except for slices and host summaries.

    Of the `counted` jobs, `seen` were listed in finished slices; `known` were unchanged; `stored` were written (with
    those awaited from earlier syncs); `vanished` were deleted at the controller before they could be read.
    """

    counted: int = 0
    expected: int = 0
    """Estimated number of jobs of a long window."""
    slices: int = 0
    seen: int = 0
    stored: int = 0
    known: int = 0
    provisional: int = 0
    vanished: int = 0
    host_summaries: int = 0
    newest: datetime | None = None
    paused: bool = False
    """Whether it paused before the end of its window."""

    @property
    def total(self) -> int:
        """Return the number of jobs in the window, counted or estimated."""
        return max(self.counted, self.expected)

    @property
    def done(self) -> int:
        return self.known + self.stored + self.vanished
