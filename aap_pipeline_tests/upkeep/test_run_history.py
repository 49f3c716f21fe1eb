"""Dagster's memory of past runs in PostgreSQL: bounded, without a hole where somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import (
    AssetCheckResult,
    AssetKey,
    DagsterInstance,
    DynamicPartitionsDefinition,
    MaterializeResult,
    asset,
    asset_check,
    materialize,
)

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.orchestration.jobs import LOCATION, LOCATION_TAG, nightly
from aap_pipeline.runtime.instance import dagster_instance
from aap_pipeline.settings import Settings
from aap_pipeline.upkeep.clean_up import forget_runs

OURS = {LOCATION_TAG: LOCATION}


@asset(partitions_def=DynamicPartitionsDefinition(name="places"))
def thing() -> MaterializeResult[None]:
    """Dagster keeps what its step writes to the console."""
    return MaterializeResult(metadata={"rows": 1})


@asset_check(asset=thing)
def well() -> AssetCheckResult:
    """Passes."""
    return AssetCheckResult(passed=True)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Dagster's files."""
    return tmp_path / "home"


@pytest.fixture
def instance(database_url: str, home: Path) -> Iterator[DagsterInstance]:
    """An instance with its storage in the database, and two partitions."""
    with dagster_instance(Settings(home=home), database_url) as found:
        found.add_dynamic_partitions("places", ["berlin", "tokyo"])
        yield found


@pytest.fixture
def connection(database_url: str, instance: DagsterInstance) -> Iterator[Connection]:
    """To the database of the instance."""
    assert instance
    with connect(database_url) as found:
        yield found


def run(instance: DagsterInstance, place: str, tags: dict[str, str] = OURS) -> str:
    """A run that succeeds; its id."""
    return materialize([thing, well], instance=instance, partition_key=place, tags=tags).run_id


def age(connection: Connection, days: int, *runs: str) -> None:
    """Make `runs` as old as if they had ended `days` ago."""
    connection.execute(
        "UPDATE dagster.runs SET update_timestamp = update_timestamp - %s * interval '1 day' WHERE run_id = ANY(%s)",
        [days, list(runs)],
    )
    connection.commit()


def left(connection: Connection, run_id: str) -> list[int]:
    """How many rows each of Dagster's tables still has of a run: runs, events, check results."""
    tables = ("runs", "event_logs", "asset_check_executions")
    question = " UNION ALL ".join(f"SELECT count(*) FROM dagster.{table} WHERE run_id = %(run)s" for table in tables)
    return [int(row[0]) for row in connection.execute(question.encode(), {"run": run_id})]


def test_old_runs_are_forgotten_with_all_that_they_left(
    instance: DagsterInstance, connection: Connection, home: Path
) -> None:
    """Guards against a database and a folder that grow by a gigabyte a day until the disk is full."""
    old, young, newest = (run(instance, "berlin") for _ in range(3))
    age(connection, 8, old)
    output = home / "dagster" / "storage" / old
    assert output.is_dir()
    assert all(left(connection, old))
    assert forget_runs(connection, instance) == 1
    assert left(connection, old) == [0, 0, 0]
    assert not output.exists()
    assert all(left(connection, young) + left(connection, newest))
    assert forget_runs(connection, instance) == 0


def test_the_newest_success_of_a_partition_stays_however_old(instance: DagsterInstance, connection: Connection) -> None:
    """Guards against a disabled cluster whose partition looks as if it had never been synced."""
    first, second, tokyo = run(instance, "berlin"), run(instance, "berlin"), run(instance, "tokyo")
    age(connection, 400, first, second, tokyo)
    assert forget_runs(connection, instance) == 1
    assert not any(left(connection, first))
    assert all(left(connection, second) + left(connection, tokyo))
    assert instance.get_materialized_partitions(AssetKey("thing")) == {"berlin", "tokyo"}


def test_failed_runs_stay_for_a_month_and_other_peoples_for_ever(
    instance: DagsterInstance, connection: Connection
) -> None:
    """Guards against a failure that is gone before Monday, and against clearing what is not ours to clear."""
    failed, older, theirs, newest = (
        run(instance, "berlin"),
        run(instance, "berlin"),
        run(instance, "berlin", {LOCATION_TAG: "theirs"}),
        run(instance, "berlin"),
    )
    connection.execute("UPDATE dagster.runs SET status = 'FAILURE' WHERE run_id = ANY(%s)", [[failed, older]])
    age(connection, 29, failed)
    age(connection, 31, older, theirs, newest)
    assert forget_runs(connection, instance) == 1
    assert not any(left(connection, older))
    assert all(left(connection, failed) + left(connection, theirs) + left(connection, newest))


def test_runs_of_another_dagsters_storage_are_left_alone(instance: DagsterInstance, connection: Connection) -> None:
    """Guards against a Dagster with its storage elsewhere that forgets half of what `sync` noted in the warehouse."""
    runs = [run(instance, "berlin") for _ in range(3)]
    age(connection, 400, *runs)
    with DagsterInstance.ephemeral() as another:
        assert forget_runs(connection, another, batch=1) == 0
    assert all(left(connection, runs[0]))


def test_nightly_runs_stay_for_a_month(instance: DagsterInstance, connection: Connection) -> None:
    """Guards against charts of nightly figures that begin a week ago."""
    older, month, newest = (run(instance, "berlin") for _ in range(3))
    connection.execute("UPDATE dagster.runs SET pipeline_name = %s", [nightly.name])
    age(connection, 29, month)
    age(connection, 31, older)
    assert forget_runs(connection, instance) == 1
    assert not any(left(connection, older))
    assert all(left(connection, month) + left(connection, newest))


def test_a_heap_of_old_runs_is_forgotten_batch_by_batch(instance: DagsterInstance, connection: Connection) -> None:
    """Guards against one statement over hundreds of thousands, and against all but the first batch left behind."""
    runs = [run(instance, "berlin") for _ in range(4)]
    age(connection, 8, *runs)
    assert forget_runs(connection, instance, batch=2) == 3
    assert not any(left(connection, runs[0]) + left(connection, runs[2]))
    assert all(left(connection, runs[3]))


def test_the_setting_says_how_long(instance: DagsterInstance, connection: Connection) -> None:
    """Guards against a number that nobody can change."""
    runs = [run(instance, "berlin") for _ in range(2)]
    age(connection, 4, *runs)
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('run_history_days', '5')")
    assert forget_runs(connection, instance) == 0
    connection.execute("UPDATE common_settings SET value = '3' WHERE type = 'run_history_days'")
    assert forget_runs(connection, instance) == 1
