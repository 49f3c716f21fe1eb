"""What others delete while a batch is under way leaves no row without its parent, and no document in quarantine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from aap_pipeline.core.batch import create_incoming_job, store_batch
from aap_pipeline.core.dimensions import Ids, store
from aap_pipeline.core.parse import parse
from aap_pipeline.core.source import Document, Selection, Source, read_batches
from aap_pipeline.database.application_settings import ApplicationSettings
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline_tests.core.conftest import Interrupt, Store
from aap_pipeline_tests.core.helpers import add_raw, job, labels, values
from aap_pipeline_tests.core.tables import tables_of

_RULES = ApplicationSettings()
_LABELLED = {"labels": labels((1, "a"))}


def _only_batch(connection: Connection, cluster: int) -> list[Document]:
    create_incoming_job(connection)
    connection.commit()
    [documents] = read_batches(connection, Selection(Source.RAW, cluster), 10)
    return documents


@pytest.mark.parametrize("table", ["host", "label", "project", "jobtemplate", "aapuser"])
def test_what_is_deleted_right_after_a_batch_has_looked_it_up_is_stored_anew(
    connection: Connection, store: Store, other: Connection, before: Interrupt, table: str
) -> None:
    """Guards against rows without what they refer to, and against a document in quarantine for that."""
    store(job(1, summary_fields=_LABELLED))
    connection.execute("DELETE FROM clusters_job")
    connection.commit()
    before("core/known_jobs", lambda: other.execute(f"DELETE FROM clusters_{table}".encode()))
    result = store(job(2, summary_fields=_LABELLED))
    assert (result.jobs, result.rejected) == (1, 0)
    found = tables_of(connection, 1)
    assert (len(found.summaries[2]), found.jobs[2]["labels"]) == (1, frozenset({1}))


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
    """Guards against foreign keys that are dropped for speed, and with them a mistake of ours in an id."""
    add_raw(connection, cluster, [job(1)])
    documents = _only_batch(connection, cluster)

    def wrong(*arguments: Any) -> Ids:
        ids = store(*arguments)
        ids["host"] = dict.fromkeys(ids["host"], 999)
        return ids

    monkeypatch.setattr("aap_pipeline.core.batch.store", wrong)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        store_batch(connection, Selection(Source.RAW, cluster), documents, _RULES)
    assert values(connection, "SELECT count(*) FROM clusters_job") == [0]
    assert values(connection, "SELECT count(*) FROM clusters_clustersyncdata") == [1]
