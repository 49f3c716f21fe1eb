"""What may happen to core and to the settings between two refreshes."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from aap_pipeline.database.connection import Connection
from aap_pipeline.upkeep.archive import moving
from aap_pipeline_tests.marts.dataset import DAYS, START, Dataset, add_job, add_named, note_day, one

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Atlantic/Azores", "America/Havana")


def change_something(connection: Connection, rng: random.Random, dataset: Dataset) -> None:
    """One change, as a sync, a person or a setting would make it."""
    rng.choice(
        [
            new_job,
            reread_job,
            reread_job,
            relabel,
            drop_job,
            move_template,
            archive,
            new_rate,
            old_rate,
            override,
            new_minutes,
            exclude,
            subscribe,
            setting,
            setting,
        ]
    )(connection, rng, dataset)


def new_job(connection: Connection, rng: random.Random, dataset: Dataset) -> None:
    """A job arrives, on any day, perhaps before all others."""
    cluster = rng.choice(dataset.clusters)
    number = one(connection, "SELECT COALESCE(max(external_id), 0) + 1 FROM archive.all_jobs")
    new_host = one(connection, "SELECT COALESCE(max(external_id), 0) + 1 FROM clusters_host")
    template = of_cluster(connection, rng, "clusters_jobtemplate", cluster)
    host = add_named(connection, "clusters_host", cluster, new_host)
    dataset.hosts.append(host)
    add_job(
        connection,
        cluster,
        number,
        START + timedelta(days=rng.randint(-2, DAYS), seconds=rng.randint(0, 86_399)),
        job_template_id=template,
        organization_id=of_cluster(connection, rng, "clusters_organization", cluster),
        elapsed=Decimal(rng.randint(0, 10**6)) / 1000,
        hosts=[host],
    )


def reread_job(connection: Connection, rng: random.Random, dataset: Dataset) -> None:
    """A job was read again: another finish time, template, status, project."""
    job = any_job(connection, rng)
    if job is None:
        return
    identity, cluster, finished = job
    note_day(connection, cluster, finished)
    moved = finished + timedelta(days=rng.choice([-30, -1, 0, 0, 1, 40]))
    connection.execute(
        "UPDATE clusters_job SET finished = %s, started = %s, job_template_id = %s, status = %s, project_id = %s, "
        "elapsed = %s, "
        "launched_by_id = %s, job_type = %s WHERE id = %s",
        (
            moved,
            moved,
            rng.choice([None, of_cluster(connection, rng, "clusters_jobtemplate", cluster)]),
            rng.choice(["successful", "failed", "error"]),
            of_cluster(connection, rng, "clusters_project", cluster),
            Decimal(rng.randint(0, 10**6)) / 1000,
            of_cluster(connection, rng, "clusters_aapuser", cluster),
            rng.choice(["run", "check"]),
            identity,
        ),
    )
    note_day(connection, cluster, moved)


def relabel(connection: Connection, rng: random.Random, dataset: Dataset) -> None:
    """A job's labels are replaced."""
    job = any_job(connection, rng)
    if job is None:
        return
    identity, cluster, finished = job
    connection.execute("DELETE FROM clusters_joblabel WHERE job_id = %s", (identity,))
    connection.execute(
        "INSERT INTO clusters_joblabel (job_id, label_id) "
        "SELECT %s, id FROM clusters_label WHERE cluster_id = %s AND id %% 2 = %s",
        (identity, cluster, rng.randint(0, 1)),
    )
    note_day(connection, cluster, finished)


def drop_job(connection: Connection, rng: random.Random, dataset: Dataset) -> None:
    """A job goes, as an archive or an upkeep would have it."""
    job = any_job(connection, rng)
    if job is not None:
        connection.execute("DELETE FROM clusters_job WHERE id = %s", (job[0],))
        note_day(connection, job[1], job[2])


def move_template(connection: Connection, rng: random.Random, dataset: Dataset) -> None:
    """A template moves to another organization and is renamed, or goes: its runs stay where they were."""
    template = rng.choice(dataset.job_templates)
    cluster = int(one(connection, "SELECT cluster_id FROM clusters_jobtemplate WHERE id = %s", template))
    connection.execute(
        "UPDATE clusters_jobtemplate SET organization_id = %s, name = %s, removed_at = %s WHERE id = %s",
        (
            of_cluster(connection, rng, "clusters_organization", cluster),
            f"moved {rng.randint(0, 9)}",
            rng.choice([None, START]),
            template,
        ),
    )


def archive(connection: Connection, rng: random.Random, dataset: Dataset) -> None:
    """The oldest jobs of a cluster move to the archive."""
    parameters = {"cluster": rng.choice(dataset.clusters), "days": 1, "jobs": rng.randint(1, 5)}
    connection.execute(moving("upkeep/archive_jobs"), parameters)


