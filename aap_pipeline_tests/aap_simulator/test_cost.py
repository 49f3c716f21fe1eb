"""The simulator's cost model against what the questions were measured to cost a real AWX."""

from __future__ import annotations

import pytest

from aap_simulator import cost
from aap_simulator.query import parse
from aap_simulator.schema import HOST_SUMMARIES, JOB_TEMPLATES, JOBS, OBJECTS, Schema

ALL = 105_063
WINDOW = "finished__gt=2026-01-01T00:00:00Z&finished__lte=2026-01-02T00:00:00Z"
FINISHED = "status__in=successful,failed,error,canceled"
MEASURED = {
    # question: list, query, rows kept, rows served, database ms, whole answer ms
    "newest, by date": (JOBS, "finished__isnull=false&order_by=-finished&count_disabled=1", ALL, 1, 2412, 3541),
    "newest, by status": (JOBS, f"{FINISHED}&order_by=-finished&count_disabled=1", ALL, 1, 3.6, 316),
    "newer, none": (JOBS, "finished__gt=2026-01-01T00:00:00Z&order_by=-finished&count_disabled=1", 0, 0, 3.4, 393),
    "newer, 25": (JOBS, "finished__gt=2026-01-01T00:00:00Z&order_by=-finished&count_disabled=1", 25, 1, 5.4, 457),
    "page of a window, counted": (JOBS, f"{WINDOW}&order_by=id", 2000, 200, 300, 3200),
    "page of a window": (JOBS, f"{WINDOW}&order_by=id&count_disabled=1", 2000, 200, 213, 3700),
    "page by id, counted": (JOBS, f"{FINISHED}&id__gt=1&order_by=id", 2000, 200, 66, 3000),
    "page by id": (JOBS, f"{FINISHED}&id__gt=1&order_by=id&count_disabled=1", 2000, 200, 26, 2700),
    "count by id": (JOBS, f"{FINISHED}&id__gt=1", 2000, 1, 53, 374),
    "count of all": (JOBS, FINISHED, ALL, 1, 252, 619),
    "host summaries of a job": (HOST_SUMMARIES, "order_by=id", 10, 10, 1.8, 84),
    "a page of them": (HOST_SUMMARIES, "order_by=id&count_disabled=1", 1500, 200, 14, 269),
    "of a host, 50": (HOST_SUMMARIES, "order_by=id", 50, 50, 4.5, 134),
    "of a host, 91": (HOST_SUMMARIES, "order_by=id", 91, 91, 8.3, 187),
    "hosts": (OBJECTS["hosts"], "order_by=id&count_disabled=1", 200, 200, 257, 4000),
    "job templates": (JOB_TEMPLATES, "order_by=id", 23, 23, 27, 814),
}


@pytest.mark.parametrize("question", MEASURED)
def test_the_model_agrees_with_the_measurements(question: str) -> None:
    """Guards against budgets in controller seconds that no controller keeps."""
    schema: Schema
    schema, query, kept, served, database, answer = MEASURED[question]
    modelled = cost.of_list(schema, parse(query, schema), kept, served)
    assert modelled.database * 1000 == pytest.approx(database, rel=0.35, abs=3)
    assert modelled.worker * 1000 == pytest.approx(answer, rel=0.35)
