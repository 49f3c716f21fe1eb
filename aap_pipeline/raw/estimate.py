"""Estimate the cost of a sync."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aap_pipeline.raw.window import Window

_ROWS_A_REQUEST = 200


@dataclass(frozen=True)
class DryRun:
    """What a sync would read: the jobs of its window, the new ones among them, and requests to the controller.

    Jobs with more than 200 hosts or ten labels, and changed jobs, need additional requests.
    """

    window_from: datetime
    window_to: datetime
    jobs: int
    new_jobs: int
    requests: int


def estimate(window: Window, slices: Sequence[int], stored: int, *, listed: Sequence[int], awaited: int) -> DryRun:
    """Return the cost of `window`. `slices`: jobs per slice; `stored`: jobs already stored.

    `listed`: sizes of the whole listings; `awaited`: jobs whose host summaries are awaited.
    """
    jobs = sum(slices)
    new = max(jobs - stored, 0)
    pages = sum(map(_requests, slices))
    # The first page includes the window's count. If the window is split, each half is counted and the page read again.
    cutting = 2 * (len(slices) - 1) + 1 if len(slices) > 1 else int(pages == 0)
    first_pages = sum(1 for size in slices if size)
    pending = pages - first_pages + min(first_pages, new)  # for a first page only if it has new jobs
    probe = 1
    listings = sum(max(1, _requests(size)) for size in listed)
    settling = 1 + _requests(awaited) + awaited if awaited else 0
    requests = probe + listings + settling + cutting + pages + pending + new
    return DryRun(window.after, window.until, jobs, new, requests)


def _requests(rows: int) -> int:
    return -(-rows // _ROWS_A_REQUEST)
