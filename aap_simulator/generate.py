"""Seeded jobs of a believable controller, deterministic for (seed, parameters), streamed with bounded memory.

Distributions: runs per day follow the weekdays (a third at weekends) and grow by half over the period. Hours follow
working time, with a nightly peak at 02:00. Templates are Zipf. Durations are lognormal around the template's median
(sigma 0.5). 93 % are successful, 5 % failed, 1 % canceled, 1 % error. A quarter of the runs is limited to a part of
the template's host group. Odd cases (`odd.py`) are spread evenly.
"""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from aap_simulator import catalog as catalogs
from aap_simulator import odd, render
from aap_simulator.entities import Catalog, HostOutcome, JobSpec, Template
from aap_simulator.products import PRODUCTS, Product

LAUNCHES = (
    ("manual", 0.42),
    ("scheduled", 0.34),
    ("workflow", 0.12),
    ("webhook", 0.05),
    ("relaunch", 0.04),
    ("callback", 0.02),
    ("dependency", 0.005),
    ("sync", 0.0025),
    ("scm", 0.0025),
)
STATUSES = (("successful", 0.93), ("failed", 0.05), ("canceled", 0.01), ("error", 0.01))
HOURS = (1.5, 1.5, 4, 1.5, 1.5, 1.5, 2, 4, 6, 6, 6, 6, 4, 6, 6, 6, 5, 4, 2, 2, 1.5, 1.5, 1.5, 1.5)
WEEKEND = 1 / 3
GROWTH = 0.5


@dataclass(frozen=True)
class Parameters:
    """All that the jobs depend on.

    `until` (aware, UTC) is the last moment: a job that would finish later is still running. At most `equal_finished`
    jobs have the same `finished`. The odd big job has `big_job_hosts` hosts.
    """

    seed: int = 1
    jobs: int = 2000
    days: int = 365
    templates: int = 40
    organizations: int = 6
    hosts: int = 300
    hosts_per_job: float = 8.0
    spread: bool = True
    odd_cases: bool = True
    equal_finished: int = 300
    big_job_hosts: int = odd.BIG_JOB_HOSTS
    until: datetime = field(default_factory=lambda: datetime.now(UTC).replace(minute=0, second=0, microsecond=0))


