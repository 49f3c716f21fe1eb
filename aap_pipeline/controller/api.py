"""The requests of the sync to a controller, by name."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from aap_pipeline.controller import paging
from aap_pipeline.controller.answers import parse_moment
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.errors import CorruptBody
from aap_pipeline.controller.host_summaries import HostSummaryRow
from aap_pipeline.controller.paging import MAX_ID, PAGE_SIZE, Row
from aap_pipeline.controller.query import Params

FINISHED = "successful,failed,error,canceled"
"""The statuses of finished jobs. A later version may have more: jobs are read by date, and only estimated by status."""
_ENDED = {"not__status__in": "new,pending,waiting,running"}
"""The filter of finished jobs with a range of ids. Includes statuses of later versions."""
_SAMPLED_JOBS = 10
_LISTED_IDS = 200  # ids in one id__in: 2 kB of URL at most


_STEPS = 12
_Finish = tuple[int, datetime | None]


class Extent(NamedTuple):
    """A range of ids, `after_id` < id ≤ `upto_id`, with the number of finished jobs in it."""

    after_id: int
    upto_id: int
    jobs: int


class ControllerApi:
    """Typed requests to one controller. A window is (finished_gt, finished_lte], aware; None leaves a side open.

    Rows are the controller's documents as received, which may lack a valid id (`paging.id_of`). Every call raises
    ControllerError subclasses. An empty list means that the controller has no such rows, never that a request failed.
    """

    def __init__(self, client: ControllerClient) -> None:
        self.client = client

    def jobs_count(self, finished_gt: datetime | None = None, finished_lte: datetime | None = None) -> int:
        """Return the number of finished jobs in the window."""
        return paging.count(self.client, "jobs/", _window(finished_gt, finished_lte))

    def jobs_page(
        self, finished_gt: datetime | None, finished_lte: datetime | None, after_id: int = 0, limit: int = PAGE_SIZE
    ) -> tuple[list[Row], int]:
        """Return up to `limit` (at most 200) finished jobs with an id above `after_id`, by id, and their total count.

        In a window of some hundred jobs, the count costs the controller little compared with serializing the rows.
        """
        return paging.counted_page(self.client, "jobs/", _window(finished_gt, finished_lte), limit, after_id)

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

    def newest_finished(self, after: datetime | None = None) -> datetime | None:
        """Return when the newest job that finished later than `after` finished, UTC; None if no such job is visible.

        Raises CorruptBody if that is not a valid time.
        """
        job = self.first_job("-finished", after)
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

    def first_job(self, order: str, after: datetime | None = None, **filters: Any) -> Row | None:
        """Return the first job, in that order, that finished later than `after`; None if none is visible.

        Without `after`, the controller uses an index. With it, the controller sorts all jobs that finished since.
        """
        asked = {**_window(after, None), **filters, "order_by": order, "page_size": 1, "count_disabled": 1}
        answer = self.client.get("jobs/", asked)
        rows = answer.body.get("results")
        if not isinstance(rows, list) or (rows and not isinstance(rows[0], dict)):
            raise CorruptBody(
                f"The response of {self.client.url_of('jobs/')} is not a list of jobs. Check the address."
            )
        return rows[0] if rows else None

    def pending_job_ids(
        self, finished_gt: datetime, finished_lte: datetime | None = None, after_id: int = 0, upto_id: int = MAX_ID
    ) -> list[int]:
        """Return the ids of finished jobs whose host summaries may still arrive, with `after_id` < id ≤ `upto_id`.

        These are the jobs whose final stats event is not processed, including jobs that will never have one.
        """
        asked = {**_window(finished_gt, finished_lte), "host_status_counts__isnull": True, "id__lte": upto_id}
        # `whole` compares with the count: a job missing here would be taken for complete.
        return paging.ids_of(paging.whole(self.client, "jobs/", asked, after_id))

    def host_summaries(self, job_id: int) -> list[HostSummaryRow | Row]:
        """Return all host summaries of a job, by id: records if their page is usual, else documents.

        Raises IncompleteAnswer, and NotFound if the job was deleted.
        """
        return paging.whole(self.client, f"jobs/{job_id}/job_host_summaries/")

    def labels(self, job_id: int) -> list[Row]:
        """Return all labels of a job; the job's own document holds at most ten."""
        return paging.whole(self.client, f"jobs/{job_id}/labels/")

    def extent(self, after: datetime, until: datetime) -> Extent:
        """Estimate the number of finished jobs in a long window, and their range of ids. Counting by id is cheap."""
        ids = self.ids_near((after, until), (until - after) / 100)
        if not ids:
            return Extent(0, 0, 0)
        after_id, upto_id = ids
        return Extent(after_id, upto_id, self.finished_count(after_id, upto_id) if upto_id > after_id else 0)

    def finished_count(self, after_id: int, upto_id: int) -> int:
        """Return the number of finished jobs with `after_id` < id ≤ `upto_id`."""
        return paging.count(self.client, "jobs/", {**_ENDED, "id__gt": after_id, "id__lte": upto_id})

    def finished_jobs(self, after_id: int, upto_id: int) -> list[Row]:
        """Return the finished jobs with `after_id` < id ≤ `upto_id`, by id."""
        return paging.whole(self.client, "jobs/", {**_ENDED, "id__lte": upto_id}, after_id=after_id)

    def newest_id(self) -> int:
        """Return the id of the newest finished job; 0 if no job is visible."""
        job = self.first_job("-id")
        return (job and paging.id_of(job)) or 0

    def ids_near(self, moments: Sequence[datetime], near: timedelta) -> list[int]:
        """Return ids of jobs that finished at about each of the `moments`; an empty list if no jobs are visible.

        Jobs finish nearly in the order of their ids, so interpolation finds each within `near` with few requests.
        """
        ends = [job for job in map(self.first_job, ("id", "-id")) if job is not None]
        if len(ends) < 2:
            return []
        first, last = ((paging.id_of(job) or 0, parse_moment(job.get("finished"))) for job in ends)
        return [self._id_at(moment, (first[0] - 1, first[1]), last, near) for moment in moments]

    def _id_at(self, moment: datetime, low: _Finish, high: _Finish, near: timedelta) -> int:
        """Return an id near which jobs finished at `moment`, between two jobs (id, finish time)."""
        for _ in range(_STEPS):
            if low[1] is None or moment <= low[1]:
                return low[0]
            if high[1] is None or moment >= high[1] or high[0] - low[0] <= 1:
                return high[0]
            share = min(max((moment - low[1]) / (high[1] - low[1]), 0.05), 0.95)
            job = self.first_job("id", id__gt=low[0] + int((high[0] - low[0]) * share))
            found = ((job and paging.id_of(job)) or high[0], parse_moment(job.get("finished")) if job else None)
            if found[1] is None or found[0] >= high[0]:
                return high[0]
            if abs(found[1] - moment) <= near:
                return found[0]
            low, high = (found, high) if found[1] < moment else (low, found)
        return low[0]

    def host_ids(self, after_id: int = 0) -> list[int]:
        """Return the ids of all hosts of all inventories above `after_id`, ascending."""
        return paging.ids_of(paging.whole(self.client, "hosts/", after_id=after_id))

    def unreported_job_ids(self, after_id: int, upto_id: int) -> list[int]:
        """Return the jobs with `after_id` < id ≤ `upto_id`, finished or not, whose host summaries are not complete."""
        asked = {"host_status_counts__isnull": True, "id__lte": upto_id}
        return paging.ids_of(paging.whole(self.client, "jobs/", asked, after_id=after_id))

    def hosts_count(self) -> int:
        """Return the number of hosts."""
        return paging.count(self.client, "hosts/")

    def summaries_of_host(self, host_id: int, after_id: int, upto_id: int) -> list[HostSummaryRow | Row]:
        """Return one host's summaries in jobs with `after_id` < id ≤ `upto_id`, ordered by the summaries' ids.

        Raises NotFound when the host was deleted.
        """
        within = {"job__id__gt": after_id, "job__id__lte": upto_id}
        return paging.whole(self.client, f"hosts/{host_id}/job_host_summaries/", within)

    def jobs_without_host(self, after_id: int, upto_id: int) -> set[int]:
        """Return the jobs with `after_id` < id ≤ `upto_id` that have a host summary without a host."""
        # The second filter excludes jobs without host summaries, which the outer join of the first would include.
        asked = {"job_host_summaries__host__isnull": True, "job_host_summaries__id__gt": 0}
        return set(paging.ids_of(paging.whole(self.client, "jobs/", {**asked, "id__lte": upto_id}, after_id=after_id)))

    def hosts_a_job(self) -> float:
        """Return the average number of hosts per job, from the newest jobs."""
        asked: Params = {"status__in": FINISHED, "order_by": "-id", "page_size": _SAMPLED_JOBS, "count_disabled": 1}
        rows = self.client.get("jobs/", asked).body.get("results")
        sampled = paging.ids_of(rows) if isinstance(rows, list) else []
        hosts = [paging.count(self.client, f"jobs/{number}/job_host_summaries/") for number in sampled]
        return sum(hosts) / (len(hosts) or 1)

    def organizations(self) -> list[Row]:
        """Return all organizations."""
        return paging.whole(self.client, "organizations/")

    def job_templates(self) -> list[Row]:
        """Return all job templates."""
        return paging.whole(self.client, "job_templates/")


def _window(finished_gt: datetime | None, finished_lte: datetime | None) -> dict[str, Any]:
    if finished_gt is None and finished_lte is None:
        return {"status__in": FINISHED}  # not by date, for which the controller would sort all rows
    window = {"finished__gt": finished_gt, "finished__lte": finished_lte}
    return {name: moment for name, moment in window.items() if moment is not None}
