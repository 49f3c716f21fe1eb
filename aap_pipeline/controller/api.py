"""The requests of the sync to a controller, by name."""

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
    """Typed requests to one controller. A window is (finished_gt, finished_lte], aware; None leaves a side open.

    Rows are the controller's documents as received, which may lack a valid id (`paging.id_of`). Every call raises
    ControllerError subclasses. An empty list means that the controller has no such rows, never that a request failed.
    """

    def __init__(self, client: ControllerClient) -> None:
        self.client = client

    def jobs_count(
        self, finished_gt: datetime | None = None, finished_lte: datetime | None = None, extra: Params | None = None
    ) -> int:
        """Return the number of finished jobs in the window; `extra` adds filters."""
        return paging.count(self.client, "jobs/", _window(finished_gt, finished_lte, extra))

    def jobs_page(
        self, finished_gt: datetime, finished_lte: datetime, after_id: int, limit: int = PAGE_SIZE
    ) -> tuple[list[Row], int]:
        """Return up to `limit` (at most 200) finished jobs with an id above `after_id`, by id, and their total count.

        The page is the last one only if it holds them all, however short it is. In a window of a few thousand jobs the
        count costs the controller little compared with serializing the rows.
        """
        return paging.counted_page(self.client, "jobs/", _window(finished_gt, finished_lte, None), limit, after_id)

    def jobs_by_ids(self, ids: Sequence[int], *, reported: bool | None = None) -> list[Row]:
        """Return those of the jobs that still exist, by id; one request per 200 ids.

        `reported` True: only jobs whose final stats event is processed, so that all their host summaries exist.
        """
        rows: list[Row] = []
        wanted = sorted(set(ids))
        extra = {} if reported is None else {"host_status_counts__isnull": not reported}
        for start in range(0, len(wanted), _LISTED_IDS):
            chunk = wanted[start : start + _LISTED_IDS]
            rows += paging.whole(self.client, "jobs/", {"id__in": chunk, **extra})
        return [row for row in rows if paging.id_of(row) is not None]

    def newest_finished(self) -> datetime | None:
        """Return when the newest finished job finished (UTC); None if no finished job is visible.

        Raises CorruptBody if that is not a valid time.
        """
        job = self.first_job("-finished")
        finished = None if job is None else parse_moment(job.get("finished"))
        if job is not None and finished is None:
            raise CorruptBody(
                f"The newest job of {self.client.base_url}, id {job.get('id')!r:.20}, has no valid finish time with "
                "a time zone. Check the job in the controller, and the proxies in between."
            )
        return finished

    def oldest_finished(self) -> datetime | None:
        """Return when the oldest job at the controller finished (UTC); None if unknown."""
        job = self.first_job("finished")
        return parse_moment(job.get("finished")) if job else None

    def has_finished_jobs(self) -> bool:
        """Return whether any finished job is visible."""
        return self.first_job("-finished") is not None

    def first_job(self, order: str) -> Row | None:
        """Return the first finished job in that order; None if no finished job is visible."""
        answer = self.client.get(
            "jobs/", {"finished__isnull": False, "order_by": order, "page_size": 1, "count_disabled": 1}
        )
        rows = answer.body.get("results")
        if not isinstance(rows, list) or (rows and not isinstance(rows[0], dict)):
            raise CorruptBody(
                f"The response of {self.client.url_of('jobs/')} is not a list of jobs. Check the address."
            )
        return rows[0] if rows else None

    def pending_job_ids(
        self, finished_gt: datetime, finished_lte: datetime | None = None, after_id: int = 0, upto_id: int | None = None
    ) -> list[int]:
        """Return the ids of finished jobs whose host summaries may still arrive, with `after_id` < id ≤ `upto_id`.

        These are the jobs whose final stats event is not processed, including jobs that will never have one.
        """
        extra: dict[str, Any] = {"host_status_counts__isnull": True, "id__gt": after_id}
        if upto_id is not None:
            extra["id__lte"] = upto_id
        # `whole` compares with the count: a job missing here would be taken for complete.
        rows = paging.whole(self.client, "jobs/", _window(finished_gt, finished_lte, extra))
        return [number for row in rows if (number := paging.id_of(row)) is not None]

    def host_summaries(self, job_id: int) -> list[HostSummary | Row]:
        """Return all host summaries of a job, by id: records if their page is usual, else documents.

        Raises IncompleteAnswer, and NotFound if the job was deleted.
        """
        return paging.whole(self.client, f"jobs/{job_id}/job_host_summaries/", decode=decode_host_summaries)

    def labels(self, job_id: int) -> list[Row]:
        """Return all labels of a job; the job's own document holds at most ten."""
        return paging.whole(self.client, f"jobs/{job_id}/labels/")

    def organizations(self) -> list[Row]:
        """Return all organizations."""
        return paging.whole(self.client, "organizations/")

    def job_templates(self) -> list[Row]:
        """Return all job templates."""
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
