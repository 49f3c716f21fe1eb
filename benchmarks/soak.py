"""Check that a deployment loses no job, hangs on none and keeps its memory while parts of it are killed.

python -m benchmarks.soak [--way up|dev|processes|pooled|celery] [--clusters 4] [--dead 0] [--jobs-per-minute 4]
    [--seconds 600] [--pause 0] [--calm]

Simulated controllers go on finishing jobs, some others are dead the whole time. In the first half of the time a run
(with `up`: PostgreSQL), a Celery worker and the daemon are killed in turn. With --pause, one controller then hangs for
so many seconds, so that an alert of it begins and ends. At the end core is held against each controller job by job, the
messages that a webhook got against the incidents, and each process's memory against what it was. How old the jobs of
the controller that hung became meanwhile does not count: nobody could have read them. The exit status is 1 if anything
is wrong, each thing on a line of its own.

AAP_PIPELINE_TEST_DATABASE_URL: the administrator's URL of the server that gets a database for the time, with
`?sslmode=verify-full&sslrootcert=…` where that is wanted; unset: an embedded server. `up` always has an embedded one.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psutil
import requests

from aap_pipeline.database.connection import connect
from aap_pipeline.orchestration.jobs import UNFINISHED
from aap_pipeline_tests.alerts.local import web_receiver
from aap_simulator.process import Address
from benchmarks.common import emit
from benchmarks.installation import Age, Installation, Plan, Watch, cpu_seconds, percentiles, running, syncs
from benchmarks.ways import WAYS, Deployed

_STALE_MINUTES = 2
_SAMPLE_SECONDS = 5.0
_DISTURBED_SECONDS = 60.0
"""For so long after something was taken away, how old a job got is counted apart."""
_ASKED_EVERY_SECONDS = 15.0
_SETTLE_SECONDS = 45.0
_SETTLES_WITHIN_SECONDS = 240.0
"""For so long core may trail the controllers, if other programs use the cores."""
_LAST_KILL, _PAUSE_AFTER = 0.5, 0.55
"""Shares of the time: when the daemon is killed, the others at even times before, and when a controller hangs."""
_HANGS_AFTER_SECONDS = 180.0
"""An abandoned run is ended after a minute at most; others take a minute if other programs use the cores."""
_MOST_GROWTH = 1.10
_NOTICED_MIB = defaultdict(lambda: 8, {"PostgreSQL": 32})  # its backends come and go
_STORED = (
    "SELECT job.external_id, job.status, job.finished, job.num_hosts, "
    "(SELECT count(*) FROM clusters_jobhostsummary WHERE job_id = job.id) "
    "FROM clusters_job job JOIN clusters_cluster cluster ON cluster.id = job.cluster_id "
    "WHERE cluster.name = %s AND job.finished <= %s"
)
_INCIDENTS = (
    "SELECT id, kind, subject, resolved_at IS NOT NULL, "
    # Resolved before the first message was due, or within two ticks of it: a message may or may not have been sent.
    "tell_from > raised_at AND COALESCE(resolved_at, now()) < tell_from + interval '30 seconds' FROM pipeline.alert "
    "WHERE resolved_at IS DISTINCT FROM raised_at ORDER BY id"  # else resolved within a tick: no message is due
)

_TWICE = """
    SELECT cluster.name, sum(runs)::bigint, (SELECT count(*) FROM clusters_job job WHERE job.cluster_id = cluster.id
        AND status IN ('successful', 'failed') AND num_hosts > 0)
    FROM marts.savings_daily JOIN clusters_cluster cluster ON cluster.id = cluster_id GROUP BY cluster.id, cluster.name
"""
_UNFINISHED = """
    query Unfinished($statuses: [RunStatus!]!, $before: Float!) {
      runsOrError(filter: {statuses: $statuses, createdBefore: $before}) { ... on Runs { results { runId status } } } }
