"""Set-based for good: the number of statements does not grow with the rows."""

from __future__ import annotations

import pytest

from aap_pipeline.core.parse import parse
from aap_pipeline.database.connection import Connection
from aap_pipeline_tests.core.helpers import add_raw, job, labels, summary
from aap_pipeline_tests.statements import watch


def test_the_number_of_statements_does_not_depend_on_the_number_of_rows(
    connection: Connection, database_url: str, cluster: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a statement a row that creeps in."""
    counts = []
    for first, jobs in ((1, 1), (1_000, 20), (10_000, 500)):
        documents = [
            job(n, project=n, summary_fields={"project": {"id": n, "name": f"p{n}"}, "labels": labels((n, "l"))},
                job_host_summaries=[summary(n * 10 + each, n, n * 10 + each, f"h{each}") for each in range(5)])
            for n in range(first, first + jobs)
        ]  # fmt: skip
        add_raw(connection, cluster, documents)
        seen: list[str] = []
        with monkeypatch.context() as patch:
            watch(patch, lambda _, query, __, seen=seen: seen.append(query))  # type: ignore[misc]
            assert parse(database_url, cluster).batches == 1
        counts.append(len(seen))
    assert counts[0] == counts[1] == counts[2]
