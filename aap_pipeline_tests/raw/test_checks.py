"""The decisions of the checks of stage raw."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aap_pipeline.raw import asset_checks as checks
from aap_pipeline.raw.reconcile import DayCount, Reconciliation
from aap_pipeline.raw.window import Window

NOW = datetime(2026, 5, 1, 10, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FINE = checks.SyncHealth(NOW, NOW - MINUTE, NOW - MINUTE, NOW, NOW - MINUTE, 0, 0, 0)
NEVER = checks.SyncHealth(NOW, None, None, None, None, 0, 0, 0)


def test_a_cluster_that_was_never_synced_is_well() -> None:
    """Guards against red checks on the first day."""
    assert checks.recent_window(NEVER, 10 * MINUTE, None) is None
    assert checks.watermark_not_in_future(NEVER).passed
    assert checks.clock_skew(NEVER).passed


def test_the_window_of_completeness_ends_where_late_jobs_may_still_appear() -> None:
    """Guards against a red check for a job that the next sync's overlap brings."""
    until = NOW - 11 * MINUTE
    assert checks.recent_window(FINE, 10 * MINUTE, None) == Window(until - timedelta(days=1), until)
    few_jobs_ago = until - 90 * MINUTE
    assert checks.recent_window(FINE, 10 * MINUTE, few_jobs_ago) == Window(few_jobs_ago, until)


def test_fewer_here_is_a_hole_and_more_here_is_not() -> None:
    """Guards against a clean-up at the controller that looks like a loss here."""
    window = Window(NOW - timedelta(days=1), NOW)
    assert [checks.completeness(5, ours, window).passed for ours in (4, 5, 6)] == [False, True, True]


def test_counts_of_one_are_singular() -> None:
    """Guards against "1 jobs"."""
    one = Reconciliation(1, (DayCount("2026-04-30", 2, 1),), (7,), (), 1)
    assert checks.reconciliation(one).text == "1 job was missing and is now stored (days 2026-04-30; jobs 7)."
    assert checks.reconciliation(replace(one, missing=())).text == "1 day agrees with the controller."
    assert (
        checks.summaries_in_time(replace(FINE, awaited=1)).text == "1 job awaits host summaries; past the deadline: 0."
    )
    assert checks.completeness(1, 1, Window(NOW - MINUTE, NOW)).text.startswith(
        "The controller has 1 job that finished"
    )


def test_clocks_may_differ_by_a_minute_either_way() -> None:
    """Guards against a skew that only one direction shows."""
    for seconds, passed in ((59, True), (61, False)):
        ahead = replace(FINE, window_to=NOW + timedelta(seconds=seconds))
        behind = replace(FINE, window_to=NOW - MINUTE - timedelta(seconds=seconds))
        assert checks.clock_skew(ahead).passed is passed
        assert checks.clock_skew(behind).passed is passed
        assert "behind" in checks.clock_skew(behind).text


def test_a_watermark_ahead_of_all_clocks_is_an_error() -> None:
    """Guards against jobs that are passed over in silence."""
    found = checks.watermark_not_in_future(replace(FINE, watermark=NOW + 6 * MINUTE))
    assert (found.passed, found.severe) == (False, True)
    clock_ahead = replace(FINE, watermark=NOW + 6 * MINUTE, window_to=NOW + 6 * MINUTE)
    assert checks.watermark_not_in_future(clock_ahead).passed


def test_a_reconciliation_names_days_and_jobs() -> None:
    """Guards against "something was missing"."""
    found = Reconciliation(90, (DayCount("2026-04-02", 5, 3),), (11, 12), (13,), 91)
    verdict = checks.reconciliation(found)
    assert not verdict.passed
    assert "2 jobs were missing and are now stored" in verdict.text
    assert "2026-04-02" in verdict.text
    assert "jobs 11, 12" in verdict.text
    assert checks.reconciliation(replace(found, missing=())).passed
