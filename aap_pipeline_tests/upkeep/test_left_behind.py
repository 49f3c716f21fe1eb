"""Which clusters get a run for what waits in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aap_pipeline.orchestration.jobs import REASON_TAG
from aap_pipeline.upkeep.left_behind import Waiting, to_parse, to_refresh

NOW = datetime(2026, 5, 1, 10, 30, tzinfo=UTC)


def test_nothing_waits_nothing_runs() -> None:
    """Guards against runs without work."""
    assert to_parse([Waiting("a")], (), NOW) == to_refresh([Waiting("a")], (), NOW) == []


def test_busy_clusters_are_left_alone() -> None:
    """Guards against a second run that waits for the first and finds nothing."""
    found = [Waiting("a", raw_row=1), Waiting("b", changed_rate=1)]
    assert to_parse(found, {"a"}, NOW) == to_refresh(found, {"b"}, NOW) == []


def test_the_same_state_is_asked_for_once_an_hour() -> None:
    """Guards against a failing run that is started again every five seconds, and one that is never tried again."""
    found = [Waiting("a", raw_row=5)]
    keys = [to_parse(found, (), NOW + timedelta(minutes=minutes))[0].run_key for minutes in (0, 29, 30)]
    assert keys[0] == keys[1] != keys[2]


def test_each_new_note_is_a_new_run() -> None:
    """Guards against a second change of rates that the first one's run key swallows."""
    notes = [Waiting("a", changed_rate=1), Waiting("a", changed_rate=2), Waiting("a", changed_rate=2, rebuild=1)]
    assert len({to_refresh([each], (), NOW)[0].run_key for each in notes}) == 3


def test_every_reason_can_be_read_in_the_dagster_ui() -> None:
    """Guards against a tag that is cut off in each row of Runs."""
    due = to_parse([Waiting("a", raw_row=1)], (), NOW)
    due += to_refresh([Waiting("a", 0, 1), Waiting("b", None, 1, 1), Waiting("c", None, 1, 1, 1)], (), NOW)
    due += to_refresh([Waiting("a", changed_day=1), Waiting("b", rebuild=1), Waiting("c", None, 1, 1, 1)], (), NOW)
    assert len(due) == 6
    assert max(len(f"{REASON_TAG}: {each.tags[REASON_TAG]}") for each in due) <= 30


def test_raw_rows_go_first() -> None:
    """Guards against two runs for one cluster where the first does the work of both."""
    both = [Waiting("a", raw_row=1, changed_day=1)]
    assert to_refresh(both, (), NOW) == []
    assert [each.partition_key for each in to_parse(both, (), NOW)] == ["a"]
