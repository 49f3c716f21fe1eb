"""The code location as Dagster finds it: it loads anywhere, and every asset in it explains itself."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dagster import AssetSpec, SensorDefinition

from aap_pipeline.definitions import defs
from aap_pipeline.orchestration.jobs import nightly, update_cluster

OUTSIDE = ("controller", "bi")
"""Groups of what the pipeline reads and of what reads it: nothing here computes them."""

_ROOT = Path(__file__).resolve().parents[1]
_PROGRAM = """
import builtins, socket, sys
def refuse(*_, **__):
    raise AssertionError("I/O while the code location loads")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
read, opened = builtins.open, []
def watch(file, mode="r", *rest, **named):
    if any(letter in mode for letter in "wxa+"):
        raise AssertionError(f"{file} is written while the code location loads")
    return read(file, mode, *rest, **named)
builtins.open = watch
from aap_pipeline.definitions import defs
heavy = {"pandas", "numpy", "alembic", "rich", "uvicorn"} & set(sys.modules)
print(len(list(defs.resolve_all_asset_specs())), *heavy)
"""


def assets() -> list[AssetSpec]:
    """Return every asset of the code location by key: pytest-xdist needs the same order in each worker."""
    return sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key)


@pytest.mark.usefixtures("starts_server")
def test_the_location_loads_in_a_fresh_interpreter_without_environment_or_io(tmp_path: Path) -> None:
    """Guards against secrets, connections and slow imports at load: Dagster loads a location in every run."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT)}
    done = subprocess.run(
        [sys.executable, "-B", "-c", _PROGRAM],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [str(len(assets()))]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("asset", assets(), ids=lambda asset: asset.key.to_user_string())
def test_every_asset_explains_itself(asset: AssetSpec) -> None:
    """Guards against an asset that a stranger finds in the catalog and cannot place."""
    assert asset.description
    assert len(asset.description) > 20
    assert asset.kinds
    assert ("dagster/code_references" in asset.metadata) == (asset.group_name not in OUTSIDE)
    assert asset.owners
    assert asset.group_name == asset.key.path[0]
    assert asset.tags.get("stage") == asset.group_name
    overview, by_schedule = asset.key.path == ["reports", "overview"], asset.key.path == ["reports", "saved"]
    assert (asset.partitions_def is None) == (asset.group_name in OUTSIDE or overview)
    # An idle cluster has nothing new in core and marts: only what every sync materializes can be stale.
    expected = asset.group_name in ("raw", "upkeep", "reports") and not by_schedule
    assert (asset.freshness_policy is not None) == expected
    assert asset.automation_condition is None, "The sensors start its runs: a condition would start them again."


def test_every_step_says_what_it_returns() -> None:
    """Guards against the default I/O manager, which pickles the None of a function without an annotation."""
    computed = [asset for asset in defs.assets or [] if not isinstance(asset, AssetSpec)]
    keys = {key for asset in computed for key in asset.keys}  # type: ignore[union-attr]
    assert keys == {asset.key for asset in assets() if asset.group_name not in OUTSIDE}
    for asset in computed:
        compute = asset.op.compute_fn.decorated_fn  # type: ignore[union-attr]
        returned = str(inspect.signature(compute).return_annotation)
        assert "MaterializeResult" in returned, compute


def test_the_graph_runs_from_the_controller_through_raw_core_and_marts_to_bi() -> None:
    """Guards against an asset beside the graph, which the job would compute too early."""
    upstream = {
        spec.key.to_user_string(): {dep.asset_key.path[0] for dep in spec.deps}
        for spec in assets()
        if spec.group_name not in ("upkeep", "bi", "reports")  # beside the graph and behind it: nothing is made of them
    }
    expected = {"controller": set(), "raw": {"controller"}, "core": {"raw"}, "marts": {"core"}}
    assert {key: groups for key, groups in upstream.items() if groups != expected[key.split("/")[0]]} == {}
    known = {spec.key for spec in assets()}
    for spec in assets():
        assert {dep.asset_key for dep in spec.deps} <= known, spec.key
        assert spec.group_name != "bi" or spec.deps, spec.key


def test_every_table_says_its_columns() -> None:
    """Guards against an asset whose columns nobody finds in the catalog, or finds without their meaning."""
    for spec in assets():
        if spec.group_name == "reports" or spec.key.path in (["controller", "job_history"], ["bi", "dashboard"]):
            continue  # no tables
        columns = spec.metadata["dagster/column_schema"].columns
        assert columns, spec.key
        assert all(column.description for column in columns), spec.key


def test_sensors_run_from_the_first_start_and_say_what_they_do() -> None:
    """Guards against an installation that waits for somebody to switch it on."""
    sensors = [sensor for sensor in defs.sensors or [] if isinstance(sensor, SensorDefinition)]
    for sensor in sensors:
        assert sensor.description, sensor.name
        assert sensor.name.endswith("_sensor")
    running = {sensor.name for sensor in sensors if sensor.default_status.value == "RUNNING"}
    assert {"clusters_sensor", "new_jobs_sensor"} <= running


def test_every_job_runs_in_one_process() -> None:
    """Guards against a process a step, also in what people start from an asset's page, which is no job of ours."""
    executors = {job.name: job.executor_def.name for job in defs.get_repository_def().get_all_jobs()}
    assert {update_cluster.name, nightly.name, "__ASSET_JOB"} <= executors.keys()
    assert set(executors.values()) == {"in_process"}


def test_the_job_covers_every_asset() -> None:
    """Guards against a mart that no run ever builds; what belongs to the night is no part of a sync."""
    covered = {
        name: {key.path[0] for key in defs.resolve_job_def(name).asset_layer.executable_asset_keys}
        for name in (update_cluster.name, nightly.name)
    }
    assert covered == {update_cluster.name: {"raw", "core", "marts"}, nightly.name: {"upkeep"}}
    job = defs.resolve_job_def(update_cluster.name)
    keys = {asset.key for asset in assets() if asset.group_name not in {"upkeep", "reports", *OUTSIDE}}
    assert set(job.asset_layer.executable_asset_keys) == keys
