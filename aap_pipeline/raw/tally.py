"""The counters of a sweep and the report of a sync, for progress, log and metadata."""

from dataclasses import dataclass
from datetime import datetime


@dataclass
class Tally:
    """The counters of a sweep, in jobs except for slices and host summaries.

    Of the counted jobs, `jobs_seen` were listed in finished slices; `jobs_known` were unchanged; `jobs_stored` were
    written, with those awaited from earlier syncs; `vanished` were deleted at the controller before they were read.
    """

    jobs_counted: int = 0
    expected: int = 0
    """Estimated number of jobs of a long window."""
    slices: int = 0
    jobs_seen: int = 0
    jobs_stored: int = 0
    jobs_known: int = 0
    jobs_provisional: int = 0
    vanished: int = 0
    host_summaries: int = 0
    newest_finished: datetime | None = None
    paused: bool = False
    """Whether it paused before the end of its window."""

    @property
    def total(self) -> int:
        """Return the number of jobs in the window, counted or estimated."""
        return max(self.jobs_counted, self.expected)

    @property
    def done(self) -> int:
        return self.jobs_known + self.jobs_stored + self.vanished


@dataclass(kw_only=True)
class SyncReport(Tally):
    """The figures of a sync, as in `pipeline.sync_run`. Times are UTC; `seconds` and `lag` are in seconds."""

    window_from: datetime
    window_to: datetime
    requests: int
    retries: dict[str, int]
    bytes: int
    seconds: float
    controller_seconds: float
    share_held_back: float
    lag_seconds: float | None
    warnings: tuple[str, ...] = ()
    """Sentences for the operator about a sync that succeeded."""
