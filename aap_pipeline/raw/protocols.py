"""The protocols of the sweep: a controller to read and a store to write."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from aap_pipeline.controller.host_summaries import HostSummary
from aap_pipeline.controller.paging import Row
from aap_pipeline.documents.raw_documents import RawJob


class Controller(Protocol):
    """A controller. Every result is complete, or an error is raised."""

    def jobs_count(self, finished_gt: datetime, finished_lte: datetime) -> int:
        """Return the number of jobs that finished in (finished_gt, finished_lte]."""

    def jobs_page(
        self, finished_gt: datetime, finished_lte: datetime, after_id: int, limit: int
    ) -> tuple[list[Row], int]:
        """Return the `limit` jobs of the window with the lowest ids above `after_id`, and the count of such jobs."""

    def jobs_by_ids(self, ids: Sequence[int], *, reported: bool | None = None) -> list[Row]:
        """Return those jobs that still exist (`reported` True: and whose host summaries are written)."""

    def pending_job_ids(
        self, finished_gt: datetime, finished_lte: datetime, after_id: int, upto_id: int
    ) -> Sequence[int]:
        """Return jobs of the window with after_id < id <= upto_id whose host summaries are not written yet."""

    def host_summaries(self, job_id: int) -> Sequence[HostSummary | Row]:
        """Return all host summaries of a job."""

    def labels(self, job_id: int) -> list[Row]:
        """Return all labels of a job, whose own row has only the first ten."""


class Store(Protocol):
    """A store. Each call is one transaction."""

    def known(self, fingerprints: Mapping[int, bytes]) -> Mapping[int, bool]:
        """Return the unchanged ones of the jobs {id: fingerprint}; True: their host summaries are still awaited."""

    def without_id(self, kind: str, fingerprints: Collection[bytes]) -> Collection[bytes]:
        """Return those `fingerprints` of records of `kind` without a valid id whose documents are already stored."""

    def write(self, jobs: Sequence[RawJob]) -> None:
        """Store `jobs`."""

    def finish_slice(self, jobs: Sequence[RawJob], until: datetime, newest: datetime | None) -> None:
        """Store the last `jobs` of a slice and note that all jobs up to `until` are stored."""

    def awaited(self) -> Mapping[int, datetime]:
        """Return stored jobs {id: finished} whose host summaries are still awaited."""

    def settle(self, ids: Collection[int]) -> None:
        """Stop waiting for the host summaries of jobs that the controller no longer has."""

    def give_up(self, ids: Collection[int]) -> None:
        """Stop waiting for jobs past their deadline. Reconciliation reads their host summaries again."""
