"""References checked once a batch hold as well as those checked row by row: nothing is left without its parent."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from aap_pipeline.core.batch import Rules, store_batch
from aap_pipeline.core.dimensions import Ids, NewTemplateMinutes, store
from aap_pipeline.core.parse import parse
from aap_pipeline.core.references import ReferenceGone, obstacle
from aap_pipeline.core.source import Bounds, Document, Selection, Source, read_batches
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.migrate import migrate
from aap_pipeline.database.statements import statement
from aap_pipeline_tests.core.conftest import Interrupt, Store
from aap_pipeline_tests.core.helpers import add_cluster, add_raw, job, labels, summary, values
from aap_pipeline_tests.core.oracle import Oracle
from aap_pipeline_tests.core.tables import assert_same, tables_of

_RULES = Rules(NewTemplateMinutes(60, 60), keep_archive=False)
_LABELLED = {"labels": labels((1, "a"))}


def _only_batch(connection: Connection, cluster: int) -> list[Document]:
    connection.execute(statement("core/create_incoming_job"))
    connection.commit()
    [documents] = read_batches(connection, Selection(Source.RAW, cluster), Bounds(10, 10**6))
    return documents


@pytest.fixture(params=["once a batch", "row by row"])
def row_by_row(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both ways in which references are checked."""
    if request.param == "row by row":
        monkeypatch.setattr("aap_pipeline.core.references.obstacle", lambda _: "The test says so.")
        return True
    return False


@pytest.mark.parametrize("table", ["host", "label", "project", "jobtemplate", "aapuser"])
def test_what_is_deleted_right_after_a_batch_has_looked_it_up_is_stored_anew(
    connection: Connection, store: Store, other: Connection, before: Interrupt, row_by_row: bool, table: str
) -> None:
    """Guards against rows without what they refer to, and against a document in quarantine for that."""
    store(job(1, summary_fields=_LABELLED))
    connection.execute("DELETE FROM clusters_job")
    connection.commit()
    before(
        "core/known_jobs" if row_by_row else "core/hold_references",
        lambda: other.execute(f"DELETE FROM clusters_{table}".encode()),
    )
    result = store(job(2, summary_fields=_LABELLED))
    assert (result.jobs, result.rejected) == (1, 0)
    found = tables_of(connection, 1)
    assert (len(found.summaries[2]), found.jobs[2]["labels"]) == (1, frozenset({1}))


def test_nobody_can_delete_what_a_batch_refers_to_until_it_commits(
    connection: Connection, store: Store, other: Connection, before: Interrupt
) -> None:
    """Guards against a parent that goes between the check and the rows that refer to it."""
    refused: list[str] = []
    tables = [
        *("cluster", "organization", "jobtemplate", "project", "inventory", "executionenvironment", "instancegroup"),
        *("aapuser", "label", "host", "job"),
    ]

    def delete() -> None:
        for table in tables:
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute(f"DELETE FROM clusters_{table}".encode())
            refused.append(table)

    named = {"execution_environment": {"id": 3, "name": "ee"}, "instance_group": {"id": 4, "name": "ig"}}
    store(job(1, summary_fields={**_LABELLED, **named}))
    connection.execute("DELETE FROM clusters_jobhostsummary")
    connection.execute("DELETE FROM clusters_joblabel")
    connection.commit()
    before("core/copy_host_summaries", delete)
    store(job(1, name="read again", summary_fields={**_LABELLED, **named}))
    assert refused == tables
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        other.execute("DELETE FROM clusters_host")


@pytest.mark.usefixtures("row_by_row")
def test_a_batch_waits_for_the_end_of_a_delete_under_way(
    connection: Connection, store: Store, database_url: str, cluster: int
) -> None:
    """Guards against a host that is still visible while somebody's delete of it is about to be committed."""
    store(job(1))
    connection.execute("DELETE FROM clusters_job")
    connection.commit()
    add_raw(connection, cluster, [job(2)])
    with ThreadPoolExecutor(1) as pool, connect(database_url) as deleting:
        deleting.execute("DELETE FROM clusters_host")
        parsing = pool.submit(parse, database_url, cluster)
        while not values(
            connection,
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        ):
            assert not parsing.done()
        deleting.commit()
        assert parsing.result().jobs == 1
    assert len(tables_of(connection, cluster).summaries[2]) == 1


