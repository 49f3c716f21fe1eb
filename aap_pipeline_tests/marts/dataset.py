"""Generated core data: small, odd on purpose, the same for the same seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from aap_pipeline.database.connection import Connection

START = datetime(2024, 10, 20, tzinfo=UTC)
DAYS = 75
"""Long enough for two whole months with edges on both sides; a year ends, and so does summer time in many zones."""
TWICE = (
    datetime(2024, 10, 27, 0, 30, tzinfo=UTC),
    datetime(2024, 10, 27, 1, 30, tzinfo=UTC),
    datetime(2024, 11, 3, 4, 30, tzinfo=UTC),
    datetime(2024, 11, 3, 5, 30, tzinfo=UTC),
)
"""In pairs, the same half past of a clock that is set back: in Europe (in the Azores past midnight), in Havana."""


@dataclass
class Dataset:
    """Ids of what was stored, to draw filters from."""

    clusters: list[int]
    organizations: list[int]
    job_templates: list[int]
    projects: list[int]
    labels: list[int]
    users: list[int]
    hosts: list[int]
    inventories: list[int]
    launch_types: tuple[str, ...] = ("manual", "scheduled", "webhook")


def one(connection: Connection, query: Any, *parameters: Any) -> Any:
    """The first column of the first row."""
    row = connection.execute(query, parameters).fetchone()
    return row[0] if row else None


def add_cluster(connection: Connection, name: str) -> int:
    """A cluster by that name; its id."""
    return int(
        one(
            connection,
            "INSERT INTO clusters_cluster (protocol, address, port, access_token, name) "
            "VALUES ('https', %s, 443, '', %s) RETURNING id",
            name,
            name,
        )
    )


def add_named(connection: Connection, table: Any, cluster: int, number: int, **more: Any) -> int:
    """A row of a dimension's core table, by external id `number`; its id."""
    columns = ["cluster_id", "external_id", "name", *more]
    return int(
        one(
            connection,
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))}) RETURNING id",
            cluster,
            number,
            f"{table.split('_')[1]} {number}",
            *more.values(),
        )
    )


def add_job(connection: Connection, cluster: int, number: int, finished: datetime, **columns: Any) -> int:
    """A job with the given columns; `hosts` are host ids (one summary each), `labels` label ids. Its day is noted."""
    hosts = columns.pop("hosts", [])
    labels = columns.pop("labels", [])
    row = {"name": "job", "num_hosts": len(hosts), "started": finished - timedelta(seconds=5), **columns}
    names = ["cluster_id", "external_id", "finished", *row]
    job = int(
        one(
            connection,
            f"INSERT INTO clusters_job ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))}) RETURNING id",
            cluster,
            number,
            finished,
            *row.values(),
        )
    )
    cursor = connection.cursor()
    cursor.executemany(
        "INSERT INTO clusters_jobhostsummary (job_id, host_id, host_name, created, modified) "
        "VALUES (%s, %s, 'h', %s, %s)",
        [(job, host, finished, finished) for host in hosts],
    )
    cursor.executemany(
        "INSERT INTO clusters_joblabel (job_id, label_id) VALUES (%s, %s)", [(job, label) for label in labels]
    )
    note_day(connection, cluster, finished)
    return job


def note_day(connection: Connection, cluster: int, finished: datetime | None) -> None:
    """What core does for a batch: the reporting day on which a job finished has changed."""
    connection.execute(
        "INSERT INTO pipeline.changed_day (cluster_id, day) "
        "SELECT %s, (%s::timestamptz AT TIME ZONE reporting_timezone)::date FROM marts.formula "
        "WHERE %s::timestamptz IS NOT NULL",
        (cluster, finished, finished),
    )


def generate(connection: Connection, seed: int, jobs: int | None = None) -> Dataset:
    """Store a data set: one to three clusters, few dimensions each, up to 60 jobs in all, odd cases included."""
    rng, more = random.Random(seed), random.Random(f"{seed} more")
    found = Dataset([], [], [], [], [], [], [], [])
    for index in range(rng.randint(1, 3)):
        cluster = add_cluster(connection, f"c{index}")
        found.clusters.append(cluster)
        organizations = [add_named(connection, "clusters_organization", cluster, n) for n in range(rng.randint(1, 3))]
        templates = [
            add_named(
                connection,
                "clusters_jobtemplate",
                cluster,
                n,
                organization_id=rng.choice([*organizations, None]),
                time_taken_manually_execute_minutes=rng.choice([60, 1, 17, 1_000_000]),
                time_taken_create_automation_minutes=rng.choice([60, 1, 333]),
            )
            for n in range(rng.randint(1, 4))
        ]
        projects = [add_named(connection, "clusters_project", cluster, n) for n in range(rng.randint(1, 3))]
        labels = [add_named(connection, "clusters_label", cluster, n) for n in range(rng.randint(0, 4))]
        users = [add_named(connection, "clusters_aapuser", cluster, n, type="user") for n in range(rng.randint(1, 4))]
        hosts = [add_named(connection, "clusters_host", cluster, n) for n in range(rng.choice([1, 5, 12]))]
        for name, ids in (
            ("organizations", organizations),
            ("job_templates", templates),
            ("projects", projects),
            ("labels", labels),
            ("users", users),
            ("hosts", hosts),
        ):
            getattr(found, name).extend(ids)
        inventories = [add_named(connection, "clusters_inventory", cluster, n) for n in range(more.randint(1, 3))]
        found.inventories.extend(inventories)
        for number in range(rng.randint(0, 20) if jobs is None else jobs):
            job = add_random_job(
                connection, rng, cluster, number, organizations, templates, projects, labels, users, hosts
            )
            connection.execute(
                "UPDATE clusters_job SET inventory_id = %s, launch_type = %s, job_slice_number = %s WHERE id = %s",
                (
                    more.choice([*inventories, None]),
                    more.choice(found.launch_types),
                    more.choice([None, 0, 0, 0, 1, 2]),
                    job,
                ),
            )
    return found


def add_random_job(
    connection: Connection,
    rng: random.Random,
    cluster: int,
    number: int,
    organizations: list[int],
    templates: list[int],
    projects: list[int],
    labels: list[int],
    users: list[int],
    hosts: list[int],
) -> int:
    """One job, like the controller's or odd: no template, no hosts, a midnight, an hour that occurs twice."""
    status = rng.choice(["successful"] * 5 + ["failed"] * 3 + ["error", "canceled"])
    moment = START + timedelta(
        days=rng.randint(0, DAYS - 1), seconds=rng.choice([0, 1, 43_200, 86_399, rng.randint(0, 86_399)])
    )
    if rng.random() < 0.1:
        moment = rng.choice(TWICE)
    chosen = rng.sample(hosts, rng.randint(0, len(hosts)))
    return add_job(
        connection,
        cluster,
        number,
        moment,
        status=status,
        elapsed=Decimal(rng.choice([0, 1, 12_345, 60_000, rng.randint(0, 10**8)])) / 1000,
        job_type=rng.choice(["run"] * 5 + ["check", "scan"]),
        organization_id=rng.choice([*organizations, *organizations, None]),
        job_template_id=rng.choice([*templates, *templates, None]),
        project_id=rng.choice([*projects, *projects, None]),
        launched_by_id=rng.choice([*users, *users, None]),
        provisional=not chosen and rng.random() < 0.5,
        failed=status == "failed",
        changed_hosts_count=len(chosen) // 2,
        failed_hosts_count=len(chosen) // 3,
        hosts=chosen,
        labels=rng.sample(labels, rng.randint(0, len(labels))),
    )
