"""What a sync would cost, without storing anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aap_pipeline.raw.window import Window

_ROWS_A_REQUEST = 200


@dataclass(frozen=True)
class DryRun:
    """What a sync would read: the jobs of its window, those of them that are not here yet, requests to the controller.

    Jobs with more than 200 hosts or more than ten labels take some requests more, changed ones among the known too.
    """

    window_from: datetime
    window_to: datetime
    jobs: int
    new_jobs: int
    requests: int


def estimate(window: Window, slices: Sequence[int], stored: int, *, listed: Sequence[int], awaited: int) -> DryRun:
    """The cost of `window`, whose `slices` hold so many jobs each, of which `stored` are here.

    `listed`: sizes of the whole listings; `awaited`: jobs whose host summaries are waited for.
    """
    jobs = sum(slices)
    new = max(jobs - stored, 0)
    pages = sum(map(_requests, slices))
    # The first page brings the count of the window. Where that is cut, each half is counted, and the page asked again.
    cutting = 2 * (len(slices) - 1) + 1 if len(slices) > 1 else int(pages == 0)
    first_pages = sum(1 for size in slices if size)
    pending = pages - first_pages + min(first_pages, new)  # of a first page asked only where it has news
    probe = 1
    listings = sum(max(1, _requests(size)) for size in listed)
    settling = 1 + _requests(awaited) + awaited if awaited else 0
    requests = probe + listings + settling + cutting + pages + pending + new
    return DryRun(window.after, window.until, jobs, new, requests)


def _requests(rows: int) -> int:
    return -(-rows // _ROWS_A_REQUEST)
