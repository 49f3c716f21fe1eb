"""What assets of other code locations get from the pipeline's resource."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dagster import Definitions, SensorDefinition, build_sensor_context, materialize

from aap_pipeline.database.connection import connect
from aap_pipeline.definitions import defs
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline_tests.site import Site

_DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"


def test_a_frame_holds_the_rows_with_money_as_decimals_and_writes_nothing(site: Site) -> None:
    """Guards against cents lost in floats, and against an asset of somebody's that changes what it should read."""
    frame = Warehouse().frame("SELECT %(name)s AS name, 0.10 + 0.20 AS money UNION ALL SELECT 'b', NULL", {"name": "a"})
    assert list(frame.columns) == ["name", "money"]
    assert frame["money"].tolist()[0] == Decimal("0.30")
    assert Warehouse().frame("SELECT 1 AS one WHERE FALSE").columns.tolist() == ["one"]
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        Warehouse().frame("DELETE FROM clusters_job")


def test_the_asset_that_operations_shows_runs_as_written(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against an example that a newcomer copies in vain."""
    monkeypatch.chdir(tmp_path)
    found = re.search(r"<!-- tested: frame -->\n```python\n(.*?)```", _DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    namespace: dict[str, Any] = {}
    exec(found.group(1), namespace)  # noqa: S102
    defs = namespace["defs"]
    assert isinstance(defs, Definitions)
    assert materialize([namespace["savings_by_month"]], resources=defs.resources).success
    assert (tmp_path / "savings.csv").read_text(encoding="utf-8").startswith(",month,cluster_id,")


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("0004", "has schema 0004, but this release needs 0005. Run `aap-pipeline migrate`."),
        ("9999", "has schema 9999, newer than this release's"),
        (None, "is empty, but this release needs 0005. Run `aap-pipeline migrate`."),
    ],
)
def test_another_schema_is_a_sentence_in_every_sensor_and_run(site: Site, version: str | None, words: str) -> None:
    """After an upgrade without a migration, each tick and run failed with psycopg's UndefinedColumn; a process of the
    old release went on writing into the new schema."""
    site.register("prod", None)
    with connect(site.url) as connection:
        if version is None:
            connection.execute("DROP TABLE pipeline.schema_version")
        else:
            connection.execute("UPDATE pipeline.schema_version SET version_num = %s", (version,))
    resources = {"warehouse": Warehouse()}
    for sensor in defs.sensors or ():
        assert isinstance(sensor, SensorDefinition)
        tick = sensor.evaluate_tick(build_sensor_context(site.instance, resources=resources))
        assert words in str(tick.skip_message), sensor.name
    result = site.run("prod")
    assert not result.success
    [failure] = [event.step_failure_data.user_failure_data for event in result.get_step_failure_events()]
    assert failure is not None
    assert words in str(failure.description)
