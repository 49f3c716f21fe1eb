"""The dashboards against the types that Grafana publishes: `make bi-test`. `AAP_BI_GRAFANA` names a folder with them.

No registry that this project uses has a Grafana server, so none is started. The queries of the panels run in
aap_pipeline_tests/bi/test_dashboards.py.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from aap_pipeline.bi.bundles import bundle

_FOLDER = Path(os.environ.get("AAP_BI_GRAFANA", "build/grafana")).absolute()
_OPTIONS = {"barchart": "BarChart", "stat": "Stat", "table": "Table"}
_HEAD = """
import type { Dashboard, DataQuery, Panel, VariableModel } from '@grafana/schema';
// What a value of a type looks like in JSON: an enumeration is one of its texts.
type Json<T> = T extends string ? `${T}` : T extends (infer U)[] ? Json<U>[]
    : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
type Query = DataQuery & { rawSql: string; rawQuery: boolean; format: 'table' | 'time_series' };
"""


def typed(text: str) -> str:
    """Return a dashboard as TypeScript: each part assigned to its type, which refuses unknown properties too."""
    dashboard = json.loads(text)
    panels, variables = dashboard.pop("panels"), dashboard["templating"].pop("list")
    parts = [("Dashboard", dashboard), *(("VariableModel", variable) for variable in variables)]
    for panel in panels:
        parts.append((f"Partial<{panel['type']}>", panel.pop("options")))
        parts += [("Query", target) for target in panel.pop("targets")]
        parts.append(("Panel", panel))
    imports = [
        f"import type {{ Options as {kind} }} from "
        f"'@grafana/schema/dist/esm/raw/composable/{kind}/panelcfg/x/{name}PanelCfg_types.gen';"
        for kind, name in _OPTIONS.items()
    ]
    values = [f"export const part{n}: Json<{kind}> = {json.dumps(part)};" for n, (kind, part) in enumerate(parts)]
    return _HEAD + "\n".join(imports + values)


def errors(folder: Path, text: str) -> str:
    """Return what the compiler reports of a dashboard."""
    (folder / "dashboard.ts").write_text(typed(text), encoding="utf-8")
    options = ["--noEmit", "--strict", "--skipLibCheck", "--moduleResolution", "bundler", "--module", "esnext"]
    command = [_FOLDER / "node_modules/.bin/tsc", *options, "--target", "es2022", folder / "dashboard.ts"]
    (folder / "node_modules").symlink_to(_FOLDER / "node_modules")
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


pytestmark = pytest.mark.skipif(not (_FOLDER / "node_modules").exists(), reason="npm is not installed")


@pytest.mark.parametrize("name", ["aap-savings", "aap-operations"])
def test_a_dashboard_has_grafanas_types(tmp_path: Path, name: str) -> None:
    """Guards against a property that Grafana ignores, such as a misspelled option, and a value that it refuses."""
    text = bundle("grafana", "USD")[f"dashboards/{name}.json"]
    assert errors(tmp_path, text) == ""


def test_the_types_refuse_what_grafana_does_not_know(tmp_path: Path) -> None:
    """Guards against a check that takes everything."""
    text = bundle("grafana", "USD")["dashboards/aap-savings.json"]
    found = errors(tmp_path, text.replace('"colorMode": "none"', '"colourMode": "none"').replace('"normal"', '"piled"'))
    assert "colourMode" in found
    assert '"piled"' in found
