"""What is decided in one place is spelled out in one file."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from dagster import AssetsDefinition, OpDefinition

import aap_pipeline
from aap_pipeline.definitions import defs

_PACKAGE = Path(aap_pipeline.__file__).parent


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("note_run(context, ", "orchestration/steps.py"),
        ("failing_clearly():", "orchestration/steps.py"),
        ("closed the connection", "database/connection.py"),
        ("psycopg.InterfaceError", "database/connection.py"),
        ("this release needs", "database/migrate.py"),
        ("The last successful sync ended", "clusters/staleness.py"),
        ("ControllerClient(cluster", "clusters/controllers.py"),
        ("def busy_clusters", "orchestration/run_liveness.py"),
        ("step_failure_data", "orchestration/steps.py"),
    ],
)
def test_it_is_spelled_out_once(text: str, file: str) -> None:
    """Guards against a second rule, or a second sentence for the same fault, that a change of the first one misses."""
    found = [path for path in _PACKAGE.rglob("*.py") if text in path.read_text(encoding="utf-8")]
    assert found == [_PACKAGE / file]


def test_every_step_opens_with_the_one_wrapper() -> None:
    """Guards against a step whose run cannot be told from an abandoned one, or that fails with a traceback."""
    defined = [*(defs.assets or []), *(defs.asset_checks or [])]
    ops: list[OpDefinition] = [each.op for each in defined if isinstance(each, AssetsDefinition)]  # type: ignore[misc]
    ops += [node for job in ("tidy", "check_freshness") for node in defs.resolve_job_def(job).all_node_defs]  # type: ignore[misc]
    assert len(ops) > 10
    for op in ops:
        if isinstance(op, OpDefinition):
            source = inspect.getsource(inspect.getmodule(op.compute_fn.decorated_fn))  # type: ignore[arg-type, union-attr]
            body = inspect.getsource(op.compute_fn.decorated_fn)  # type: ignore[union-attr]
            assert "step(context, warehouse)" in body or "_alone(context, warehouse)" in body, op.name
            assert "step(context, warehouse)" in source, op.name


def test_the_answers_of_the_architecture_are_files_of_the_package() -> None:
    """Guards against a list of places that a renamed module makes wrong."""
    document = (_PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = document.partition("### Where to look")[2].partition("\n\n## ")[0]
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py|dagster\.yaml)`", section)
    assert len(named) >= 10
    assert [name for name in named if not ((_PACKAGE / name).exists() or (_PACKAGE.parent / name).exists())] == []