"""

_PAUSED = "SELECT id FROM clusters_cluster WHERE name = %s"

Jobs = Mapping[int, tuple[Any, ...]]
"""{id at the controller: (status, finish time, host summaries)}."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--way", choices=WAYS, default="up", help="how the pipeline is deployed")
    parser.add_argument("--clusters", type=int, default=4, help="controllers that are alive")
    parser.add_argument("--dead", type=int, default=0, help="additional dead controllers")
    parser.add_argument("--jobs-per-minute", type=float, default=4.0, help="per controller")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds for which a controller hangs; 0: none does")
    parser.add_argument("--calm", action="store_true", help="kill nothing")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Terminated."))  # everything that was started ends
    if arguments.pause and arguments.seconds * (1 - _PAUSE_AFTER) < arguments.pause + _DISTURBED_SECONDS:
        parser.error("a pause of that length does not fit into these --seconds: try --pause 0")
    with web_receiver() as receiver:
        environment = {
            "AAP_PIPELINE_ALERT_WEBHOOK_URL": receiver.url,
            "AAP_PIPELINE_ALERT_STALE_MINUTES": str(_STALE_MINUTES),
        }
        plan = Plan(arguments.clusters, arguments.dead, arguments.jobs_per_minute, environment, way=arguments.way)
        with running(plan) as installation:
            if arguments.calm:
                installation.deployed.kills = {}
            watch, memory = Watch(installation.url), Memory(installation.deployed)
            cpu, syncs_before = Cpu(installation.deployed), syncs(installation.url)["syncs"]
            disturbed, paused = _disturb(installation, watch, memory, cpu, arguments.seconds, arguments.pause)
            done, until = syncs(installation.url)["syncs"] - syncs_before, time.time()
            emit(
                "soak.cpu",
                way=arguments.way,
                runs=done,
                cpu_seconds=cpu.used(),
                cpu_seconds_per_run=cpu.used() / done,
                cores_used=cpu.used() / arguments.seconds,
            )
            watch.go_on(_SETTLE_SECONDS)
            counts, problems = _compare(installation, until)
            while problems and time.time() < until + _SETTLES_WITHIN_SECONDS:
                watch.go_on(_SAMPLE_SECONDS)
                counts, problems = _compare(installation, until)
            for each in counts:
                emit("soak.jobs", **each)
            problems += _counted_twice(installation) + _hanging(installation.deployed)
            problems += _alerts(installation, receiver.documents, paused)
            problems += memory.report()
            ages = [age for age in watch.ages() if not (paused and paused.hid(age))]
            calm = [age for age in ages if not any(0 <= age.finished - when < _DISTURBED_SECONDS for when in disturbed)]
            _report(arguments, "all", ages)
            _report(arguments, "calm", calm)
            emit("soak.syncs", seconds=arguments.seconds, **syncs(installation.url), problems=len(problems))
    if problems:
        raise SystemExit("\n".join(problems))


def _disturb(
    installation: Installation, watch: Watch, memory: Memory, cpu: Cpu, seconds: float, pause: float
) -> tuple[list[float], Pause | None]:
    """Watch for `seconds`, with what is done to the installation; when processes of it were ended, in seconds of the
    epoch, and how a controller hung.
    """
    begin = time.monotonic()
    kills = list(installation.deployed.kills.items())
    todo = [((number + 1) / len(kills) * _LAST_KILL, *each) for number, each in enumerate(kills)]
    done: list[float] = []
    paused = None
    with ExitStack() as stack:
        while (past := time.monotonic() - begin) < seconds:
            if todo and past >= seconds * todo[0][0]:
                _, what, kill = todo.pop(0)
                with cpu.losing():
                    kill()
                emit("soak.killed", what=what, after_seconds=past)
                done.append(time.time())
            if pause and paused is None and past >= seconds * _PAUSE_AFTER:
                paused = _pause(installation, pause, stack)
            if paused is not None and time.time() >= paused.end:
                stack.close()
            watch.go_on(min(_SAMPLE_SECONDS, seconds - past))
            memory.sample(past / seconds)
    return done, paused


class Cpu:
    """CPU seconds of all processes of a deployment, PostgreSQL among them, since this was made."""

    def __init__(self, deployed: Deployed) -> None:
        self._deployed = deployed
        self._base = self._sum()

    def _sum(self) -> float:
        return cpu_seconds(self._deployed.processes())

    def used(self) -> float:
        """Return the seconds."""
        return self._sum() - self._base

    @contextmanager
    def losing(self) -> Iterator[None]:
        """Keep what killed processes had used, which nothing counts when no process waits for them."""
        before = self._sum()
        yield
        self._base -= max(0.0, before - self._sum())


