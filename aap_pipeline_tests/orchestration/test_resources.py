"""What assets of other code locations get from the pipeline's resource."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from dagster import Definitions, materialize

from aap_pipeline_tests.site import Site

_DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"


def test_the_asset_that_operations_shows_runs_as_written(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against an example that a newcomer copies in vain."""
    monkeypatch.chdir(tmp_path)
    found = re.search(r"<!-- tested: asset -->\n```python\n(.*?)```", _DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    namespace: dict[str, Any] = {}
    exec(found.group(1), namespace)  # noqa: S102
    defs = namespace["defs"]
    assert isinstance(defs, Definitions)
    assert materialize([namespace["savings_by_month"]], resources=defs.resources).success
    assert (tmp_path / "savings.csv").exists()
