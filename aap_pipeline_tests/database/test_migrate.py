"""The database reaches this release's schema once, whoever asks and how often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from aap_pipeline.database.connection import connect
from aap_pipeline.database.migrate import migrate, schema_state
from aap_pipeline.errors import PipelineError


def test_migrating_twice_changes_nothing_the_second_time(empty_database_url: str) -> None:
    """Guards against revisions that fail on a database that has them."""
    before = migrate(empty_database_url)
    assert before.current is None
    assert migrate(empty_database_url).up_to_date
    assert schema_state(empty_database_url).up_to_date


def test_check_of_an_empty_database_says_so_and_changes_nothing(empty_database_url: str) -> None:
    """Guards against a check that migrates."""
    assert schema_state(empty_database_url).current is None
    assert schema_state(empty_database_url).current is None


def test_programs_that_migrate_at_once_wait_for_each_other(empty_database_url: str) -> None:
    """Guards against two starters that both create the tables: one would fail."""
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(lambda _: migrate(empty_database_url), range(4)))
    assert sorted(state.up_to_date for state in states) == [False, True, True, True]


def test_a_database_from_the_future_is_refused(database_url: str) -> None:
    """Guards against an old release that writes into a schema it does not know."""
    with connect(database_url) as connection:
        connection.execute("UPDATE pipeline.schema_version SET version_num = '9999'")
    with pytest.raises(PipelineError, match="schema 9999, newer than this release's"):
        migrate(database_url)
