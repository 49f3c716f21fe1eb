"""The three analytics queries of the specification, run as written over core, say what the marts' functions say."""

from __future__ import annotations

import os
import random
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import sql_folder
from aap_pipeline.marts.refresh import refresh
from aap_pipeline_tests.marts.dataset import DAYS, START, generate

_DOCUMENT = (sql_folder().parent / "aap_pipeline_tests" / "data" / "database-schema.md").read_text(encoding="utf-8")
_EXACT = Decimal("1e-9")
"""Far below a cent: the specification divides each job's elapsed time by 60, the marts their sum."""


def the_query(containing: str) -> str:
    """The document's block that holds these words."""
    blocks = [block.split("```")[0] for block in _DOCUMENT.split("```sql")[1:]]
    return next(block for block in blocks if containing in block)


def with_dates(query: str, first: date, last: date) -> str:
    """The document's dates replaced by those of a user who means whole days: the last one to its end."""
    written = {
        "'2025-01-01'": f"'{first}'",
        "<= '2025-01-31'": f"<= '{last} 23:59:59.999999'",
        "'2025-01-31'": f"'{last}'",
    }
    return re.sub("|".join(written), lambda match: written[match[0]], query)


def rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    """All rows of a query without parameters."""
    return connection.execute(query.replace("%", "%%").encode()).fetchall()


ranges = st.tuples(st.integers(-3, DAYS + 2), st.integers(0, DAYS)).map(
    lambda pair: (START.date() + timedelta(days=pair[0]), START.date() + timedelta(days=pair[0] + pair[1]))
)


@pytest.mark.long
@settings(
    max_examples=int(os.environ.get("AAP_PIPELINE_EXAMPLES", "40")),
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32), span=ranges)
def test_the_marts_say_what_the_three_queries_say(connection: Connection, seed: int, span: tuple[date, date]) -> None:
    """Guards against any drift from the specification's numbers: to the run, to the host, far below a cent."""
    with connection.transaction(force_rollback=True):
        compare_all_three(connection, seed, *span)


def test_the_three_queries_letter_by_letter(connection: Connection) -> None:
    """Guards against queries that only agree after they were edited: they run as the document prints them. They end
    at the midnight that begins the last day, so that there must be nothing on it."""
    generate(connection, 5, jobs=60)
    connection.execute("UPDATE clusters_job SET finished = finished + interval '50 days' WHERE finished < '2024-12-11'")
    connection.execute("DELETE FROM clusters_job WHERE finished >= '2025-01-31'")
    refresh(connection, everything=True)
    between = "'2025-01-01', '2025-01-31'"
    by_template = rows(connection, the_query("Cost calculations"))
    columns = (
        "name, job_template_id, runs, successful_runs, failed_runs, elapsed, num_hosts, manual_costs, automated_costs"
    )
    found = rows(connection, f"SELECT {columns}, savings FROM marts.savings_by_template({between})")
    assert len(found) > 2
    assert_same(sorted(by_template, key=lambda row: row[1]), sorted(found, key=lambda row: row[1]))
    charted = rows(connection, f"SELECT date_bucket::timestamp, job_count, host_count FROM marts.job_counts({between})")
    assert rows(connection, the_query("gap filling")) == charted
    unique = rows(connection, f"SELECT marts.unique_hosts({between}, organizations := ARRAY[1, 2, 3])")
    assert unique > [(0,)]
    assert rows(connection, the_query("unique_hosts")) == unique


def compare_all_three(connection: Connection, seed: int, first: date, last: date) -> None:
    """Generate, refresh, compare."""
    dataset = generate(connection, seed)
    refresh(connection)
    by_template = rows(connection, with_dates(the_query("Cost calculations"), first, last))
    found = connection.execute(
        "SELECT name, job_template_id, runs, successful_runs, failed_runs, elapsed, num_hosts, manual_costs, "
        "automated_costs, savings FROM marts.savings_by_template(%s, %s)",
        (first, last),
    ).fetchall()
    assert_same(sorted(by_template, key=lambda row: row[1]), sorted(found, key=lambda row: row[1]))
    assert [row[9] for row in found] == sorted((row[9] for row in found), reverse=True)

    counts = rows(connection, with_dates(the_query("gap filling"), first, last))
    charted = connection.execute(
        "SELECT date_bucket::timestamp, job_count, host_count FROM marts.job_counts(%s, %s, 'day')", (first, last)
    ).fetchall()
    assert counts == charted

    chosen = random.Random(seed).sample(dataset.organizations, min(2, len(dataset.organizations)))
    unique = with_dates(the_query("unique_hosts"), first, last).replace("(1, 2, 3)", f"({', '.join(map(str, chosen))})")
    hosts = connection.execute(
        "SELECT marts.unique_hosts(%s, %s, organizations := %s)", (first, last, chosen)
    ).fetchall()
    assert rows(connection, unique) == hosts


def assert_same(expected: list[tuple[Any, ...]], found: list[tuple[Any, ...]]) -> None:
    """Equal, numbers up to what dividing before adding does to the last digits."""
    assert len(expected) == len(found)
    for left, right in zip(expected, found, strict=True):
        for a, b in zip(left, right, strict=True):
            assert abs(a - b) < _EXACT if isinstance(a, Decimal) else a == b, (left, right)
