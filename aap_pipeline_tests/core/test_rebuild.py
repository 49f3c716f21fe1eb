"""A rebuild from the archive gives the tables that the history gave, in whatever batches, and beside a sync."""

from __future__ import annotations

import random
from typing import Any

import pytest

from aap_pipeline.core import rejected
from aap_pipeline.core.batch import ParseResult
from aap_pipeline.core.parse import parse, rebuild
from aap_pipeline.database.connection import Connection
from aap_pipeline_tests.core.helpers import add_raw, job, labels, summary, template, values
from aap_pipeline_tests.core.tables import assert_same, tables_of


@pytest.fixture(autouse=True)
def _archive_kept(connection: Connection) -> None:
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('raw_retention_days', '30')")
    connection.commit()


def _documents(rng: random.Random, turn: int) -> list[tuple[str, dict[str, Any], bool]]:
    """What a sync may bring of three jobs, templates and organizations: kind, document, whether it is provisional."""
    number, other = rng.randint(1, 3), rng.randint(1, 3)
    named: dict[str, Any] = {
        "job_template": {"id": other, "name": f"T{turn}"},
        "project": {"id": other, "name": f"P{turn}", **({"description": f"p{turn}"} if rng.random() < 0.5 else {})},
        "labels": labels(*((n, f"L{turn}") for n in range(1, 4) if rng.random() < 0.5)),
    }
    read = job(
        number,
        status=rng.choice(["successful", "failed", "exploded"]),
        job_template=other,
        project=other,
        launched_by={"id": other, "name": f"U{turn}", "type": "user"},
        summary_fields=named,
        job_host_summaries=[summary(n, number, n, f"H{turn}") for n in range(1, rng.randint(1, 4))],
    )
    own_name = f"listed {turn}" if rng.random() < 0.7 else "exploded\n" * 57  # too long, until an upgrade
    return [
        ("job", read, rng.random() < 0.3),
        rng.choice(
            [
                ("job_template", template(other, own_name, number), False),
                ("organization", {"id": number, "name": own_name}, False),
                ("job_template_gone", {}, False),
                ("job_settled", {"ids": [number, other]}, False),
            ]
        ),
    ]


def _live(connection: Connection, url: str, cluster: int, rng: random.Random) -> None:
    """Syncs, refusals, and upgrades that understand what was refused."""
    for turn in range(rng.randint(5, 25)):
        for kind, document, provisional in _documents(rng, turn):
            if kind == "job_template_gone":  # stage raw says so only of those that are stored
                document["ids"] = values(connection, "SELECT external_id FROM clusters_jobtemplate")
            add_raw(connection, cluster, [document], kind, provisional=provisional)
        if rng.random() < 0.6:
            parse(url, cluster, batch_size=rng.choice([1, 2, 3, 50]))
        if rng.random() < 0.2:
            connection.execute(
                "UPDATE pipeline.rejected_record "
                r"SET document = replace(replace(document, '\nexploded', ''), 'exploded', 'failed')"
            )
            connection.commit()
            rejected.replay(url)
    parse(url, cluster)


def _exact(connection: Connection) -> list[Any]:
    return values(connection, "SELECT external_id, removed_at FROM clusters_jobtemplate ORDER BY 1")


@pytest.mark.parametrize("seed", range(12))
def test_a_rebuild_of_a_random_history_gives_identical_tables(
    connection: Connection, database_url: str, cluster: int, seed: int
) -> None:
    """Guards against tables that depend on which documents shared a batch, were replayed, or came first."""
    rng = random.Random(seed)
    _live(connection, database_url, cluster, rng)
    expected, removed = tables_of(connection, cluster), _exact(connection)
    connection.commit()
    batch_size = rng.choice([1, 2, 7, 2_000])
    rebuild(database_url, cluster, batch_size=batch_size)
    assert_same(tables_of(connection, cluster), expected)
    assert _exact(connection) == removed
    for table in ("job", "jobtemplate", "organization", "project", "inventory", "aapuser", "host", "label"):
        connection.execute(f"DELETE FROM clusters_{table}".encode())
    connection.commit()
    rebuild(database_url, cluster, batch_size=batch_size)
    assert_same(tables_of(connection, cluster), expected)
    assert _exact(connection) == removed


def test_a_sync_during_a_rebuild_has_the_last_word(connection: Connection, database_url: str, cluster: int) -> None:
    """Guards against a rebuild that puts documents it read before over what a sync stored meanwhile, and ends."""
    for name in ("first", "second"):
        add_raw(connection, cluster, [job(1, name=name), job(2, name=name)])
        parse(database_url, cluster)
    told: list[int] = []

    def sync(result: ParseResult) -> None:
        if not told:
            add_raw(connection, cluster, [job(2, name="newest", job_host_summaries=[])])
            parse(database_url, cluster)
        told.append(result.jobs)

    rebuild(database_url, cluster, sync, batch_size=1)
    assert values(connection, "SELECT external_id, name, num_hosts FROM clusters_job ORDER BY 1") == [
        (1, "second", 1),
        (2, "newest", 0),
    ]
