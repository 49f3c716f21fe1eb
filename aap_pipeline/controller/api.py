"""What the sync asks a controller for, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from aap_pipeline.controller import paging
from aap_pipeline.controller.answers import parse_moment
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.errors import CorruptBody
from aap_pipeline.controller.host_summaries import HostSummary, decode_host_summaries
from aap_pipeline.controller.paging import PAGE_SIZE, Row
from aap_pipeline.controller.query import Params

_LISTED_IDS = 200  # ids in one id__in: 2 kB of URL at most


class ControllerApi:
    """Typed questions to one controller. A window is (finished_gt, finished_lte], aware; None leaves a side open.

    Rows are the controller's documents as received, which may lack a valid id (`paging.id_of`). Every call raises
    ControllerError subclasses; an empty list means that the controller was asked and has none.
    """

    def __init__(self, client: ControllerClient) -> None:
        self.client = client

    def jobs_count(
        self, finished_gt: datetime | None = None, finished_lte: datetime | None = None, extra: Params | None = None
    ) -> int:
        """How many finished jobs the window holds; `extra` adds filters."""
        return paging.count(self.client, "jobs/", _window(finished_gt, finished_lte, extra))

    def jobs_page(
        self, finished_gt: datetime, finished_lte: datetime, after_id: int, limit: int = PAGE_SIZE
    ) -> tuple[list[Row], int]:
        """Up to `limit` (at most 200) finished jobs with an id above `after_id`, by id, and how many such jobs the
        controller counts: the page is the last one when it holds them all, however short it is.

        Within a window of some thousand jobs the count costs the controller little, beside serialising the rows.
        """
        return paging.counted_page(self.client, "jobs/", _window(finished_gt, finished_lte, None), limit, after_id)

    def jobs_by_ids(self, ids: Sequence[int], *, reported: bool | None = None) -> list[Row]:
        """Those of the jobs that still exist, by id; one request for each 200 ids.

        `reported` True: only those whose final stats event is processed, so that their host summaries are all there.
        """
        rows: list[Row] = []
        wanted = sorted(set(ids))
        extra = {} if reported is None else {"host_status_counts__isnull": not reported}
        for start in range(0, len(wanted), _LISTED_IDS):
            chunk = wanted[start : start + _LISTED_IDS]
            rows += paging.whole(self.client, "jobs/", {"id__in": chunk, **extra})
        return [row for row in rows if paging.id_of(row) is not None]

    def newest_finished(self) -> datetime | None:
        """When the newest finished job finished, UTC; None when no finished job is visible.

        Raises CorruptBody where that is not a valid time.
        """
        job = self.first_job("-finished")
        finished = None if job is None else parse_moment(job.get("finished"))
        if job is not None and finished is None:
            raise CorruptBody(
                f"The newest job of {self.client.base_url}, id {job.get('id')!r:.20}, has no valid finish time with "
                "a time zone: look at it in the controller, and at the proxies on the way."
            )
        return finished

    def oldest_finished(self) -> datetime | None:
        """When the oldest job that the controller still has finished, UTC; None when that is not known."""
        job = self.first_job("finished")
        return parse_moment(job.get("finished")) if job else None

    def has_finished_jobs(self) -> bool:
        """Whether any finished job is visible."""
        return self.first_job("-finished") is not None

    def first_job(self, order: str) -> Row | None:
        """The first finished job in that order; None when no finished job is visible."""
        answer = self.client.get(
            "jobs/", {"finished__isnull": False, "order_by": order, "page_size": 1, "count_disabled": 1}
        )
        rows = answer.body.get("results")
        if not isinstance(rows, list) or (rows and not isinstance(rows[0], dict)):
            raise CorruptBody(f"The answer of {self.client.url_of('jobs/')} is not a list of jobs: check the address.")
        return rows[0] if rows else None

    def pending_job_ids(
        self, finished_gt: datetime, finished_lte: datetime | None = None, after_id: int = 0, upto_id: int | None = None
    ) -> list[int]:
        """Finished jobs whose host summaries may still arrive, with `after_id` < id ≤ `upto_id`, ascending.

        These are the jobs whose final stats event is not processed; it stays so for ever for jobs that never had one.
        """
        extra: dict[str, Any] = {"host_status_counts__isnull": True, "id__gt": after_id}
        if upto_id is not None:
            extra["id__lte"] = upto_id
        # Held against the count: a row left out here would be a job taken for complete.
        rows = paging.whole(self.client, "jobs/", _window(finished_gt, finished_lte, extra))
        return [number for row in rows if (number := paging.id_of(row)) is not None]

    def host_summaries(self, job_id: int) -> list[HostSummary | Row]:
        """All host summaries of a job, by id: records where their page is usual, else documents.

        Raises IncompleteAnswer, and NotFound when the job was deleted.
        """
        return paging.whole(self.client, f"jobs/{job_id}/job_host_summaries/", decode=decode_host_summaries)

    def labels(self, job_id: int) -> list[Row]:
        """All labels of a job; the job's own document holds ten at most."""
        return paging.whole(self.client, f"jobs/{job_id}/labels/")

    def organizations(self) -> list[Row]:
        """All organizations."""
        return paging.whole(self.client, "organizations/")

    def job_templates(self) -> list[Row]:
        """All job templates."""
        return paging.whole(self.client, "job_templates/")


def _window(finished_gt: datetime | None, finished_lte: datetime | None, extra: Params | None) -> Mapping[str, Any]:
    params: dict[str, Any] = {}
    if finished_gt is not None:
        params["finished__gt"] = finished_gt
    if finished_lte is not None:
        params["finished__lte"] = finished_lte
    if not params:
        params["finished__isnull"] = False
    return {**params, **(extra or {})}
