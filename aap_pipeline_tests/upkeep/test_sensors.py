"""Which clusters get a run for what waits in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from aap_pipeline.orchestration.jobs import REASON_TAG
from aap_pipeline.upkeep.sensors import left_behind

NOW = datetime(2026, 5, 1, 10, 30, tzinfo=UTC)


def waiting(cluster: str, **notes: int) -> dict[str, Any]:
    """Return a row of sql/upkeep/left_behind.sql."""
    return dict.fromkeys(("raw_row", "changed_day", "changed_rate", "rebuild")) | {"cluster": cluster} | notes


def test_nothing_waits_nothing_runs() -> None:
    """Guards against runs without work."""
    assert left_behind([waiting("a")], NOW) == []


def test_the_same_state_is_asked_for_once_an_hour() -> None:
    """Guards against a failing run that is started again every five seconds, and one that is never tried again."""
    found = [waiting("a", raw_row=5)]
    keys = [left_behind(found, NOW + timedelta(minutes=minutes))[0].run_key for minutes in (0, 29, 30)]
    assert keys[0] == keys[1] != keys[2]


def test_each_new_note_is_a_new_run() -> None:
    """Guards against a second change of rates that the first one's run key swallows."""
    notes = [waiting("a", changed_rate=1), waiting("a", changed_rate=2), waiting("a", changed_rate=2, rebuild=1)]
    assert len({left_behind([each], NOW)[0].run_key for each in notes}) == 3


def test_every_reason_can_be_read_in_the_dagster_ui() -> None:
    """Guards against a tag that is cut off in each row of Runs."""
    found = [
        waiting("a", raw_row=1),
        waiting("b", changed_rate=1),
        waiting("c", rebuild=1),
        waiting("d", changed_day=1),
    ]
    due = left_behind(found, NOW)
    assert len({each.tags[REASON_TAG] for each in due}) == 4
    assert max(len(f"{REASON_TAG}: {each.tags[REASON_TAG]}") for each in due) <= 30


def test_one_run_does_all_that_waits() -> None:
    """Guards against two runs for one cluster where the first does the work of both."""
    due = left_behind([waiting("a", raw_row=1, changed_day=1), waiting("b", changed_day=1)], NOW)
    assert [each.partition_key for each in due] == ["a", "b"]