@dataclass(frozen=True)
class Pause:
    """The cluster whose controller hung, and from when until when, in seconds of the epoch."""

    name: str
    cluster: int
    begin: float
    end: float

    def hid(self, age: Age) -> bool:
        """Whether a run could not be read before the controller responded again, or was read at once."""
        first, last = self.begin - _ASKED_EVERY_SECONDS, self.end + _DISTURBED_SECONDS
        return age.cluster == self.cluster and first <= age.finished < last


def _pause(installation: Installation, seconds: float, until: ExitStack) -> Pause:
    """Stop the last controller; it goes on when `until` is closed."""
    name, controller = list(installation.controllers.items())[-1]
    with connect(installation.url) as connection:
        row = connection.execute(_PAUSED, [name]).fetchone()
    assert row is not None
    process = psutil.Process(controller.pid)
    until.callback(process.resume)
    process.suspend()
    return Pause(name, row[0], time.time(), time.time() + seconds)


def _compare(installation: Installation, until: float) -> tuple[list[dict[str, Any]], list[str]]:
    """Hold core against each controller's own answers: jobs that finished until then. Figures, and what is wrong."""
    counts, problems = [], []
    for name, process in installation.controllers.items():
        truth = _truth(process.addresses[0], until)
        with connect(installation.url) as connection:
            rows = connection.execute(_STORED, [name, datetime.fromtimestamp(until).astimezone()]).fetchall()
        stored = {row[0]: (row[1], row[2], *row[3:]) for row in rows}
        wrong = [number for number in truth.keys() | stored.keys() if truth.get(number) != stored.get(number)]
        counts.append({"cluster": name, "controller": len(truth), "core": len(stored), "differing": len(wrong)})
        problems += [
            f"{name}: job {number} is {truth.get(number)} there, {stored.get(number)} here." for number in sorted(wrong)
        ]
    return counts, problems


def _counted_twice(installation: Installation) -> list[str]:
    """Clusters with more runs in the marts than in core; fewer: a refresh is due."""
    with connect(installation.url) as connection:
        rows = connection.execute(_TWICE).fetchall()
    return [f"{name}: {marts} runs in the marts, {core} in core." for name, marts, core in rows if marts > core]


def _hanging(deployed: Deployed) -> list[str]:
    """Runs that should have ended."""
    statuses = [status.name for status in UNFINISHED]
    variables = {"statuses": statuses, "before": time.time() - _HANGS_AFTER_SECONDS}
    runs = deployed.web.ask(_UNFINISHED, variables)["runsOrError"]["results"]
    return [f"Run {run['runId']} hangs: {run['status']}." for run in runs]


def _truth(address: Address, until: float) -> Jobs:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {address.access_token}"
        found: dict[int, tuple[Any, ...]] = {}
        path: str | None = "/api/v2/jobs/?page_size=200&order_by=id"
        while path:
            page = session.get(address.url + path, timeout=30).json()
            for job in page["results"]:
                finished = datetime.fromisoformat(job["finished"]) if job["finished"] else None
                if finished is None or finished.timestamp() > until:
                    continue
                hosts = session.get(f"{address.url}/api/v2/jobs/{job['id']}/job_host_summaries/", timeout=30).json()
                found[job["id"]] = (job["status"], finished, hosts["count"], hosts["count"])
            path = page["next"]
        return found