class Generator:
    """The jobs of one parameter set by id: as `specs()`, or as `documents()` that a controller would send."""

    def __init__(self, parameters: Parameters, product: Product = PRODUCTS["awx"]) -> None:
        self.parameters = parameters
        self.product = product
        self.catalog: Catalog = catalogs.build(
            parameters.seed,
            templates=parameters.templates,
            organizations=parameters.organizations,
            hosts=parameters.hosts,
            hosts_per_job=parameters.hosts_per_job,
            spread=parameters.spread,
        )
        self.rng = random.Random(f"{parameters.seed}/jobs")  # noqa: S311 - reproducible, not secret
        self._shares = list(accumulate(template.weight for template in self.catalog.templates))
        self._launches = _table(LAUNCHES)
        self._statuses = _table(STATUSES)

    def documents(self) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """Every job as (document, host summary documents), never more than one job in memory."""
        prefix, node = self.product.prefix, self.product.node
        for spec in self.specs():
            document = render.job(spec, prefix, node)
            yield document, render.host_summaries(spec, document, prefix)

    def specs(self) -> Iterator[JobSpec]:
        """Every job before rendering. The same sequence each time it is called."""
        self.rng.seed(f"{self.parameters.seed}/jobs")
        parameters, rng = self.parameters, self.rng
        cases = odd.plan(parameters.jobs) if parameters.odd_cases else {}
        block = (
            odd.EqualFinished(parameters.jobs, parameters.until, parameters.equal_finished)
            if parameters.odd_cases
            else None
        )
        job_id, summary_id = 10, 1
        for ordinal, created in enumerate(self._moments()):
            job_id += 1 + (rng.random() < 0.15)
            spec = self.spec(job_id, summary_id, created)
            if block:
                block.apply(spec, ordinal, rng)
            if case := cases.get(ordinal):
                case(spec, self.catalog)
                del spec.hosts[parameters.big_job_hosts :]
            if spec.finished and spec.finished > parameters.until:
                leave_running(spec)
            summary_id += len(spec.hosts)
            yield spec

    def _moments(self) -> Iterator[datetime]:
        """When jobs are created, ascending; one day's worth in memory."""
        jobs, rng = self.parameters.jobs, self.rng
        days = _days(self.parameters.until - timedelta(days=self.parameters.days), self.parameters.until)
        reached = [0.0, *accumulate(hours[-1] for _, hours in days)]
        for number, (midnight, hours) in enumerate(days):
            count = round(reached[number + 1] / reached[-1] * jobs) - round(reached[number] / reached[-1] * jobs)
            for second in sorted(_second(hours, rng) for _ in range(count)):
                yield midnight + timedelta(microseconds=int(second * 1_000_000))

    def spec(self, job_id: int, summary_id: int, created: datetime, template: Template | None = None) -> JobSpec:
        """One job of a template (drawn by weight unless given), created at `created`, with all of its hosts."""
        rng, catalog = self.rng, self.catalog
        template = template or catalog.templates[bisect_left(self._shares, rng.random() * self._shares[-1])]
        launch, status = _draw(self._launches, rng), _draw(self._statuses, rng)
        user = catalog.users[min(int(rng.expovariate(0.25)), len(catalog.users) - 1)]
        by_user = launch in ("manual", "relaunch")
        started = created + timedelta(microseconds=300_000 + int(rng.expovariate(1 / 4) * 1_000_000))
        elapsed = round(min(template.median_seconds * rng.lognormvariate(0, 0.5) + 0.05, 6 * 3600), 3)
        never_started = status == "canceled" and rng.random() < 0.3
        hosts = [] if never_started or status == "error" else self._hosts(template, status)
        spec = JobSpec(
            id=job_id,
            name=template.name,
            description=template.description,
            status=status,
            launch_type=launch,
            job_type="check" if rng.random() < 0.03 else "run",
            created=created,
            modified=created + timedelta(microseconds=276_764),
            started=None if never_started else started,
            finished=started + timedelta(microseconds=round(elapsed * 1_000_000)),
            elapsed=0.0 if never_started else elapsed,
            template=template,
            organization=template.organization,
            project=template.project,
            inventory=template.inventory,
            execution_environment=catalog.execution_environments[0] if rng.random() < 0.9 else None,
            instance_group=None if never_started else catalog.instance_groups[1],
            created_by=user if by_user else None,
            labels=template.labels,
            hosts=hosts,
            first_summary_id=summary_id,
            launched_by=self._launched_by(launch, user.id, user.username, template),
            stats="never" if status == "error" or never_started else "delivered",
        )
        if launch == "scheduled":
            spec.schedule = (template.id, f"nightly {template.id} Ü")
        elif launch == "workflow":
            spec.workflow = (job_id - 1, "WF release")
        elif launch == "webhook":
            spec.webhook_service, spec.webhook_guid = "github", f"{rng.getrandbits(128):032x}"
        return spec

    def _launched_by(self, launch: str, user_id: int, user: str, template: Template) -> dict[str, Any]:
        prefix = self.product.prefix
        if launch in ("manual", "relaunch", "workflow"):
            return {"id": user_id, "name": user, "type": "user", "url": f"{prefix}/users/{user_id}/"}
        if launch == "scheduled":
            name = f"nightly {template.id} Ü"
            return {"id": template.id, "name": name, "type": "schedule", "url": f"{prefix}/schedules/{template.id}/"}
        if launch == "webhook":
            url = f"{prefix}/job_templates/{template.id}/"
            return {"id": template.id, "name": template.name, "type": "job_template", "url": url}
        if launch == "dependency":
            return {"id": None, "name": "Generated by AWX", "type": "Dependency", "url": None}
        return {}

    def _hosts(self, template: Template, status: str) -> list[HostOutcome]:
        rng, tasks = self.rng, template.tasks
        hosts = template.hosts
        if self.parameters.spread and rng.random() < 0.25:
            hosts = hosts[: max(1, len(hosts) // 2)]
        changing = rng.random() < 0.6
        broken = rng.randrange(len(hosts)) if status in ("failed", "canceled") else -1
        outcomes = []
        for index, host in enumerate(hosts):
            draw = rng.random()
            changed = int(draw * tasks * 0.5) if changing else 0
            if index == broken or (broken >= 0 and draw < 0.1):
                dark = 1 if draw < 0.3 else 0
                outcomes.append(HostOutcome(host.name, host, None, changed, dark, 1 - dark, int(draw * tasks), 0, 0, 0))
            else:
                odd_task = draw > 0.97
                outcomes.append(
                    HostOutcome(
                        host.name, host, None, changed, 0, 0, tasks, int(draw * 9), int(odd_task), int(draw > 0.99)
                    )
                )
        return outcomes


def leave_running(spec: JobSpec) -> None:
    """Turn a finished job into one that still runs; its hosts are not known yet."""
    spec.status, spec.finished, spec.hosts, spec.stats = "running", None, [], "delivered"
    spec.started = spec.started or spec.created
    spec.explanation = ""


def _days(start: datetime, until: datetime) -> list[tuple[datetime, list[float]]]:
    """The calendar days between two moments, each with its hours' weights added up; hours outside weigh nothing."""
    days = []
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while midnight < until:
        growth = 1 + GROWTH * max(0.0, (midnight - start) / (until - start))
        day = growth * (WEEKEND if midnight.weekday() >= 5 else 1.0)
        moments = [midnight + timedelta(hours=hour) for hour in range(24)]
        inside = [start <= moment and moment + timedelta(hours=1) <= until for moment in moments]
        days.append((midnight, list(accumulate(day * HOURS[hour] * inside[hour] for hour in range(24)))))
        midnight += timedelta(days=1)
    return days


def _second(hours: list[float], rng: random.Random) -> float:
    """A second of the day, by the weights of its hours."""
    return 3600 * bisect_right(hours, rng.random() * hours[-1]) + rng.random() * 3600


def _table(weighted: tuple[tuple[str, float], ...]) -> tuple[list[str], list[float]]:
    return [name for name, _ in weighted], list(accumulate(weight for _, weight in weighted))


def _draw(table: tuple[list[str], list[float]], rng: random.Random) -> str:
    names, reached = table
    return names[bisect_left(reached, rng.random() * reached[-1])]


def generate(product: str = "awx", **parameters: Any) -> Generator:
    """A generator of the given product's documents; keywords as in `Parameters` (seed, jobs, days, templates, …,
    until).
    """
    return Generator(Parameters(**parameters), PRODUCTS[product])
