"""What the sweep asks of the two sides between which it stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from aap_pipeline.controller.host_summaries import HostSummary
from aap_pipeline.controller.paging import Row
from aap_pipeline.documents.raw_documents import RawJob


class Controller(Protocol):
    """What the sweep asks of a controller. Every answer is whole, or an error: never a part of one."""

    def jobs_count(self, finished_gt: datetime, finished_lte: datetime) -> int:
        """How many jobs finished in (finished_gt, finished_lte]."""

    def jobs_page(
        self, finished_gt: datetime, finished_lte: datetime, after_id: int, limit: int
    ) -> tuple[list[Row], int]:
        """The `limit` jobs of that window with the lowest ids above `after_id`, by id, and the count of all of them."""

    def jobs_by_ids(self, ids: Sequence[int], *, reported: bool | None = None) -> list[Row]:
        """Those of the jobs `ids` that still exist; `reported` True: and whose host summaries are written."""

    def pending_job_ids(
        self, finished_gt: datetime, finished_lte: datetime, after_id: int, upto_id: int
    ) -> Sequence[int]:
        """Jobs of that window with after_id < id <= upto_id whose host summaries are not written yet."""

    def host_summaries(self, job_id: int) -> Sequence[HostSummary | Row]:
        """All host summaries of a job."""

    def labels(self, job_id: int) -> list[Row]:
        """All labels of a job, where its own row has the first ten."""


class Store(Protocol):
    """What the sweep asks of the store. Each call is one transaction."""

    def known(self, fingerprints: Mapping[int, bytes]) -> Mapping[int, bool]:
        """Of the jobs {id: fingerprint}, those stored as they are now; True: stored, host summaries still awaited."""

    def without_id(self, kind: str, fingerprints: Collection[bytes]) -> Collection[bytes]:
        """Those of the `fingerprints`, of records of `kind` without a valid id, whose documents are here already."""

    def write(self, jobs: Sequence[RawJob]) -> None:
        """Keep `jobs`."""

    def finish_slice(self, jobs: Sequence[RawJob], until: datetime, newest: datetime | None) -> None:
        """Keep the last `jobs` of a slice that ends at `until`, and with them that all up to there is here."""

    def awaited(self) -> Mapping[int, datetime]:
        """Stored jobs {id: finished} whose host summaries are still awaited."""

    def settle(self, ids: Collection[int]) -> None:
        """Stop waiting for the host summaries of jobs that the controller no longer has."""

    def give_up(self, ids: Collection[int]) -> None:
        """Stop waiting for jobs whose deadline has passed; reconciliation asks for their host summaries again."""
