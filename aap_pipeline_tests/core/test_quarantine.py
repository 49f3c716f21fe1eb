"""Quarantine holds the newest refused document of a record, whatever order things happen in; nothing newer is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aap_pipeline.core import rejected
from aap_pipeline.core.parse import parse, rebuild
from aap_pipeline.database.connection import Connection
from aap_pipeline.documents.raw_documents import RawJob
from aap_pipeline.errors import PipelineError
from aap_pipeline.raw.store import RawStore
from aap_pipeline_tests.core.conftest import Interrupt, Store
from aap_pipeline_tests.core.helpers import job, summary, values


def _arrives(connection: Connection, cluster: int, document: dict[str, Any]) -> None:
    """Stage raw keeps a document as a sync does: one with a NUL character goes straight to quarantine."""
    RawStore(connection, cluster).write([RawJob("job", document["id"], None, json.dumps(document).encode())])
    connection.commit()


def test_a_document_that_raw_refuses_takes_the_place_of_the_one_before(connection: Connection, cluster: int) -> None:
    """Guards against two documents of one job in quarantine, of which the older one may be replayed last."""
    for name in ("first\0", "second\0"):
        _arrives(connection, cluster, job(1, name=name))
    [record] = rejected.list_rejected(connection)
    assert (record["attempts"], record["reason"]) == (2, "unstorable_text")
    assert "second" in rejected.show(connection, record["id"])["document"]


@pytest.mark.parametrize("older", [job(1, name="older"), job(1, status="exploded")], ids=["good", "refused"])
def test_an_older_raw_row_does_not_displace_what_raw_refused_meanwhile(
    connection: Connection, database_url: str, cluster: int, older: dict[str, Any]
) -> None:
    """Guards against a newer answer dropped because the parse of the one before came late, after a failed run."""
    _arrives(connection, cluster, older)
    _arrives(connection, cluster, job(1, name="newer\0"))
    parse(database_url, cluster)
    [record] = rejected.list_rejected(connection)
    assert "newer" in rejected.show(connection, record["id"])["document"]
    _arrives(connection, cluster, job(1, name="newest"))
    parse(database_url, cluster)
    assert rejected.list_rejected(connection) == []
    assert values(connection, "SELECT name FROM clusters_job") == ["newest"]


def test_a_replay_leaves_alone_what_was_refused_since_it_looked(
    connection: Connection, store: Store, database_url: str, cluster: int, before: Interrupt
) -> None:
    """Guards against a replay that takes away a newer document than the one that it stores."""
    store(job(1, status="exploded"))
    connection.execute("UPDATE pipeline.rejected_record SET document = replace(document, 'exploded', 'failed')")
    connection.commit()
    before("core/claim_rejected", lambda: _arrives(connection, cluster, job(1, name="newer\0")))
    assert rejected.replay(database_url).jobs == 0
    [record] = rejected.list_rejected(connection)
    assert "newer" in rejected.show(connection, record["id"])["document"]


def test_a_replay_drops_an_archive_that_is_no_longer_kept(
    connection: Connection, store: Store, database_url: str, cluster: int
) -> None:
    """Guards against a rebuild that brings back values older than what a replay stored without archiving it."""
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('raw_retention_days', '30')")
    connection.commit()
    store(job(1, name="old"), job(1, name="new", status="exploded"))
    store(job(1, name="old"))
    store(job(1, name="new", status="exploded"))
    connection.execute("UPDATE common_settings SET value = '0' WHERE type = 'raw_retention_days'")
    connection.execute("UPDATE pipeline.rejected_record SET document = replace(document, 'exploded', 'failed')")
    connection.commit()
    assert rejected.replay(database_url).jobs == 1
    with pytest.raises(PipelineError):
        rebuild(database_url, cluster)
    assert values(connection, "SELECT name FROM clusters_job") == ["new"]


def test_what_the_server_finds_twice_in_one_statement_stops_no_parse(
    connection: Connection, store: Store, database_url: str
) -> None:
    """Guards against two host names made to have one MD5, by which hosts without an id are indexed: the server refuses
    to touch one row twice, in every parse from then on. The trigger stands in for such a pair."""
    connection.execute(
        """
        CREATE FUNCTION twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.name = 'forged' THEN RAISE EXCEPTION 'a second time' USING ERRCODE = 'cardinality_violation'; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER theirs BEFORE INSERT ON clusters_host FOR EACH ROW EXECUTE FUNCTION twice();
        """
    )
    connection.commit()
    result = store(job(1), job(2, job_host_summaries=[summary(1, 2, None, "forged")]), job(3))
    assert (result.jobs, result.rejected) == (2, 1)
    assert [record["reason"] for record in rejected.list_rejected(connection)] == ["refused_by_database"]
