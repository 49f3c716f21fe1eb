"""Makes the pictures of this folder anew from a real run: `make screenshots` (needs chromium on the PATH).

A demo on a home of its own, its terminal output as SVG; then `aap-pipeline up` on that home and the asset graph of the
Dagster UI, photographed by headless Chromium.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent
COLUMNS = 100
CLI = [sys.executable, "-m", "aap_pipeline.cli"]
EXPANDED = ",".join(f"global@global:{group}" for group in ("raw", "core", "marts"))
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=30000",
]


def main() -> None:
    """Both pictures."""
    with tempfile.TemporaryDirectory(prefix="aap-pipeline-") as folder:
        home = Path(folder, "home")
        environment = {**os.environ, "AAP_PIPELINE_HOME": str(home), "COLUMNS": str(COLUMNS), "FORCE_COLOR": "1"}
        environment.pop("AAP_PIPELINE_DATABASE_URL", None)
        demo = subprocess.run(  # noqa: S603
            [*CLI, "demo"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=True,
        )
        terminal_picture(demo.stdout)
        asset_graph(environment, Path(folder))


def terminal_picture(said: str) -> None:
    """`demo.svg`: what the demo prints on a terminal."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ make demo", style="bold"))
    console.print(Text.from_ansi(re.sub(r"(?s)\nNext\n.*", "\n", said)))
    drawn = console.export_svg(title="aap-pipeline demo")
    # A reader's own monospaced font does: fetching one from elsewhere is nobody's wish, and GitHub blocks it.
    (HERE / "demo.svg").write_text(re.sub(r"(?s)@font-face \{.*?\}\s*", "", drawn), encoding="utf-8")


def asset_graph(environment: dict[str, str], folder: Path) -> None:
    """`asset-graph.png`: the global asset graph after the demo's syncs."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("chromium is not on the PATH: docs/images/asset-graph.png stays as it is.")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    up = subprocess.Popen([*CLI, "up", "--port", str(port)], env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        next(line for line in up.stdout or () if "Ctrl-C stops everything" in line)
        address = f"http://127.0.0.1:{port}/asset-groups?expanded={EXPANDED}"
        picture = [
            f"--screenshot={HERE / 'asset-graph.png'}",
            "--window-size=1500,1600",
            f"--user-data-dir={folder}/chromium",
        ]
        subprocess.run([chromium, *QUIET, *picture, address], check=True, stderr=subprocess.DEVNULL)  # noqa: S603
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait()


if __name__ == "__main__":
    main()