def test_a_batch_read_ahead_stores_nothing_that_another_parse_took(
    connection: Connection, store: Store, cluster: int
) -> None:
    """Guards against an older document that comes back over a newer one, long after its raw row went."""
    add_raw(connection, cluster, [job(1, name="older")])
    documents = _only_batch(connection, cluster)
    store(job(1, name="newer"))
    stored = store_batch(connection, Selection(Source.RAW, cluster), documents, _RULES)
    connection.commit()
    assert (stored.documents, stored.jobs) == (0, 0)
    assert values(connection, "SELECT name FROM clusters_job") == ["newer"]


def test_a_cluster_purged_while_its_batch_was_read_ahead_is_no_error(
    connection: Connection, store: Store, other: Connection, before: Interrupt
) -> None:
    """Guards against a parse that looks for the parents of rows that it no longer has."""
    before("core/claim_raw", lambda: other.execute("DELETE FROM clusters_cluster"))
    result = store(job(1), job(2))
    assert (result.jobs, result.rejected) == (0, 0)
    assert values(connection, "SELECT count(*) FROM clusters_job") == [0]


def test_a_missing_host_is_refused_and_nothing_is_stored(
    connection: Connection, cluster: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a mistake of ours in an id that no foreign key would see."""
    add_raw(connection, cluster, [job(1)])
    documents = _only_batch(connection, cluster)

    def wrong(*arguments: Any) -> Ids:
        ids = store(*arguments)
        ids.hosts = dict.fromkeys(ids.hosts, 999)
        return ids

    monkeypatch.setattr("aap_pipeline.core.batch.store", wrong)
    with pytest.raises(ReferenceGone, match="1 are gone"):
        store_batch(connection, Selection(Source.RAW, cluster), documents, _RULES)
    assert values(connection, "SELECT count(*) FROM clusters_job") == [0]
    assert values(connection, "SELECT count(*) FROM clusters_clustersyncdata") == [1]
    assert values(connection, "SHOW session_replication_role") == ["origin"]


def test_rows_are_checked_again_after_a_batch_and_after_an_error_in_it(
    connection: Connection, cluster: int, before: Interrupt
) -> None:
    """Guards against a session that goes on without foreign keys."""

    def fail() -> None:
        raise RuntimeError("in the middle of it")

    add_raw(connection, cluster, [job(1, summary_fields=_LABELLED)])
    documents = _only_batch(connection, cluster)
    for name in ("core/copy_host_summaries", "core/replace_labels"):
        before(name, fail)
        with pytest.raises(RuntimeError):
            store_batch(connection, Selection(Source.RAW, cluster), documents, _RULES)
        assert values(connection, "SHOW session_replication_role") == ["origin"]
    seen: list[Any] = []
    before("core/replace_labels", lambda: seen.extend(connection.execute("SHOW session_replication_role")))
    before("core/note_changed_days", lambda: seen.extend(connection.execute("SHOW session_replication_role")))
    assert store_batch(connection, Selection(Source.RAW, cluster), documents, _RULES).jobs == 1
    assert seen == [("replica",), ("origin",)]
    assert values(connection, "SHOW session_replication_role") == ["origin"]


@pytest.fixture
def owner_url(empty_database_url: str) -> Iterator[str]:
    """URL of a migrated database in the hands of a role that is no superuser."""
    with connect(empty_database_url, autocommit=True) as administrator:
        administrator.execute("CREATE ROLE plain_owner CREATEROLE")
        administrator.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO plain_owner', current_database()); END $$"
        )
        url = f"{empty_database_url}?options=-c%20role%3Dplain_owner"
        migrate(url)
        yield url
        administrator.execute("DROP OWNED BY plain_owner CASCADE")
        administrator.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO CURRENT_USER', current_database()); END $$"
        )
        administrator.execute("DROP ROLE plain_owner")


def test_a_role_without_the_right_stores_the_same_row_by_row(owner_url: str, empty_database_url: str) -> None:
    """Guards against a parse that needs an administrator's favour, and a favour that changes what is stored."""
    documents = [
        job(n, summary_fields=_LABELLED, job_host_summaries=[summary(n * 9 + h, n, h, f"h{h}") for h in range(1, 4)])
        for n in range(1, 30)
    ]
    with connect(owner_url) as connection:
        assert "GRANT SET ON PARAMETER session_replication_role TO plain_owner`" in str(obstacle(connection))
        for turn in range(2):
            cluster, oracle = add_cluster(connection, f"{turn}.example.com"), Oracle()
            add_raw(connection, cluster, documents)
            for document in documents:
                oracle.take(document)
            parse(owner_url, cluster, batch_size=7)
            assert_same(tables_of(connection, cluster), oracle)
            if turn == 0:
                with connect(empty_database_url, autocommit=True) as administrator:
                    administrator.execute("GRANT SET ON PARAMETER session_replication_role TO plain_owner")
                assert obstacle(connection) is None
