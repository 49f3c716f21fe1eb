"""Check that `aap-pipeline up` loses no job and keeps its memory while parts of it fail.

python -m benchmarks.soak [--clusters 8] [--dead 2] [--jobs-per-minute 4] [--seconds 600] [--pause 150]

Simulated controllers go on finishing jobs, some others are dead the whole time. PostgreSQL is stopped after a quarter
of the time, the Dagster daemon killed (-9) after half of it, and a little later one controller hangs for --pause
seconds, so that an alert of it begins and ends. At the end core is held against each controller job by job, the
messages that a webhook got against the incidents, and each process's memory against what it was. How old the jobs of
the controller that hung became meanwhile does not count: nobody could have read them. The exit status is 1 if anything
is wrong, each thing on a line of its own.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psutil
import requests

from aap_pipeline.database.connection import connect
from aap_pipeline_tests.alerts.local import web_receiver
from aap_simulator.process import Address
from benchmarks.common import emit
from benchmarks.installation import (
    Age,
    Installation,
    Plan,
    Watch,
    percentiles,
    running,
    syncs,
)

_STALE_MINUTES = 2
_SAMPLE_SECONDS = 5.0
_DISTURBED_SECONDS = 60.0
"""For so long after something was taken away, how old a job got is counted apart."""
_ASKED_EVERY_SECONDS = 15.0
_SETTLE_SECONDS = 45.0
_POSTGRES_AFTER, _DAEMON_AFTER, _PAUSE_AFTER = 0.25, 0.5, 0.55
"""When each is taken away, as shares of the time."""
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

_PAUSED = "SELECT id FROM clusters_cluster WHERE name = %s"

Jobs = Mapping[int, tuple[Any, ...]]
"""{id at the controller: (status, finish time, host summaries)}."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clusters", type=int, default=8, help="controllers that are alive")
    parser.add_argument("--dead", type=int, default=2, help="additional dead controllers")
    parser.add_argument("--jobs-per-minute", type=float, default=4.0, help="per controller")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long")
    parser.add_argument("--pause", type=float, default=150.0, help="seconds for which a controller hangs; 0: none does")
    arguments = parser.parse_args()
    if arguments.pause and arguments.seconds * (1 - _PAUSE_AFTER) < arguments.pause + _DISTURBED_SECONDS:
        parser.error("a pause of that length does not fit into these --seconds: try --pause 0")
    with web_receiver() as receiver:
        environment = {
            "AAP_PIPELINE_ALERT_WEBHOOK_URL": receiver.url,
            "AAP_PIPELINE_ALERT_STALE_MINUTES": str(_STALE_MINUTES),
        }
        plan = Plan(arguments.clusters, arguments.dead, arguments.jobs_per_minute, environment)
        with running(plan) as installation:
            watch, memory = Watch(installation.url), Memory(installation)
            disturbed, paused = _disturb(installation, watch, memory, arguments.seconds, arguments.pause)
            until = time.time()
            watch.go_on(_SETTLE_SECONDS)
            problems = _compare(installation, until)
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
    installation: Installation, watch: Watch, memory: Memory, seconds: float, pause: float
) -> tuple[list[float], Pause | None]:
    """Watch for `seconds`, with what is done to the installation; when processes of it were ended, in seconds of the
    epoch, and how a controller hung.
    """
    begin = time.monotonic()
    todo = [(_DAEMON_AFTER, "dagster._daemon", signal.SIGKILL), (_POSTGRES_AFTER, "-D", signal.SIGINT)]
    done: list[float] = []
    paused = None
    with ExitStack() as stack:
        while (past := time.monotonic() - begin) < seconds:
            if todo and past >= seconds * todo[-1][0]:
                _, word, how = todo.pop()
                installation.find(word).send_signal(how)
                done.append(time.time())
            if pause and paused is None and past >= seconds * _PAUSE_AFTER:
                paused = _pause(installation, pause, stack)
            if paused is not None and time.time() >= paused.end:
                stack.close()
            watch.go_on(min(_SAMPLE_SECONDS, seconds - past))
            memory.sample(past / seconds)
    return done, paused


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


def _compare(installation: Installation, until: float) -> list[str]:
    """Hold core against each controller's own answers: jobs that finished until then."""
    problems = []
    for name, process in installation.controllers.items():
        truth = _truth(process.addresses[0], until)
        with connect(installation.url) as connection:
            rows = connection.execute(_STORED, [name, datetime.fromtimestamp(until).astimezone()]).fetchall()
        stored = {row[0]: (row[1], row[2], *row[3:]) for row in rows}
        wrong = [number for number in truth.keys() | stored.keys() if truth.get(number) != stored.get(number)]
        emit("soak.jobs", cluster=name, controller=len(truth), core=len(stored), differing=len(wrong))
        problems += [
            f"{name}: job {number} is {truth.get(number)} there, {stored.get(number)} here." for number in sorted(wrong)
        ]
    return problems


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
    """Resident MiB of `up` and what is below it, runs left out: one process of each kind, but for the guards and for
    PostgreSQL's, whose shared memory is left out.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._samples: dict[str, list[tuple[float, float, int]]] = defaultdict(list)

    def sample(self, moment: float) -> None:
        """Look now; `moment` is the share of the time that has passed."""
        found: dict[str, list[float]] = defaultdict(list)
        for process in self._installation.processes():
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
    if "aap_pipeline.runtime.guard" in line:
        return "guard"
    if "forkserver" in words:
        parent = process.parent()
        is_run = parent is not None and "forkserver" in " ".join(parent.cmdline())
        return None if is_run else "server of runs"
    names = {
        "aap_pipeline.cli": "up",
        "dagster._daemon": "Dagster daemon",
        "dagster_webserver": "web server",
        "grpc": "code server",
    }
    return next((name for word, name in names.items() if word in line), None)


def _report(arguments: argparse.Namespace, which: str, ages: Sequence[Age]) -> None:
    emit(
        "soak.freshness",
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
