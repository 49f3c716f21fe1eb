"""What Dagster shows of tables: right numbers, honest names, a few rows, and nothing that is secret."""

from __future__ import annotations

from typing import Any

import pytest
from dagster import TableMetadataValue

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.definitions import defs
from aap_pipeline.orchestration.table_metadata import COUNTED_UP_TO, table_figures
from aap_pipeline_tests.core.helpers import add_cluster

SECRET = "PLANTED-TOKEN"


def shown(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a preview; none where there is none."""
    preview = figures.get("preview")
    return [dict(record.data) for record in preview.records] if isinstance(preview, TableMetadataValue) else []


def add_jobs(connection: Connection, cluster: int, first: int, last: int) -> None:
    connection.execute(
        "INSERT INTO clusters_job (cluster_id, external_id, name, started, finished) "
        "SELECT %s, n, 'Patch', NOW(), NOW() FROM generate_series(%s::int, %s::int) n",
        [cluster, first, last],
    )


@pytest.mark.parametrize("stage", ["core", "marts"])
def test_each_asset_of_a_stage_has_its_figures(connection: Connection, stage: str) -> None:
    """Guards against an asset that was added without them, and against an empty cluster that fails a run."""
    cluster = add_cluster(connection)
    name = f"reports/{stage}_tables"
    figures = table_figures(connection, name, cluster)  # type: ignore[arg-type]
    assets = {spec.key.path[1] for spec in defs.resolve_all_asset_specs() if spec.group_name == stage}
    assert figures.keys() == assets
    assert all(each["dagster/partition_row_count"] == 0 and not shown(each) for each in figures.values())


def test_rows_are_counted_exactly_as_far_as_that_is_quick_and_then_estimated(connection: Connection) -> None:
    """Guards against a count of millions of rows in each sync, and against an estimate that passes for a count."""
    small, large = add_cluster(connection), add_cluster(connection, "large.example.com")

    def rows(cluster: int) -> tuple[int | None, int | None]:
        """Of the whole table and of the cluster."""
        jobs = table_figures(connection, "reports/core_tables", cluster)["jobs"]
        return jobs.get("dagster/row_count"), jobs.get("dagster/partition_row_count")

    add_jobs(connection, small, 1, 7)
    add_jobs(connection, large, 1, COUNTED_UP_TO - 7)
    assert rows(large) == (COUNTED_UP_TO, COUNTED_UP_TO - 7)
    assert rows(small) == (COUNTED_UP_TO, 7)
    add_jobs(connection, large, COUNTED_UP_TO - 6, COUNTED_UP_TO + 1)
    connection.execute("ANALYZE clusters_job")
    assert rows(large) == (None, None)
    assert rows(small) == (None, 7)
    jobs = table_figures(connection, "reports/core_tables", large)["jobs"]
    assert jobs["rows_of_all_clusters_estimated"] == COUNTED_UP_TO + 8
    assert [row["job"] for row in shown(jobs)] == list(range(COUNTED_UP_TO + 1, COUNTED_UP_TO - 4, -1))


def test_a_long_name_is_cut(connection: Connection) -> None:
    """Guards against a name of 255 characters that pushes all other columns off the page."""
    cluster = add_cluster(connection)
    add_jobs(connection, cluster, 1, 1)
    connection.execute("UPDATE clusters_job SET name = repeat('x', 255)")
    (row,) = shown(table_figures(connection, "reports/core_tables", cluster)["jobs"])
    assert row["name"] == "x" * 60


def test_only_the_chosen_columns_are_shown(connection: Connection) -> None:
    """Guards against a token or a variable of a job in metadata that many people read."""
    cluster = add_cluster(connection)
    connection.execute("UPDATE clusters_cluster SET access_token = %s", [SECRET])
    connection.execute(
        "INSERT INTO clusters_jobtemplate (cluster_id, external_id, name, description) VALUES (%s, 1, 'Patch', %s)",
        [cluster, SECRET],
    )
    figures = table_figures(connection, "reports/core_tables", cluster)
    assert shown(figures["job_templates"]) == [{"id": 1, "name": "Patch", "by hand (min)": 60}]
    assert SECRET not in str(figures)
    for query in (statement("reports/core_tables"), statement("reports/marts_tables")):
        assert "*" not in query.replace("count(*)", "")
        assert "clusters_cluster" not in query.replace("clusters_clustersyncdata", "")
