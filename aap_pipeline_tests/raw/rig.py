"""A cluster in a database and the simulated controller that it names: what the tests of stage raw sync."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from aap_pipeline.clusters.registry import Cluster, NewCluster, cluster_named, save_clusters
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import ClientSettings, Endpoint
from aap_pipeline.controller.manners import UNLIMITED, Manners
from aap_pipeline.core.parse import parse
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.encryption import Cipher, new_key
from aap_pipeline.raw.sync import SyncReport, SyncRequest, sync_cluster
from aap_simulator.clock import Clock
from aap_simulator.server import SimulatorServer
from aap_simulator.synthetic import SyntheticWorld, synthetic
from aap_simulator.world import JobTruth, World

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Document = dict[str, Any]
Counters = tuple[object, ...]
LEFT_OUT = ("related", "url", "extra_vars", "artifacts")
COUNTERS = ("changed", "dark", "failures", "ok", "processed", "skipped", "ignored", "rescued")
_AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)
STRICTEST = Manners(
    max_concurrent_requests=1,
    max_requests_per_second=0.01,
    sync_window=f"{_AN_HOUR_AGO:%H:%M}-{_AN_HOUR_AGO + timedelta(hours=23):%H:%M}",
)
"""`patient` clients do not wait for their turns, which only come in order. The hours include now."""
WITHIN_ALL_LIMITS = pytest.mark.parametrize(
    "limits", [UNLIMITED, STRICTEST], ids=["unlimited", "strictest"], indirect=True
)
"""Mark of tests that run without limits and with the strictest."""


def patient(**changes: Any) -> ClientSettings:
    """Client settings under which no retry waits and nothing hangs for long."""
    changes = {"read_timeout": 5.0, "sleep": lambda _: None, **changes}
    return ClientSettings(**changes)


def empty_world(now: datetime = NOW, **parameters: Any) -> SyntheticWorld:
    """A world without jobs, whose time stands still at `now`."""
    clock = Clock()
    clock.freeze(now)
    small = {"templates": 4, "hosts": 20, "hosts_per_job": 3, "until": now - timedelta(days=1), **parameters}
    return synthetic(clock=clock, history=False, **small)


def filled_world(now: datetime = NOW, **parameters: Any) -> SyntheticWorld:
    """A synthetic world with a history up to `now`, where time stands still."""
    clock = Clock()
    clock.freeze(now)
    return synthetic(clock=clock, **{"jobs": 200, "days": 30, "until": now - timedelta(minutes=1), **parameters})


@dataclass
class Rig:
    """One cluster of `database_url` and its controller."""

    database_url: str
    server: SimulatorServer
    name: str = "prod"
    cipher: Cipher = field(default_factory=lambda: Cipher([new_key()]))
    settings: ClientSettings = field(default_factory=patient)
    manners: Manners = UNLIMITED

    def __post_init__(self) -> None:
        self.connection = connect(self.database_url, autocommit=True)
        self.register()

    def close(self) -> None:
        """Leave the database."""
        self.connection.close()

    @property
    def world(self) -> World:
        """What the controller holds."""
        return self.server.world

    def register(self, tokens: Tokens | None = None) -> None:
        """Put the cluster into the registry, with the simulator's tokens unless others are given."""
        server, pair = self.server, self.server.token
        given = tokens or Tokens(pair.access_token, pair.refresh_token, server.client_id, server.client_secret)
        entry = NewCluster(self.name, Endpoint("http", server.host, server.port), given, vars(self.manners))
        save_clusters(self.connection, self.cipher, [entry])

    @property
    def cluster(self) -> Cluster:
        """The registry's entry as it is now."""
        return cluster_named(self.connection, self.name)

    def sync(self, **request: Any) -> SyncReport:
        """One sync; keywords as in SyncRequest."""
        request = {"client_settings": self.settings, **request}
        return sync_cluster(self.database_url, self.cipher, SyncRequest(self.cluster, **request))

    def list_each_time(self) -> None:
        """Let each sync read organizations and job templates."""
        self.execute("INSERT INTO common_settings (type, value) VALUES ('listing_minutes', '0')")

    def parse(self) -> None:
        """Stage core over all that is raw."""
        parse(self.database_url, self.cluster.id)

    def execute(self, sql: str, *parameters: object) -> None:
        """Run a statement."""
        self.connection.execute(sql.encode(), parameters)

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of a statement."""
        return self.connection.execute(sql.encode(), parameters).fetchall()

    def value(self, sql: str, *parameters: object) -> Any:
        """The one value of a statement; None for no row."""
        rows = self.query(sql, *parameters)
        return rows[0][0] if rows else None

    @property
    def watermark(self) -> datetime | None:
        """The cluster's."""
        found = self.value("SELECT last_job_finished_date FROM clusters_clustersyncstatus")
        return found if isinstance(found, datetime) else None

    def raw_jobs(self) -> dict[int, tuple[Document, bool]]:
        """The newest raw row of each job: document, provisional."""
        rows = self.query(
            "SELECT DISTINCT ON (external_id) external_id, data, provisional FROM clusters_clustersyncdata "
            "WHERE kind = 'job' ORDER BY external_id, id DESC"
        )
        return {external_id: (document, provisional) for external_id, document, provisional in rows}

    def last_run(self) -> Document:
        """The newest row of sync_run, by column."""
        cursor = self.connection.execute("SELECT * FROM pipeline.sync_run ORDER BY id DESC LIMIT 1")
        row = cursor.fetchone()
        assert row is not None
        assert cursor.description is not None
        return dict(zip([column.name for column in cursor.description], row, strict=True))


