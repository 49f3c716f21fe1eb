"""Read the host summaries of a long history by host, before the sweep reads their jobs.

A page of one host's summaries covers 200 jobs, and costs the controller as much as the summaries of three jobs
(docs/adr/0020). The sweep takes a job's host summaries from here; where they may be incomplete, it reads them by job.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from aap_pipeline.controller.api import ControllerApi, Extent
from aap_pipeline.controller.errors import NotFound
from aap_pipeline.controller.host_summaries import HostSummaryRow, decode_host_summaries
from aap_pipeline.controller.paging import Row, id_of
from aap_pipeline.documents.raw_documents import encode, leave_out
from aap_pipeline.raw.completion import Summaries
from aap_pipeline.raw.store import RawStore
from aap_pipeline.raw.window import Stretch

_HOSTS_AT_ONCE = 50
"""Hosts per commit. A killed sync reads at most this many again."""
_CLOCKS_DIFFER = timedelta(hours=1)
"""At most, the controller's and the database's."""


class Paused(Exception):
    """The rest of the window is left for another sweep."""


@dataclass
class HostHistory:
    """Provides the host summaries of the jobs in `extent`, and reads them in stretches of about `jobs_a_stretch` jobs.

    `pause`, called between hosts, returns whether to leave the rest for another sweep.
    """

    controller: ControllerApi
    store: RawStore
    executor: Executor
    extent: Extent
    jobs_a_stretch: int
    pause: Callable[[], bool] = lambda: False
    trusted: bool = field(default=True, init=False)
    """False once host summaries by host differed from those by job."""

    def __post_init__(self) -> None:
        self._stretch = self.store.stretch()
        self._hosts: list[int] = []

    def of(self, jobs: Mapping[int, datetime | None], pending: Collection[int]) -> dict[int, Summaries]:
        """Return the host summaries of those of the listed `jobs` {id: finished} for which they are certainly complete.

        Of jobs that had not reported when this sync began the stretch, only those without any that are still `pending`:
        most never had hosts. Reads the next stretch if most jobs are beyond the current one. Raises Paused.
        """
        if not jobs or not self.trusted:
            return {}
        beyond = sorted(number for number in jobs if self._stretch.upto_id < number <= self.extent.upto_id)
        if 2 * len(beyond) > len(jobs):
            self._begin(beyond[0] - 1)
        self._read_hosts()
        if not self._stretch.whole:
            return {}
        here = self._stretch
        covered = {number for number in jobs if here.after_id < number <= here.upto_id} - here.without_host
        if here.began is not None:  # by an earlier sync, which knew of no job that was committed later
            early = here.began - _CLOCKS_DIFFER
            covered = {number for number in covered if (finished := jobs[number]) is not None and finished < early}
        stored = self.store.summaries_of(covered)
        # They may have reported since, on hosts that were read before: after an interruption, or if not pending now.
        doubtful = here.unreported if here.began else here.unreported - (set(pending) - stored.keys())
        found = {number: _decoded(stored.get(number, ())) for number in covered - doubtful}
        return found if found and self._agrees(found) else {}

    def unreported(self, jobs: Collection[int]) -> set[int] | None:
        """Return those of the listed `jobs` whose host summaries were incomplete at the start of the stretch.

        None if the stretch is not completely read or does not include all `jobs`.
        """
        here = self._stretch
        if not here.whole or not all(here.after_id < number <= here.upto_id for number in jobs):
            return None
        return set(here.unreported & set(jobs))

    def _begin(self, after_id: int) -> None:
        """Begin the stretch after that id. Its length in ids is that of `jobs_a_stretch` average jobs."""
        ids_a_job = (self.extent.upto_id - self.extent.after_id) / max(self.extent.jobs, 1)
        upto_id = min(after_id + max(int(self.jobs_a_stretch * ids_a_job), 1), self.extent.upto_id)
        # Before any host, because summaries written while hosts are read may be missed. Includes running jobs.
        unreported = frozenset(self.controller.unreported_job_ids(after_id, upto_id))
        self._hosts += self.controller.host_ids(self._hosts[-1] if self._hosts else 0)
        if not self._hosts:
            self.trusted = False
            return
        self._stretch = Stretch(after_id, upto_id, hosts_upto=self._hosts[-1], unreported=unreported)
        self.store.begin_stretch(self._stretch)

    def _read_hosts(self) -> None:
        """Read the rest of the stretch. Raises Paused."""
        if self._stretch.whole:
            return
        if not self._hosts:  # another sync began the stretch
            self._hosts = self.controller.host_ids()
        left = [number for number in self._hosts if self._stretch.host_id < number <= self._stretch.hosts_upto]
        for start in range(0, len(left), _HOSTS_AT_ONCE):
            if start and self.pause():
                raise Paused
            chunk = left[start : start + _HOSTS_AT_ONCE]
            rows = [_encoded(row) for found in self.executor.map(self._read_host, chunk) for row in found]
            if None in rows:
                self.trusted = False
                return
            self._reach(chunk[-1] - (chunk[-1] == self._stretch.hosts_upto), [row for row in rows if row is not None])
        # After all hosts, so that the summaries of hosts deleted meanwhile are included.
        without = self.controller.jobs_without_host(self._stretch.after_id, self._stretch.upto_id)
        self._stretch = replace(self._stretch, without_host=frozenset(without))
        self._reach(self._stretch.hosts_upto, [])

    def _reach(self, host_id: int, rows: Sequence[tuple[int, bytes]]) -> None:
        self._stretch = replace(self._stretch, host_id=host_id)
        self.store.add_hosts(self._stretch, rows)

    def _read_host(self, host_id: int) -> Summaries:
        """Read one host, in a worker. If it was deleted, `jobs_without_host` returns its jobs."""
        try:
            return self.controller.summaries_of_host(host_id, self._stretch.after_id, self._stretch.upto_id)
        except NotFound:
            return []

    def _agrees(self, found: Mapping[int, Summaries]) -> bool:
        """Compare the host summaries of one job with those by job: some users see jobs, but not all hosts."""
        compared = sorted(found, key=lambda number: len(found[number]))[len(found) // 2]
        with suppress(NotFound):
            by_job = sorted(filter(None, map(id_of, self.controller.host_summaries(compared))))
            self.trusted = by_job == sorted(filter(None, map(id_of, found[compared])))
        return self.trusted


def _encoded(row: HostSummaryRow | Row) -> tuple[int, bytes] | None:
    """Return (job, JSON) of a host summary; None without a job or a valid id."""
    if id_of(row) is None:
        return None
    job = row.job if isinstance(row, HostSummaryRow) else row.get("job")
    if not isinstance(job, int):
        return None
    leave_out(row)
    return job, encode(row)


def _decoded(rows: Sequence[bytes]) -> Summaries:
    """Return the host summaries ordered by id and without duplicates, which a killed sync leaves."""
    if not rows:
        return []
    found: list[HostSummaryRow | Row] = decode_host_summaries(b'{"results":[%b]}' % b",".join(rows))["results"]
    by_id = {id_of(row) or 0: row for row in found}
    return [by_id[number] for number in sorted(by_id)]
