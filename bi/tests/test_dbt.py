"""`dbt parse` validates sources, semantic models and metrics: `make bi-test`. `AAP_BI_DBT` names dbt's environment."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bi.model import HERE

_PROFILE = """
aap_savings:
  target: dev
  outputs:
    dev: {type: postgres, host: 127.0.0.1, port: 5432, user: x, password: x, dbname: x, schema: x}
"""


def test_dbt_takes_the_project(tmp_path: Path) -> None:
    """Guards against a model that MetricFlow refuses."""
    shutil.copytree(HERE / "dbt", tmp_path / "dbt")
    (tmp_path / "dbt" / "profiles.yml").write_text(_PROFILE)
    dbt = Path(os.environ.get("AAP_BI_DBT", "build/dbt")).absolute() / "bin" / "dbt"
    command = [dbt, "parse", "--profiles-dir", "."]
    done = subprocess.run(command, cwd=tmp_path / "dbt", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
