"""When a cluster is due, and when it is left alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aap_pipeline.controller.errors import CorruptBody, Unreachable
from aap_pipeline.orchestration.jobs import REASON_TAG
from aap_pipeline.raw.due import (
    DueSync,
    Silence,
    SyncState,
    backing_off,
    is_to_be_asked,
    parse_silences,
    reason_to_sync,
    to_ask,
    what_is_due,
    within_hours,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
moments = st.integers(0, 10**9).map(lambda seconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
states = st.builds(
    SyncState,
    name=st.text("abc", min_size=1, max_size=3),
    watermark=st.none() | moments,
    awaits_summaries=st.booleans(),
    last_ended=st.none() | moments,
    failures=st.integers(0, 20),
)


def state(**changes: object) -> SyncState:
    """A cluster that is up to date since a moment ago."""
    values = {"watermark": NOW - MINUTE, "awaits_summaries": False, "last_ended": NOW, "failures": 0, **changes}
    return SyncState("prod", **values)  # type: ignore[arg-type]


@given(states, moments)
def test_a_newer_job_is_always_a_reason(cluster: SyncState, now: datetime) -> None:
    """Guards against a job that waits for the ten-minute round."""
    newest = (cluster.watermark or now) + timedelta(microseconds=1)
    reason = reason_to_sync(cluster, newest, now)
    assert reason
    assert len(f"{REASON_TAG}: {reason}") <= 30, "the Dagster UI cuts it off"


@given(states, moments)
def test_an_error_in_place_of_an_answer_starts_nothing_unless_it_is_of_one_odd_job(
    cluster: SyncState, now: datetime
) -> None:
    """Guards against syncs that must fail, and against a document that keeps a cluster from being synced."""
    assert what_is_due(cluster, Unreachable("No connection."), now) is None
    assert what_is_due(cluster, CorruptBody("No valid finish time."), now) == what_is_due(cluster, None, now)


@given(states, moments, st.none() | st.timedeltas(10 * MINUTE, timedelta(days=400)))
def test_no_cluster_waits_longer_than_ten_minutes(cluster: SyncState, now: datetime, since: timedelta | None) -> None:
    """Guards against jobs behind the watermark and renamed templates that nobody ever fetches."""
    overdue = replace(cluster, last_ended=None if since is None else now - since)
    assert reason_to_sync(overdue, None, now)
    assert reason_to_sync(overdue, cluster.watermark, now)


@given(states, moments, st.timedeltas(timedelta(), 10 * MINUTE - timedelta(microseconds=1)))
def test_a_cluster_without_news_waits_for_ten_minutes(cluster: SyncState, now: datetime, since: timedelta) -> None:
    """Guards against a sync every five seconds of a cluster that has nothing new."""
    asked = replace(cluster, last_ended=now - since, awaits_summaries=False)
    assert reason_to_sync(asked, None, now) is None
    assert reason_to_sync(asked, cluster.watermark, now) is None


@pytest.mark.parametrize(
    ("changes", "newest", "reason"),
    [
        ({}, NOW - MINUTE, None),
        ({}, NOW - 2 * MINUTE, None),
        ({}, None, None),
        ({"watermark": None}, None, None),
        ({"watermark": None}, NOW, "new job at 12:00:00 UTC"),
        ({"last_ended": None}, None, "never synced"),
        ({"awaits_summaries": True}, None, None),
        ({"awaits_summaries": True, "last_ended": NOW - MINUTE}, None, "host summaries are due"),
        ({"last_ended": NOW - 30 * MINUTE}, NOW - MINUTE, "quiet for 30 min"),
    ],
)
def test_the_reason_is_said(changes: dict[str, object], newest: datetime | None, reason: str | None) -> None:
    """Guards against runs that nobody can explain, and against a run every five seconds for nothing."""
    assert reason_to_sync(state(**changes), newest, NOW) == reason
    assert len(f"{REASON_TAG}: {reason}") <= 30, "the Dagster UI cuts it off"


@pytest.mark.parametrize("was_last", [None, True, False])
@pytest.mark.parametrize("newest", [None, NOW])
@pytest.mark.parametrize("until", [None, NOW])
def test_a_paused_backfill_and_live_syncs_take_turns(
    *, was_last: bool | None, newest: datetime | None, until: datetime | None
) -> None:
    """Guards against a backfill that starves the live syncs, and against live syncs that starve a backfill."""
    paused = state(paused_from=NOW - 10 * MINUTE, paused_to=until, backfill_was_last=was_last)
    due = what_is_due(paused, newest, NOW)
    if newest is not None and was_last:
        assert due == DueSync("new job at 12:00:00 UTC")
    else:
        assert due == DueSync("resume backfill", "2026-03-01T11:50:00+00:00", until.isoformat() if until else "")
    assert what_is_due(state(), None, NOW) is None


@given(st.integers(1, 2000), moments, st.timedeltas(timedelta(), timedelta(days=400)))
def test_a_pause_ends_and_never_exceeds_a_quarter_of_an_hour(failures: int, last: datetime, passed: timedelta) -> None:
    """Guards against a cluster that is given up, and against a number too large to double."""
    pause = backing_off(failures, last, last + passed)
    assert pause is None if passed >= 15 * MINUTE else pause is None or timedelta() < pause <= 15 * MINUTE - passed
    longer = backing_off(failures + 1, last, last + passed)
    assert (longer or timedelta()) >= (pause or timedelta())


def test_the_first_pause_is_fifteen_seconds_and_no_failure_means_none() -> None:
    """Guards against a healthy cluster that waits."""
    assert backing_off(1, NOW, NOW) == timedelta(seconds=15)
    assert backing_off(3, NOW, NOW) == MINUTE
    assert backing_off(0, NOW, NOW) is None
    assert backing_off(5, None, NOW) is None


@given(st.dictionaries(st.text(min_size=1), st.builds(Silence, st.integers(0, 999), moments), max_size=4))
def test_the_cursor_brings_back_what_was_put_in(silences: dict[str, Silence]) -> None:
    """Guards against a sensor that forgets who is silent."""
    assert parse_silences(msgspec.json.encode(silences).decode()) == silences


@given(st.none() | st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_cursor_is_taken(cursor: str | None) -> None:
    """Guards against a sensor that fails for ever over what another release wrote."""
    assert isinstance(parse_silences(cursor), dict)


@given(st.lists(states, unique_by=lambda each: each.name), st.dictionaries(st.text("abc"), st.just(Silence(2, NOW))))
def test_every_cluster_is_asked_or_named_the_longest_unsynced_first(
    clusters: list[SyncState], silences: dict[str, Silence]
) -> None:
    """Guards against a cluster that is neither asked nor explained, and against one that never has its turn."""
    asked, remarks = to_ask(clusters, silences, NOW)
    assert len(asked) + len(remarks) == len(clusters)
    assert not {each.name for each in asked} & silences.keys()
    ended = [each.last_ended for each in asked]
    assert ended == sorted(ended, key=lambda moment: (moment is not None, moment))


@given(st.lists(states, unique_by=lambda each: each.name), st.sets(st.sampled_from("abc")), st.booleans())
def test_outside_its_hours_a_cluster_reads_nothing_long(
    clusters: list[SyncState], closed: set[str], first: bool
) -> None:
    """Guards against a first sync or a backfill in hours that its administrator closed, and live syncs that stop."""
    asked = [replace(each, paused_from=NOW, first_unfinished=first) for each in clusters]
    left, remarks = within_hours(asked, closed)
    assert {each.name for each in left} == {each.name for each in asked if not (first and each.name in closed)}
    assert all(each.paused_from is None for each in left if each.name in closed)
    assert all(each.paused_from == NOW for each in left if each.name not in closed)
    assert len(remarks) == len(asked) - len(left)


@pytest.mark.parametrize(
    ("changes", "asked", "expected"),
    [
        ({}, None, True),
        ({}, timedelta(seconds=5), False),
        ({}, timedelta(seconds=9.5), True),
        ({"watermark": NOW - timedelta(seconds=10)}, timedelta(seconds=5), True),
        ({"watermark": None}, timedelta(seconds=5), False),
    ],
)
def test_a_quiet_controller_is_asked_every_other_tick(
    changes: dict[str, object], asked: timedelta | None, expected: bool
) -> None:
    """Guards against 17,280 questions a day to a controller where nothing happens."""
    before = None if asked is None else NOW - asked
    assert is_to_be_asked(state(**changes), before, NOW) is expected


def test_the_sensor_keeps_to_the_rate_of_a_cluster() -> None:
    """Guards against a request every 5 s to a controller that is to get one a minute."""
    slow = state(watermark=NOW, requests_per_second=1 / 60)
    asked = [is_to_be_asked(slow, NOW - timedelta(seconds=ago), NOW) for ago in (5, 30, 60)]
    assert asked == [False, False, True]


def test_a_requested_pause_comes_before_all_else() -> None:
    """Guards against asking a controller before the time that it named, and against waiting on after it."""
    for ahead, expected in ((timedelta(seconds=1), 0), (timedelta(), 1), (-MINUTE, 1)):
        asked, remarks = to_ask([state(no_requests_before=NOW + ahead)], {}, NOW)
        assert (len(asked), len(remarks)) == (expected, 1 - expected)