def _alerts(installation: Installation, documents: Sequence[Mapping[str, Any]], paused: Pause | None) -> list[str]:
    """One message when an incident begins and one when it is resolved, one per dead cluster, the cluster with the
    hanging controller reported as stale and as recovered, no secret in any.
    """
    with connect(installation.url) as connection:
        incidents = connection.execute(_INCIDENTS).fetchall()
    brief = {number for number, *_, unsure in incidents if unsure}
    expected = Counter((number, "open") for number, *_ in incidents if number not in brief)
    expected += Counter((number, "resolved") for number, _, _, over, _ in incidents if over and number not in brief)
    told = Counter((document["id"], document["state"]) for document in documents if document["id"] not in brief)
    problems = [f"Messages {sorted((expected - told).keys())} are missing."] if expected - told else []
    problems += [f"Messages {sorted((told - expected).keys())} are too many."] if told - expected else []
    open_now = sorted((kind, subject) for _, kind, subject, over, _ in incidents if not over)
    stale = {subject for kind, subject in open_now if kind == "cluster_stale"}
    if stale != installation.dead:
        problems.append(f"Told as stale: {sorted(stale)}; dead are {sorted(installation.dead)}.")
    problems += [f"Still open: {kind} {subject}." for kind, subject in open_now if subject not in installation.dead]
    if paused is not None:
        told_of_it = [document["state"] for document in documents if _is_stale(document, paused.name)]
        if told_of_it != ["open", "resolved"]:
            problems.append(f"{paused.name} hung for a while; that it is stale was told as {told_of_it}.")
    text = str(documents)
    leaked = sum(secret in text for secret in installation.secrets)
    problems += [f"{leaked} secrets are in messages."] if leaked else []
    for kind, count in Counter(kind for _, kind, *_ in incidents).items():
        over = sum(1 for _, each, _, resolved, _ in incidents if each == kind and resolved)
        messages = sum(document["kind"] == kind for document in documents)
        emit("soak.alerts", kind=kind, incidents=count, over=over, messages=messages, secrets=leaked)
    return problems


def _is_stale(document: Mapping[str, Any], name: str) -> bool:
    return bool(document["kind"] == "cluster_stale" and document["subject"] == name)


class Memory:
    """Resident MiB of the processes of each kind, runs left out; for PostgreSQL's without shared memory."""

    def __init__(self, deployed: Deployed) -> None:
        self._deployed = deployed
        self._samples: dict[str, list[tuple[float, float, int]]] = defaultdict(list)

    def sample(self, moment: float) -> None:
        """Look now; `moment` is the share of the time that has passed."""
        found: dict[str, list[float]] = defaultdict(list)
        for process in self._deployed.processes():
            try:
                kind, memory = _kind(process), process.memory_info()
            except psutil.Error:  # it ended meanwhile
                continue
            if kind:
                found[kind].append((memory.rss - (memory.shared if kind == "PostgreSQL" else 0)) / 2**20)
        for kind, sizes in found.items():
            self._samples[kind].append((moment, sum(sizes), len(sizes)))

    def report(self) -> list[str]:
        """The median of the third and of the last quarter, a figure a kind; what grew between them by more than a tenth
        and some MiB. The daemon was killed before, and has had its time to grow again.
        """
        problems = []
        for kind, samples in sorted(self._samples.items()):
            third = _median(size for moment, size, _ in samples if 0.5 < moment <= 0.75)
            last = _median(size for moment, size, _ in samples if moment > 0.75)
            growth = last / third if third else 0.0
            emit(
                "soak.memory",
                process=kind,
                processes=max(count for *_, count in samples),
                third_quarter_mib=third,
                last_quarter_mib=last,
                growth=growth,
            )
            if growth > _MOST_GROWTH and last - third > _NOTICED_MIB[kind]:
                problems.append(f"The {kind} grew from {third:.0f} to {last:.0f} MiB.")
        return problems


def _median(sizes: Iterable[float]) -> float:
    """0 where there is none."""
    return statistics.median(found) if (found := list(sizes)) else 0.0


def _kind(process: psutil.Process) -> str | None:
    line = process.cmdline()
    words = " ".join(line)
    if "postgres" in words.split(":")[0].split(" ")[0]:
        return "PostgreSQL"
    if "forkserver" in words:
        parent = process.parent()
        is_run = parent is not None and "forkserver" in " ".join(parent.cmdline())
        return None if is_run else "server of runs"
    names = {
        "aap_pipeline.cli": "up",
        "dagster._daemon": "Dagster daemon",
        "dagster_webserver": "web server",
        "grpc": "code server",
        "celery": "Celery worker",
    }
    return next((name for word, name in names.items() if word in line), None)


def _report(arguments: argparse.Namespace, which: str, ages: Sequence[Age]) -> None:
    emit(
        "soak.freshness",
        way=arguments.way,
        which=which,
        clusters=arguments.clusters,
        dead=arguments.dead,
        jobs_per_minute=arguments.jobs_per_minute,
        seconds=arguments.seconds,
        **percentiles(ages),
    )


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    main()
