"""Whether `aap-pipeline up` loses nothing and stays the same size while parts of it are taken away.

python -m benchmarks.soak [--clusters 8] [--dead 2] [--jobs-per-minute 4] [--seconds 600]

Simulated controllers go on finishing jobs, some others are dead the whole time. PostgreSQL is stopped after a quarter
of the time, the Dagster daemon killed (-9) after half of it. At the end core is held against each controller job by
job, the messages that a webhook got against the incidents, and each process's memory against what it was. The exit
status is 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psutil
import requests

from aap_pipeline.simulator.process import Address
from aap_pipeline.warehouse.connection import connect
from aap_pipeline_tests.integration.alerts.local import web_receiver
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
_SETTLE_SECONDS = 45.0
_MOST_GROWTH, _NOTICED_MIB = 1.10, 32
_STORED = (
    "SELECT job.external_id, job.status, job.finished, job.num_hosts, "
    "(SELECT count(*) FROM clusters_jobhostsummary WHERE job_id = job.id) "
    "FROM clusters_job job JOIN clusters_cluster cluster ON cluster.id = job.cluster_id "
    "WHERE cluster.name = %s AND job.finished <= %s"
)
_INCIDENTS = "SELECT id, kind, subject, resolved_at IS NOT NULL FROM pipeline.alert ORDER BY id"

Jobs = Mapping[int, tuple[Any, ...]]
"""{id at the controller: (status, finish time, host summaries)}."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clusters", type=int, default=8, help="controllers that are alive")
    parser.add_argument("--dead", type=int, default=2, help="controllers that are not, besides")
    parser.add_argument("--jobs-per-minute", type=float, default=4.0, help="of each controller")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long")
    arguments = parser.parse_args()
    with web_receiver() as receiver:
        environment = {
            "AAP_PIPELINE_ALERT_WEBHOOK_URL": receiver.url,
            "AAP_PIPELINE_ALERT_STALE_MINUTES": str(_STALE_MINUTES),
        }
        plan = Plan(arguments.clusters, arguments.dead, arguments.jobs_per_minute, environment)
        with running(plan) as installation:
            watch, memory = Watch(installation.url), Memory(installation)
            disturbed = _disturb(installation, watch, memory, arguments.seconds)
            until = time.time()
            watch.go_on(_SETTLE_SECONDS)
            problems = _compare(installation, until)
            problems += _alerts(installation, receiver.documents)
            problems += memory.report()
            ages = watch.ages()
            calm = [age for age in ages if not any(0 <= age.finished - when < _DISTURBED_SECONDS for when in disturbed)]
            _report(arguments, "all", ages)
            _report(arguments, "calm", calm)
            emit("soak.syncs", seconds=arguments.seconds, **syncs(installation.url), problems=len(problems))
    if problems:
        raise SystemExit("\n".join(problems))


def _disturb(installation: Installation, watch: Watch, memory: Memory, seconds: float) -> list[float]:
    """Watch for `seconds`, with what is done to the installation; when it was done, in seconds of the epoch."""
    end = time.monotonic() + seconds
    todo = [(0.5, "dagster._daemon", signal.SIGKILL), (0.25, "-D", signal.SIGINT)]
    done = []
    while (left := end - time.monotonic()) > 0:
        if todo and left <= seconds * (1 - todo[-1][0]):
            _, word, how = todo.pop()
            installation.find(word).send_signal(how)
            done.append(time.time())
        watch.go_on(min(_SAMPLE_SECONDS, left))
        memory.sample(1 - left / seconds)
    return done


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


def _alerts(installation: Installation, documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """One message an incident and one when it is over, each dead cluster told once, nobody's secret in any."""
    with connect(installation.url) as connection:
        incidents = connection.execute(_INCIDENTS).fetchall()
    expected = Counter((number, "open") for number, *_ in incidents)
    expected += Counter((number, "resolved") for number, _, _, over in incidents if over)
    told = Counter((document["id"], document["state"]) for document in documents)
    problems = [f"Messages {sorted((expected - told).keys())} are missing."] if expected - told else []
    problems += [f"Messages {sorted((told - expected).keys())} are too many."] if told - expected else []
    open_now = sorted((kind, subject) for _, kind, subject, over in incidents if not over)
    stale = {subject for kind, subject in open_now if kind == "cluster_stale"}
    if stale != installation.dead:
        problems.append(f"Told as stale: {sorted(stale)}; dead are {sorted(installation.dead)}.")
    problems += [f"Still open: {kind} {subject}." for kind, subject in open_now if subject not in installation.dead]
    text = str(documents)
    leaked = sum(secret in text for secret in installation.secrets)
    problems += [f"{leaked} secrets are in messages."] if leaked else []
    for kind, count in Counter(kind for _, kind, *_ in incidents).items():
        over = sum(1 for _, each, _, resolved in incidents if each == kind and resolved)
        messages = sum(document["kind"] == kind for document in documents)
        emit("soak.alerts", kind=kind, incidents=count, over=over, messages=messages, secrets=leaked)
    return problems


class Memory:
    """Resident MiB of all processes of each kind below `up`, runs left out; PostgreSQL's without what they share."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._samples: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def sample(self, moment: float) -> None:
        """Look now; `moment` is the share of the time that has passed."""
        found: dict[str, float] = defaultdict(float)
        for process in self._installation.processes():
            try:
                kind, memory = _kind(process), process.memory_info()
            except psutil.Error:  # it ended meanwhile
                continue
            if kind:
                found[kind] += (memory.rss - (memory.shared if kind == "PostgreSQL" else 0)) / 2**20
        for kind, size in found.items():
            self._samples[kind].append((moment, size))

    def report(self) -> list[str]:
        """The least of the third and of the last quarter, a figure a kind; what grew by more than a tenth and by more
        than some backends of PostgreSQL come and go with. The least, for Dagster's daemon replaces its code server each
        minute, and has two for half of it; a process that grows or is left behind raises the least as well.
        """
        problems = []
        for kind, samples in sorted(self._samples.items()):
            third = min((size for moment, size in samples if 0.5 < moment <= 0.75), default=0.0)
            last = min((size for moment, size in samples if moment > 0.75), default=0.0)
            growth = last / third if third else 0.0
            emit("soak.memory", process=kind, third_quarter_mib=third, last_quarter_mib=last, growth=growth)
            if third and growth > _MOST_GROWTH and last - third > _NOTICED_MIB:
                problems.append(f"The {kind} grew from {third:.0f} to {last:.0f} MiB.")
        return problems


def _kind(process: psutil.Process) -> str | None:
    line = process.cmdline()
    words = " ".join(line)
    if "postgres" in words.split(":")[0].split(" ")[0]:
        return "PostgreSQL"
    if "aap_pipeline.supervision.guard" in line:
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
