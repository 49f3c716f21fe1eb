"""The savings once more, slowly: one job at a time, in fractions and sets, from core's rows and the settings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from aap_pipeline.database.connection import Connection

Filters = dict[str, list[int] | None]


@dataclass(frozen=True)
class Job:
    """What the savings need to know of a job."""

    id: int
    cluster: int
    organization: int | None
    template: int | None
    project: int | None
    user: int | None
    job_type: str
    status: str
    finished: datetime
    elapsed: Fraction
    num_hosts: int
    provisional: bool
    slice_number: int
    inventory: int | None
    launch_type: str
    labels: frozenset[int]
    hosts: frozenset[int]


class Oracle:
    """Core as it is now, and the settings, read once."""

    def __init__(self, connection: Connection) -> None:
        self.settings = {"reporting_timezone": "UTC", "creation_cost_basis": "per_run", "cost_model": "per_minute"}
        self.settings |= {
            name: value.strip('"') for name, value in connection.execute("SELECT type, value FROM common_settings")
        }
        self.zone = ZoneInfo(self.settings["reporting_timezone"])
        self.today = datetime.now(UTC).astimezone(self.zone).date()
        labels, hosts = defaultdict(set), defaultdict(set)
        for job, label in connection.execute("SELECT job_id, label_id FROM archive.all_job_labels"):
            labels[job].add(label)
        for job, host in connection.execute(
            "SELECT job_id, host_id FROM archive.all_host_summaries WHERE host_id IS NOT NULL"
        ):
            hosts[job].add(host)
        self.jobs = [
            Job(*(*row[:9], Fraction(row[9]), *row[10:], frozenset(labels[row[0]]), frozenset(hosts[row[0]])))
            for row in connection.execute(
                "SELECT id, cluster_id, organization_id, job_template_id, project_id, launched_by_id, job_type, "
                "status, "
                "finished, elapsed, COALESCE(num_hosts, 0), provisional, COALESCE(job_slice_number, 0), "
                "inventory_id, launch_type FROM archive.all_jobs "
                "WHERE status IN ('successful', 'failed') AND finished IS NOT NULL"
            )
        ]
        self.rates = connection.execute(
            "SELECT rate_type, cluster_id, organization_id, valid_from, value FROM marts.rate_history"
        ).fetchall()
        self.minutes = connection.execute(
            "SELECT job_template_id, valid_from, valid_to, manual_minutes, creation_minutes, excluded "
            "FROM marts.template_minutes"
        ).fetchall()
        self.current_minutes = {
            row[0]: (row[1], row[2])
            for row in connection.execute(
                "SELECT id, time_taken_manually_execute_minutes, time_taken_create_automation_minutes "
                "FROM clusters_jobtemplate"
            )
        }
        self.first_runs = self._first_runs()

    def under(self, **settings: str) -> Oracle:
        """The same core under other settings."""
        other = copy(self)
        other.settings = self.settings | settings
        other.first_runs = other._first_runs()
        return other

    def is_on(self, name: str) -> bool:
        """A switch that is on unless it was set to false."""
        return self.settings.get(name, "true") == "true"

    def day(self, job: Job) -> date:
        """The reporting day on which the job finished."""
        return job.finished.astimezone(self.zone).date()

    def is_counted(self, job: Job) -> bool:
        """Whether the settings count the job: not in check mode, not of a template that they leave out."""
        return not self.is_excluded(job) and (self.is_on("count_check_mode") or job.job_type != "check")

    def is_run(self, job: Job) -> bool:
        """Whether the job counts as a run: it has hosts, and is not a further slice where a launch counts once."""
        return job.num_hosts > 0 and (job.slice_number < 2 or self.settings.get("count_slices", "each") == "each")

    def is_excluded(self, job: Job) -> bool:
        """Whether the job's template was left out of the savings on its day."""
        return any(row[0] == job.template and row[1] <= self.day(job) < row[2] and row[5] for row in self.minutes)

    def chosen(self, first: date, last: date, filters: Filters) -> list[Job]:
        """Jobs of the range that pass the filters, with or without hosts."""
        keep: list[Callable[[Job], bool]] = [
            lambda job: first <= self.day(job) <= last,
            self.is_counted,
        ]
        for name, value in (
            ("clusters", lambda job: job.cluster),
            ("organizations", lambda job: job.organization or 0),
            ("job_templates", lambda job: job.template or 0),
            ("projects", lambda job: job.project or 0),
            ("inventories", lambda job: job.inventory or 0),
            ("launch_types", lambda job: job.launch_type),
        ):
            wanted = filters.get(name)
            if wanted is not None:
                keep.append(lambda job, wanted=wanted, value=value: value(job) in wanted)  # type: ignore[misc]
        if (labels := filters.get("labels")) is not None:
            keep.append(lambda job: bool(job.labels & set(labels)))
        return [job for job in self.jobs if all(passes(job) for passes in keep)]

    def rate(self, kind: str, job: Job, day: date) -> Fraction:
        """The organization's rate before the cluster's before everyone's, as of the day; subscription is everyone's."""
        for cluster, organization in ((job.cluster, job.organization), (0, job.organization), (job.cluster, 0), (0, 0)):
            if organization is None:
                continue
            known = [row for row in self.rates if row[:3] == (kind, cluster, organization) and row[3] <= day]
            if known and max(known, key=lambda row: row[3])[4] is not None:
                return Fraction(max(known, key=lambda row: row[3])[4])
        return Fraction(0)

    def counts(self, job: Job) -> bool:
        """Whether the population of the settings counts the job's money."""
        population = self.settings.get("savings_population", "all")
        return (
            job.template is not None
            and job.num_hosts > 0
            and (population == "all" or job.status == "successful")
            and self.is_counted(job)
        )

    def money(self, job: Job, *, recorded: bool = False) -> tuple[Fraction, Fraction, Fraction, int, int]:
        """Manual, creation and run cost; manual and creation minutes."""
        if not self.counts(job):
            return Fraction(0), Fraction(0), Fraction(0), 0, 0
        assert job.template is not None
        subscription = self.settings["cost_model"] == "subscription"
        day = self.day(job) if recorded else self.today
        manual, creation = self.current_minutes[job.template]
        if recorded:
            manual, creation = next(
                (row[3], row[4]) for row in self.minutes if row[0] == job.template and row[1] <= day < row[2]
            )
        books = self.is_on("enable_template_creation_time") and (
            self.is_run(job)
            if self.settings["creation_cost_basis"] == "per_run"
            else self.first_runs.get(job.template) == job.id
        )
        creation = creation if books else 0
        person = self.person(job, day)
        return (
            job.num_hosts * manual * person,
            creation * person,
            self.subscribed(job, recorded=recorded)
            if subscription
            else job.elapsed * self.rate("automated", job, day) / 60,
            job.num_hosts * manual,
            creation,
        )

    def subscribed(self, job: Job, *, recorded: bool) -> Fraction:
        """The job's share of the price (recorded: of its month's first day), by run time in the month among the runs of
        the population, template or not."""
        month = self.day(job).replace(day=1)
        whole = sum(
            other.elapsed
            for other in self.jobs
            if self.day(other).replace(day=1) == month
            and other.num_hosts > 0
            and self.is_counted(other)
            and (self.settings.get("savings_population", "all") == "all" or other.status == "successful")
        )
        price = self.rate("subscription", job, month if recorded else self.today)
        return job.elapsed * price / whole if whole else Fraction(0)

    def payback(self, *, recorded: bool = False) -> dict[int, tuple[date, Fraction, date | None, Fraction]]:
        """For each template: day of its first counted run, what it cost to create, day since which it has paid, what it
        has saved in all."""
        found: dict[int, tuple[date, Fraction, date | None, Fraction]] = {}
        for template in {job.template for job in self.jobs if self.counts(job)}:
            assert template is not None
            runs = sorted((job for job in self.jobs if job.template == template and self.counts(job)), key=self.day)
            cost = max(self.current_minutes[template][1] * self.person(job, self.today) for job in runs)
            if recorded and template in self.first_runs:
                cost = self.created(next(job for job in runs if job.id == self.first_runs[template]))
            saved, since = -cost, None
            for day in sorted({self.day(job) for job in runs}):
                for job in runs:
                    if self.day(job) == day:
                        manual, _, run, _, _ = self.money(job, recorded=recorded)
                        saved += manual - run
                since = (since or day) if saved > 0 else None
            found[template] = (self.day(runs[0]), cost, since, saved)
        return found

    def created(self, first: Job) -> Fraction:
        """What a template cost to create by the rate and minutes of its first run."""
        day = self.day(first)
        minutes = next(row[4] for row in self.minutes if row[0] == first.template and row[1] <= day < row[2])
        return Fraction(minutes) * self.person(first, day)

    def person(self, job: Job, day: date) -> Fraction:
        """What a minute of a person costs on a day."""
        if self.settings["cost_model"] == "subscription":
            return self.rate("hourly", job, day) / 60
        return self.rate("manual", job, day)

    def totals(self, jobs: Iterable[Job]) -> dict[str, Any]:
        """The figures of marts.totals for these jobs."""
        jobs = list(jobs)
        runs = [job for job in jobs if job.num_hosts > 0]
        found: dict[str, Any] = {
            "runs": sum(map(self.is_run, runs)),
            "successful_runs": sum(job.status == "successful" for job in runs if self.is_run(job)),
            "failed_runs": sum(job.status == "failed" for job in runs if self.is_run(job)),
            "hosts": sum(job.num_hosts for job in runs),
            "unique_hosts": len(set().union(*(job.hosts for job in runs))),
            "elapsed": sum((job.elapsed for job in runs), Fraction(0)),
            "runs_without_template": sum(job.template is None for job in runs if self.is_run(job)),
            "provisional_runs": sum(job.provisional for job in jobs),
        }
        money = [self.money(job) for job in runs]
        recorded = [self.money(job, recorded=True) for job in runs]
        manual, creation, run, by_hand, creating = (
            (sum(part) for part in zip(*money, strict=True)) if money else [Fraction(0)] * 5
        )
        found["manual_costs"], found["creation_costs"], found["run_costs"] = manual, creation, run
        found["automated_costs"], found["savings"] = creation + run, manual - creation - run
        for name, amounts in (("failed_run_costs", money), ("failed_run_costs_as_recorded", recorded)):
            failed = (each[2] for each, job in zip(amounts, runs, strict=True) if job.status == "failed")
            found[name] = sum(failed, Fraction(0))
        counted = sum((job.elapsed for job in runs if self.counts(job)), Fraction(0))
        found["time_savings_seconds"] = (by_hand - creating) * 60 - counted
        by_hand_r, creating_r, run_r = (sum((each[part] for each in recorded), Fraction(0)) for part in range(3))
        found["manual_costs_as_recorded"], found["creation_costs_as_recorded"] = by_hand_r, creating_r
        found["run_costs_as_recorded"], found["automated_costs_as_recorded"] = run_r, creating_r + run_r
        found["savings_as_recorded"] = by_hand_r - creating_r - run_r
        found["elapsed_hours"] = found["elapsed"] / 3600
        found["time_savings_hours"] = found["time_savings_seconds"] / 3600
        found["fte"] = found["time_savings_hours"] / Fraction(self.settings.get("hours_per_fte", "1720"))
        found["roi"] = found["savings"] / found["automated_costs"] if found["automated_costs"] else None
        found["job_templates_run"] = len({job.template for job in runs if self.is_run(job)} - {None})
        return found

    def by_template(self, jobs: Iterable[Job]) -> dict[int, dict[str, Any]]:
        """The figures of each template that has runs."""
        groups: dict[int, list[Job]] = defaultdict(list)
        for job in jobs:
            if job.template is not None:
                groups[job.template].append(job)
        return {key: self.totals(group) for key, group in groups.items() if any(map(self.is_run, group))}

    def chart(self, first: date, last: date, granularity: str, jobs: Iterable[Job]) -> list[tuple[datetime, int, int]]:
        """Jobs and hosts by bucket, zeros included."""
        buckets: dict[datetime, list[int]] = {}
        moment = datetime(first.year, first.month, first.day, tzinfo=self.zone).astimezone(UTC)
        end = datetime.combine(last + timedelta(days=1), datetime.min.time(), self.zone).astimezone(UTC)
        while moment < end:
            buckets.setdefault(self._bucket(moment, granularity), [0, 0])
            moment += timedelta(minutes=30)
        for job in jobs:
            bucket = buckets[self._bucket(job.finished, granularity)]
            bucket[0] += self.is_run(job) or job.num_hosts == 0  # a further slice of a launch that counts once does not
            bucket[1] += job.num_hosts
        return [(bucket, jobs, hosts) for bucket, (jobs, hosts) in sorted(buckets.items())]

    def top(self, jobs: Iterable[Job], by: Callable[[Job], int | None], n: int) -> list[tuple[int, int]]:
        """The n keys with the most runs, the smaller key first among equals."""
        counter = Counter(key for job in jobs if self.is_run(job) and (key := by(job)) is not None)
        return sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:n]

    def _bucket(self, moment: datetime, granularity: str) -> datetime:
        local = moment.astimezone(self.zone)
        if granularity == "hour":
            past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
            return moment.astimezone(UTC) - past  # not local - past, which forgets whether the hour is the second one
        day = local.date()
        start = {
            "day": day,
            "week": day - timedelta(days=day.weekday()),
            "month": day.replace(day=1),
            "quarter": day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
            "year": day.replace(month=1, day=1),
        }[granularity]
        return datetime.combine(start, datetime.min.time(), self.zone).astimezone(UTC)

    def _first_runs(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for job in sorted(self.jobs, key=lambda job: (job.finished, job.id)):
            if self.counts(job) and self.is_run(job) and job.template is not None:
                found.setdefault(job.template, job.id)
        return found
