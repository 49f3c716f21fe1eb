"""What a long sync says in Dagster's log."""

from __future__ import annotations

from aap_pipeline.raw.assets import logged_progress


def test_a_long_sync_logs_a_line_every_few_seconds_with_rate_and_time_left() -> None:
    """Guards against a line a job, and against an hour of silence."""
    seconds = 0.0
    said: list[str] = []
    update = logged_progress(said.append, lambda: seconds)
    for done in range(1201):
        seconds = done / 100
        update(done, 4000)
    assert said == [
        "500 of 4,000 jobs, 100 jobs/s, about 35 s left",
        "1,000 of 4,000 jobs, 100 jobs/s, about 30 s left",
    ]
