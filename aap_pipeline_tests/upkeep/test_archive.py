"""The archive: the same columns, one place for each job, and no harm from a kill."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from aap_pipeline.core.parse import parse
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.upkeep.archive import archive
from aap_pipeline_tests.core.helpers import add_cluster, add_raw, job, labels

JOBS = 12


@pytest.fixture
def cluster(connection: Connection, database_url: str) -> int:
    """A cluster with old jobs, of which those older than a day are to be archived."""
    cluster = add_cluster(connection)
    store(connection, database_url, cluster, range(1, JOBS + 1))
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('archive_after_days', '1')")
    connection.commit()
    return cluster


def store(connection: Connection, url: str, cluster: int, numbers: range) -> None:
    documents = [job(n, summary_fields={"labels": labels((1, "l"))}) for n in numbers]
    add_raw(connection, cluster, documents, "job")
    parse(url, cluster)


def places(connection: Connection) -> tuple[int, int, int]:
    """Jobs in core, in the archive, and different ones in both."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM clusters_job), (SELECT count(*) FROM archive.clusters_job), "
        "(SELECT count(DISTINCT external_id) FROM archive.all_jobs)"
    ).fetchone()
    assert row is not None
    connection.commit()
    return (row[0], row[1], row[2])


def test_the_archive_has_the_columns_of_core_in_their_order(connection: Connection) -> None:
    """Guards against a migration that adds a column to one of the two: archiving would fail, or shift values."""
    columns = (
        "SELECT array_agg((attname, atttypid, atttypmod)::text ORDER BY attnum) FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0"
    )
    for table in ("clusters_job", "clusters_joblabel", "clusters_jobhostsummary"):
        both = [connection.execute(columns, [f"{schema}.{table}"]).fetchone() for schema in ("public", "archive")]
        assert both[0] == both[1], table


def test_a_killed_pass_leaves_each_job_in_one_place_and_the_next_goes_on(connection: Connection, cluster: int) -> None:
    """Guards against jobs that count twice or not at all after a kill."""

    def killed(moved: int) -> None:
        if moved >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        archive(connection, batch_jobs=4, progress=killed)
    connection.rollback()
    assert places(connection) == (4, 8, JOBS)
    done = archive(connection, batch_jobs=4)
    assert done["archived_jobs"] == 4
    assert places(connection) == (0, JOBS, JOBS)
    assert set(archive(connection).values()) == {0}


def test_a_process_killed_in_the_middle_of_a_batch_takes_nothing_with_it(
    connection: Connection, database_url: str, cluster: int
) -> None:
    """Guards against half a batch: jobs without their host summaries, or in both places."""
    program = (
        "import sys; from aap_pipeline.upkeep.archive import archive; "
        "from aap_pipeline.database.connection import connect; "
        "archive(connect(sys.stdin.readline()), batch_jobs=4)"
    )
    with connect(database_url) as holder:  # one host summary that the child wants to delete: it waits there
        holder.execute("SELECT id FROM clusters_jobhostsummary LIMIT 1 FOR UPDATE")
        with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, text=True) as child:
            assert child.stdin is not None
            child.stdin.write(database_url)
            child.stdin.close()
            while not waiting(connection):
                assert child.poll() is None
            child.kill()
    while waiting(connection):  # until the server has noticed
        pass
    core, archived, different = places(connection)
    assert core + archived == different == JOBS
    archive(connection)
    assert places(connection) == (0, JOBS, JOBS)
    row = connection.execute("SELECT count(*) FROM archive.clusters_jobhostsummary").fetchone()
    assert row == (JOBS,)


def waiting(connection: Connection) -> bool:
    """Whether somebody waits for a lock in this database."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
    ).fetchone()
    connection.commit()
    return bool(row and row[0])


def test_a_job_that_is_read_again_leaves_the_archive(connection: Connection, database_url: str, cluster: int) -> None:
    """Guards against a job that counts twice because it was changed after it was archived."""
    archive(connection)
    store(connection, database_url, cluster, range(3, 5))
    assert places(connection) == (2, JOBS - 2, JOBS)
    archive(connection)
    assert places(connection) == (0, JOBS, JOBS)


def test_the_day_on_which_an_archived_job_finished_is_noted_when_it_moves(
    connection: Connection, database_url: str, cluster: int
) -> None:
    """Guards against a day of the marts that keeps a run which another answer puts on another day."""
    archive(connection)
    add_raw(connection, cluster, [job(3, started="2026-04-01T00:00:00Z", finished="2026-04-02T00:00:00Z")])
    assert parse(database_url, cluster).changed_days == {date(2026, 3, 1), date(2026, 4, 2)}


def test_a_purged_cluster_leaves_nothing_in_the_archive(connection: Connection, cluster: int) -> None:
    """Guards against history of a customer who left."""
    archive(connection)
    connection.execute("DELETE FROM clusters_cluster WHERE id = %s", [cluster])
    connection.commit()
    assert places(connection) == (0, 0, 0)