def as_raw(truth: JobTruth) -> Document:
    """The raw document of a job of which everything was read: all that is said of it, once."""
    document = {**_kept(truth.job), "job_host_summaries": [_as_part(row) for row in truth.host_summaries]}
    labels = document["summary_fields"]["labels"]
    if labels["count"] > len(labels["results"]):
        shown = {label["id"] for label in labels["results"]}
        results = sorted(truth.labels, key=lambda label: (label["id"] not in shown, label["id"]))
        document["summary_fields"] = {
            **document["summary_fields"],
            "labels": {"count": len(truth.labels), "results": results},
        }
    return document


def _as_part(summary: Document) -> Document:
    fields = {key: value for key, value in summary["summary_fields"].items() if key != "job"}
    return {**_kept(summary), "summary_fields": fields}


def _kept(document: Document) -> Document:
    return {key: value for key, value in document.items() if key not in LEFT_OUT}


def assert_raw_is_truth(rig: Rig) -> None:
    """Every finished job of the controller is a raw row, key by key, and there is no other."""
    found, truth = rig.raw_jobs(), rig.world.truth()
    assert found.keys() == truth.jobs.keys()
    for number, job in truth.jobs.items():
        assert found[number][0] == as_raw(job)


@dataclass(frozen=True)
class StoredJob:
    """A job as far as it is compared: what its row says, its labels, its host summaries."""

    name: str
    status: str
    finished: datetime
    elapsed: Decimal
    labels: frozenset[int]
    summaries: Counter[Counters]


def true_jobs(jobs: dict[int, JobTruth]) -> dict[int, StoredJob]:
    """The controller's jobs in comparable form."""
    return {number: _true_job(truth) for number, truth in jobs.items()}


def _true_job(truth: JobTruth) -> StoredJob:
    job = truth.job
    return StoredJob(
        name=job["name"],
        status=job["status"],
        finished=datetime.fromisoformat(job["finished"]),
        elapsed=Decimal(str(job["elapsed"])).quantize(Decimal("0.001")),
        labels=frozenset(label["id"] for label in truth.labels),
        summaries=Counter(map(_summary, truth.host_summaries)),
    )


def _summary(document: Document) -> Counters:
    return (document["host_name"][:255], document["failed"], *(document[name] for name in COUNTERS))


def stored_jobs(rig: Rig) -> dict[int, tuple[StoredJob, bool]]:
    """What is stored, the raw rows not parsed yet before what core has: comparable form, provisional."""
    found = _core_jobs(rig.connection)
    for number, (document, provisional) in rig.raw_jobs().items():
        summaries = document.pop("job_host_summaries")
        labels = document["summary_fields"]["labels"]["results"]
        found[number] = (_true_job(JobTruth(document, summaries, labels)), provisional)
    return found


def _core_jobs(connection: Connection) -> dict[int, tuple[StoredJob, bool]]:
    jobs = connection.execute(
        "SELECT id, external_id, COALESCE(full_name, name), status, finished, elapsed, provisional, num_hosts "
        "FROM clusters_job"
    ).fetchall()
    labels: dict[int, set[int]] = {}
    for job_id, label in connection.execute(
        "SELECT joined.job_id, label.external_id FROM clusters_joblabel joined "
        "JOIN clusters_label label ON label.id = joined.label_id"
    ):
        labels.setdefault(job_id, set()).add(label)
    summaries: dict[int, Counter[Counters]] = {}
    for job_id, *counters in connection.execute(
        f"SELECT job_id, host_name, failed, {', '.join(COUNTERS)} FROM clusters_jobhostsummary".encode()
    ):
        summaries.setdefault(job_id, Counter())[tuple(counters)] += 1
    found = {}
    for job_id, number, name, status, finished, elapsed, provisional, num_hosts in jobs:
        hosts = summaries.get(job_id, Counter())
        assert hosts.total() == num_hosts
        stored = StoredJob(name, status, finished, elapsed, frozenset(labels.get(job_id, ())), hosts)
        found[number] = (stored, provisional)
    return found
