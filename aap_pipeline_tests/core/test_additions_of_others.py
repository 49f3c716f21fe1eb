"""What somebody adds to the tables of jobs (triggers, rules, references) works as ever, at the price of row by row."""

from __future__ import annotations

import psycopg
import pytest

from aap_pipeline.core.parse import ParseResult, parse
from aap_pipeline.core.references import obstacle
from aap_pipeline.database.connection import Connection
from aap_pipeline_tests.core.conftest import Interrupt, Store
from aap_pipeline_tests.core.helpers import add_raw, job, labels, values

_LABELLED = {"labels": labels((1, "a"))}
_SEEN = """
    CREATE TABLE seen (id BIGINT);
    CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO seen VALUES (NEW.id); RETURN NULL; END $$;
"""
_THEIRS = "CREATE TRIGGER theirs AFTER INSERT ON clusters_{} FOR EACH ROW EXECUTE FUNCTION see()"


@pytest.mark.parametrize("table", ["job", "joblabel", "jobhostsummary"])
def test_triggers_of_somebody_else_fire_as_ever(connection: Connection, store: Store, table: str) -> None:
    """Guards against triggers that are skipped together with the checks of references."""
    connection.execute(_SEEN)
    connection.execute(_THEIRS.format(table).encode())
    connection.commit()
    store(job(1, summary_fields=_LABELLED), job(2, summary_fields=_LABELLED))
    assert values(connection, "SELECT count(*) FROM seen") == [2]
    assert "theirs" in str(obstacle(connection))


def test_references_of_somebody_else_are_checked_as_ever(connection: Connection, store: Store) -> None:
    """Guards against a reference to a table that core does not hold."""
    connection.execute(
        """
        CREATE TABLE allowed (name TEXT PRIMARY KEY);
        ALTER TABLE clusters_job ADD CONSTRAINT theirs FOREIGN KEY (type) REFERENCES allowed (name);
        INSERT INTO allowed VALUES ('job');
        """
    )
    connection.commit()
    result = store(job(1), job(2, type="other"))
    assert (result.jobs, result.rejected) == (1, 1)
    assert "theirs" in str(obstacle(connection))


@pytest.mark.parametrize("table", ["joblabel", "jobhostsummary"])
def test_what_somebody_keeps_about_a_row_goes_with_it(connection: Connection, store: Store, table: str) -> None:
    """Guards against notes of somebody's about host summaries and labels that a job read again leaves without them."""
    store(job(1, summary_fields=_LABELLED))
    connection.execute(
        f"""
        CREATE TABLE note (about BIGINT CONSTRAINT theirs REFERENCES clusters_{table} ON DELETE CASCADE);
        INSERT INTO note SELECT id FROM clusters_{table};
        """.encode()
    )
    connection.commit()
    store(job(1))
    assert values(connection, f"SELECT count(*) FROM note WHERE about NOT IN (SELECT id FROM clusters_{table})") == [0]
    assert "theirs" in str(obstacle(connection))


def test_rules_of_somebody_else_apply_as_ever(connection: Connection, store: Store) -> None:
    """Guards against a rule that is skipped together with the checks of references."""
    connection.execute(
        """
        CREATE TABLE gone (id BIGINT);
        CREATE RULE theirs AS ON DELETE TO clusters_jobhostsummary DO ALSO INSERT INTO gone VALUES (OLD.id);
        """
    )
    connection.commit()
    store(job(1))
    store(job(1))
    assert values(connection, "SELECT count(*) FROM gone") == [1]
    assert "theirs" in str(obstacle(connection))


def test_a_trigger_that_comes_during_a_parse_fires_from_the_next_batch_on(
    connection: Connection, database_url: str, cluster: int
) -> None:
    """Guards against a first sync of an hour that does not see what somebody added after its first second."""
    connection.execute(_SEEN)
    connection.commit()
    add_raw(connection, cluster, [job(number) for number in range(1, 5)])

    def add_trigger(result: ParseResult) -> None:
        if result.batches == 1:
            connection.execute(_THEIRS.format("job").encode())
            connection.commit()

    parse(database_url, cluster, batch_size=1, progress=add_trigger)
    assert values(connection, "SELECT count(*) FROM seen") == [3]


def test_a_trigger_waits_for_the_batch_that_did_not_see_it(
    connection: Connection, store: Store, other: Connection, before: Interrupt
) -> None:
    """Guards against a trigger that comes between a batch's look and its rows."""

    def add_trigger() -> None:
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute(_THEIRS.format("jobhostsummary").encode())

    connection.execute(_SEEN)
    connection.commit()
    before("core/hold_references", add_trigger)
    assert store(job(1)).jobs == 1
