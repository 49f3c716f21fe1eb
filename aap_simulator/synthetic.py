"""A world that creates jobs: generated history, jobs added by tests, and new ones over time."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from aap_simulator.clock import Clock
from aap_simulator.entities import HostOutcome, JobSpec, Organization, Stats, Template
from aap_simulator.generate import Generator, generate, leave_running
from aap_simulator.world import World

MINUTE = timedelta(minutes=1)


class SyntheticWorld(World):
    """Loads a generator's jobs (unless `history=False`) and adds more from the same catalog."""

    def __init__(self, generator: Generator, clock: Clock | None = None, *, history: bool = True) -> None:
        super().__init__(generator.product, clock)
        self.generator = generator
        self.load_catalog(generator.catalog)
        self._next_summary = 1
        self._next_id = 11
        self._unfinished: dict[int, JobSpec] = {}
        self._gone: set[tuple[str, int]] = set()
        self._rate = 0.0
        self._due = self.clock.now()
        if history:
            self._load_history()

    def _load_history(self) -> None:
        def noted() -> Iterable[JobSpec]:
            for spec in self.generator.specs():
                self._next_id = spec.id + 1
                self._next_summary = spec.first_summary_id + len(spec.hosts)
                yield spec

        self.load_specs(noted())

    def add_job(
        self,
        *,
        finished: datetime | None = None,
        status: str = "successful",
        hosts: int | list[HostOutcome] | None = None,
        template: int | Template | None = 0,
        stats: Stats = "delivered",
        seconds: float = 60.0,
        **changes: Any,
    ) -> int:
        """Add a finished job and return its id.

        `finished` (aware) defaults to the clock's now; `hosts` is how many, or which (default: the template's);
        `template` is an index into
        the catalog, a template, or None for a deleted one; `stats` "late" holds the host summaries back until
        `deliver_summaries`,
        "never" loses them; `seconds` is the duration. `changes` set any further field of `JobSpec`.
        """
        with self.lock:
            spec = self._spec(finished or self.clock.now(), status, hosts, template, seconds)
            spec.stats = stats
            for name, value in changes.items():
                setattr(spec, name, value)
            self._next_summary = spec.first_summary_id + len(spec.hosts)
            return self.add_spec(spec)

    def start_job(self, **changes: Any) -> int:
        """Add a running job, as `add_job`; `finish_job` finishes it."""
        with self.lock:
            spec = self._spec(
                self.clock.now(), "successful", changes.pop("hosts", None), changes.pop("template", 0), 60.0
            )
            hosts = spec.hosts
            for name, value in changes.items():
                setattr(spec, name, value)
            leave_running(spec)
            job_id = self.add_spec(spec)
            spec.hosts = hosts
            self._unfinished[job_id] = spec
            return job_id

    def finish_job(
        self, job_id: int, *, status: str = "successful", finished: datetime | None = None, stats: Stats = "delivered"
    ) -> None:
        """Finish a job of `start_job`; `modified` stays as it was, as on a controller."""
        with self.lock:
            spec = self._unfinished.pop(job_id)
            spec.status, spec.stats = status, stats
            spec.finished = finished or self.clock.now()
            if spec.started:
                spec.elapsed = round((spec.finished - spec.started).total_seconds(), 3)
            spec.first_summary_id, self._next_summary = self._next_summary, self._next_summary + len(spec.hosts)
            self.finish_spec(spec)

    def _spec(
        self,
        finished: datetime,
        status: str,
        hosts: int | list[HostOutcome] | None,
        template: int | Template | None,
        seconds: float,
    ) -> JobSpec:
        templates = self.generator.catalog.templates
        chosen = templates[template % len(templates)] if isinstance(template, int) else template or templates[0]
        started = finished - timedelta(seconds=seconds)
        spec = self.generator.spec(self._next_id, self._next_summary, started - timedelta(seconds=1), chosen)
        self._next_id += 1
        spec.status, spec.started, spec.finished, spec.elapsed = status, started, finished, round(seconds, 3)
        if template is None:
            spec.template = None
        if hosts is not None:
            spec.hosts = hosts if isinstance(hosts, list) else self._outcomes(hosts)
        elif not spec.hosts:
            spec.hosts = [HostOutcome(host.name, host, ok=chosen.tasks) for host in chosen.hosts]
        return spec

    def _outcomes(self, count: int) -> list[HostOutcome]:
        known = self.generator.catalog.hosts
        hosts = [HostOutcome(host.name, host, ok=3, changed=index % 2) for index, host in enumerate(known[:count])]
        return hosts + [HostOutcome(f"ephemeral{n:04d}", None, ok=3) for n in range(count - len(hosts))]

    def add_spec(self, spec: JobSpec) -> int:
        """Add one job; what has been deleted since its catalog was made is null in it."""
        if spec.template and ("job_templates", spec.template.id) in self._gone:
            spec.template = None
        if spec.organization and ("organizations", spec.organization.id) in self._gone:
            spec.organization = None
        return super().add_spec(spec)

    def rename(self, kind: str, id_: int, name: str) -> None:
        """As `World.rename`; jobs added later carry the new name."""
        with self.lock:
            super().rename(kind, id_, name)
            catalog = self.generator.catalog
            rows: list[Template] | list[Organization]
            rows = catalog.templates if kind == "job_templates" else catalog.organizations
            for row in rows:
                if row.id == id_:
                    row.name = name

    def delete_object(self, kind: str, id_: int) -> None:
        """As `World.delete_object`."""
        with self.lock:
            super().delete_object(kind, id_)
            self._gone.add((kind, id_))

    def insert_behind(self, by: timedelta = 2 * MINUTE) -> None:
        """Finish a job whose `finished` lies `by` before the newest one's: a row that appears behind a watermark."""
        with self.lock:
            newest = self.newest_finished() or self.clock.now()
            self.add_job(finished=newest - by, template=self.generator.rng.randrange(1000))

    def live(self, jobs_per_minute: float, since: datetime | None = None) -> None:
        """Finish this many jobs a minute from `since` (default: now) on, as time goes by; they appear when asked."""
        with self.lock:
            self._rate, self._due = jobs_per_minute, since or self.clock.now()

    def advance(self) -> None:
        """Finish the jobs that are due by the clock."""
        if not self._rate:
            return
        with self.lock:
            now, pause = self.clock.now(), MINUTE / self._rate
            while self._due + pause <= now:
                self._due += pause
                spec = self.generator.spec(self._next_id, self._next_summary, self._due)
                spec = self._ending_at(spec, self._due)
                self._next_id, self._next_summary = spec.id + 1, self._next_summary + len(spec.hosts)
                self.add_spec(spec)

    @staticmethod
    def _ending_at(spec: JobSpec, finished: datetime) -> JobSpec:
        start = finished - timedelta(seconds=spec.elapsed)
        spec.created = spec.modified = start - timedelta(seconds=1)
        spec.started = start if spec.started else None
        spec.finished = finished
        return spec


def synthetic(
    product: str = "awx", *, clock: Clock | None = None, history: bool = True, **parameters: Any
) -> SyntheticWorld:
    """A synthetic world; keywords as in `generate.Parameters`. `history=False` starts without jobs."""
    return SyntheticWorld(generate(product, **parameters), clock, history=history)