def new_rate(connection: Connection, rng: random.Random, dataset: Dataset) -> None:
    """A rate changes as of today."""
    connection.execute(
        "UPDATE clusters_costs SET value = %s WHERE type = %s",
        (Decimal(rng.randint(0, 10_000)) / 100, rng.choice(["manual", "automated"])),
    )


def old_rate(connection: Connection, rng: random.Random, dataset: Dataset) -> None:
    """A rate is set from a day in the past, or from a day to come."""
    kind, value, day = any_rate(rng, "manual", "automated", "hourly", "subscription")
    connection.execute("SELECT marts.set_rate(%s, %s, %s)", (kind, value, day))


def override(connection: Connection, rng: random.Random, dataset: Dataset) -> None:
    """A cluster or an organization, with its cluster or by itself, gets a rate of its own, or loses it."""
    cluster = rng.choice(dataset.clusters)
    organization = rng.choice([0, of_cluster(connection, rng, "clusters_organization", cluster)])
    kind, value, day = any_rate(rng, "manual", "automated", "hourly")
    connection.execute(
        "SELECT marts.set_rate(%s, %s, %s, %s, %s)",
        (
            kind,
            rng.choice([None, value, value]),
            day,
            rng.choice([0, cluster]) if organization else cluster,
            organization,
        ),
    )


def any_rate(rng: random.Random, *kinds: str) -> tuple[str, Decimal, date]:
    """A rate of one of the kinds, and its first day."""
    kind = rng.choice(kinds)
    highest = {"hourly": 20_000, "subscription": 2_000_000}.get(kind, 9_999)
    return kind, Decimal(rng.randint(0, highest)) / 100, START.date() + timedelta(days=rng.choice([*range(DAYS), 3000]))


def subscribe(connection: Connection, rng: random.Random, dataset: Dataset) -> None:
    """The platform is paid by the month, people by the hour, each at a price that changes once."""
    write_setting(connection, "cost_model", '"subscription"')
    for kind in ("hourly", "hourly", "subscription", "subscription"):
        connection.execute("SELECT marts.set_rate(%s, %s, %s)", any_rate(rng, kind))


def new_minutes(connection: Connection, rng: random.Random, dataset: Dataset) -> None:
    """A template's minutes change."""
    connection.execute(
        "UPDATE clusters_jobtemplate SET time_taken_manually_execute_minutes = %s, "
        "time_taken_create_automation_minutes = %s "
        "WHERE id = %s",
        (rng.randint(1, 100), rng.randint(1, 1000), rng.choice(dataset.job_templates)),
    )


def exclude(connection: Connection, rng: random.Random, dataset: Dataset) -> None:
    """A template is left out of the savings from a day on, or taken in again."""
    connection.execute(
        "SELECT rollup.exclude_template(%s, %s, %s)",
        (rng.choice(dataset.job_templates), rng.random() < 0.7, START.date() + timedelta(days=rng.randint(-1, DAYS))),
    )


def setting(connection: Connection, rng: random.Random, dataset: Dataset) -> None:
    """A setting of the formula changes, the time zone included."""
    name, value = rng.choice(
        [
            ("enable_template_creation_time", rng.choice(["true", "false"])),
            ("creation_cost_basis", rng.choice(['"per_run"', '"once"'])),
            ("savings_population", rng.choice(['"all"', '"successful_only"'])),
            ("cost_model", rng.choice(['"per_minute"', '"subscription"'])),
            ("count_slices", rng.choice(['"each"', '"once"'])),
            ("count_check_mode", rng.choice(["true", "false"])),
            ("reporting_timezone", f'"{rng.choice(ZONES)}"'),
        ]
    )
    write_setting(connection, name, value)


def write_setting(connection: Connection, name: str, value: str) -> None:
    """Store a setting, as any program may."""
    connection.execute(
        "INSERT INTO common_settings (type, value) VALUES (%s, %s) "
        "ON CONFLICT (type) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def any_job(connection: Connection, rng: random.Random) -> tuple[int, int, Any] | None:
    """Id, cluster and finish time of a job."""
    rows = connection.execute("SELECT id, cluster_id, finished FROM clusters_job ORDER BY id").fetchall()
    return rng.choice(rows) if rows else None  # type: ignore[return-value]


def of_cluster(connection: Connection, rng: random.Random, table: str, cluster: int) -> int:
    """The id of a row of that cluster."""
    rows = connection.execute(
        f"SELECT id FROM {table} WHERE cluster_id = %s ORDER BY id".encode(), (cluster,)
    ).fetchall()
    return int(rng.choice(rows)[0])
