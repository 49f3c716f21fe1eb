"""The marts as Parquet files."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from aap_pipeline_tests.cli.conftest import Cli
from aap_pipeline_tests.site import Site, small_world
from aap_simulator.server import SimulatorServer


def test_each_month_is_a_file_with_the_marts_rows_and_types(
    site: Site, controller: SimulatorServer, cli: Cli, tmp_path: Path
) -> None:
    """Guards against cents lost in floats, and against a month that is in two files or in none."""
    pyarrow = pytest.importorskip("pyarrow", reason="needs the extra export")
    dataset = pytest.importorskip("pyarrow.dataset", reason="needs the extra export")
    controller.use(small_world(days=80))
    site.register("prod", controller)
    assert site.run("prod").success
    for _ in range(2):  # again: each file is replaced
        done = cli("export", str(tmp_path))
        assert done.status == 0, done.err
    for relation in ("savings_daily", "savings_monthly", "fct_job_run"):
        table = dataset.dataset(tmp_path / relation).to_table()
        assert site.query(f"SELECT count(*) FROM marts.{relation}") == [(table.num_rows,)]
    table = dataset.dataset(tmp_path / "savings_daily").to_table()
    files = sorted((tmp_path / "savings_daily").glob("*.parquet"))
    assert len(files) >= 3
    assert sum(table["runs"].to_pylist()) == site.query("SELECT sum(runs) FROM marts.savings_daily")[0][0]
    money = [field.name for field in table.schema if pyarrow.types.is_decimal(field.type)]
    for name in money:
        total = sum((value for value in table[name].to_pylist() if value is not None), Decimal(0))
        assert total == site.query(f"SELECT COALESCE(sum({name}), 0) FROM marts.savings_daily")[0][0], name
    assert money
    month = cli("export", str(tmp_path / "one"), "--month", files[0].stem)
    assert month.out.count("savings_daily") == 1
