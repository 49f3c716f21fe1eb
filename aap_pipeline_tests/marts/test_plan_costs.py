"""What the planner expects of the views: beyond 100,000 a server with default options compiles them by JIT."""

from __future__ import annotations

import pytest
from psycopg import sql

from aap_pipeline.database.connection import Connection
from aap_pipeline.marts.refresh import refresh
from aap_pipeline_tests.marts.dataset import generate

_JIT_ABOVE_COST = 100_000


@pytest.mark.parametrize("jobs", [0, 200])
def test_no_view_of_a_young_warehouse_looks_expensive(connection: Connection, jobs: int) -> None:
    """Guards against tables of one row without statistics, for which PostgreSQL assumes hundreds: fct_job_run of 800
    jobs took 16 s with JIT, 0.3 s without."""
    if jobs:
        generate(connection, 1, jobs)
    refresh(connection)
    views = connection.execute("SELECT viewname FROM pg_views WHERE schemaname = 'marts'").fetchall()
    costs = {}
    for (view,) in views:
        query = sql.SQL("EXPLAIN (FORMAT json) SELECT * FROM marts.{}").format(sql.Identifier(view))
        costs[view] = connection.execute(query).fetchall()[0][0][0]["Plan"]["Total Cost"]
    assert {view: cost for view, cost in costs.items() if cost > _JIT_ABOVE_COST} == {}
