"""Update the pictures in this folder from a real run: `make screenshots` (needs chromium on the PATH).

A demo on a home of its own, its terminal output as SVG; then `aap-pipeline up` on that home with the demo's controllers
still answering, and an operator's way through the Dagster UI, the same that the test in a browser takes.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

from aap_pipeline_tests.cli.processes import environment
from aap_pipeline_tests.runtime.running import Up
from aap_pipeline_tests.ui.browser import browser, missing
from aap_pipeline_tests.ui.site import change_a_job_by_hand, import_controllers
from aap_pipeline_tests.ui.walk import Operator
from aap_simulator.demo import demo_controllers

HERE = Path(__file__).resolve().parent
COLUMNS = 108
CLUSTER = "demo-synthetic"
GRAPH_SIZE = 1700, 1000
WINDOW = 1400, 900


def main() -> None:
    """All pictures; the benchmarks draw theirs themselves."""
    if lacking := missing():
        sys.exit(f"{lacking} The pictures of {HERE} stay as they are.")
    with tempfile.TemporaryDirectory(prefix="aap-pipeline-") as folder:
        home = Path(folder, "home")
        demo = subprocess.run(
            [sys.executable, "-m", "aap_pipeline.cli", "demo"],
            env=environment(home, COLUMNS=str(COLUMNS), FORCE_COLOR="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=True,
        )
        terminal_picture(demo.stdout.replace(str(home), ".aap-pipeline"))  # as in a checkout
        report_picture(home)
        dagster_pictures(Path(folder))


def terminal_picture(said: str) -> None:
    """Write `demo.svg`: the demo's output on a terminal."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ make demo", style="bold"))
    console.print(Text.from_ansi(re.sub(r"(?s)\nNext\n.*", "\n", said)))
    drawn = console.export_svg(title="aap-pipeline demo")
    # Use the reader's monospaced font: GitHub blocks fonts from other hosts.
    (HERE / "demo.svg").write_text(re.sub(r"(?s)@font-face \{.*?\}\s*", "", drawn), encoding="utf-8")


def report_picture(home: Path) -> None:
    """`report.png`: the page of the last quarter. `superset.png` is made by `make bi-test` with AAP_BI_PICTURES."""
    file = home / "quarter.html"
    command = [sys.executable, "-m", "aap_pipeline.cli", "report", "--range", "last-quarter", "--html", str(file)]
    subprocess.run(command, env=environment(home), check=True)  # noqa: S603 - our own command
    with browser(home / "browser", 1180, 1040) as page:
        page.goto(file.as_uri())
        with Image.open(io.BytesIO(page.screenshot())) as picture:
            picture.convert("RGB").quantize(128).save(HERE / "report.png", optimize=True)


def dagster_pictures(folder: Path) -> None:
    """What an operator sees, over the demo's home in `folder`: one PNG a step."""
    up = Up(folder)
    try:
        up.wait_until_ready()
        with (
            demo_controllers(up.home / "demo.json", {}) as controllers,
            browser(folder / "browser", *WINDOW) as page,
        ):
            servers = {controller.name: controller.server for controller in controllers}
            import_controllers(up.environment, folder, servers)
            operator = Operator(page, up.address)

            operator.open_launchpad(CLUSTER)
            today = datetime.now(UTC).date()
            operator.fill_in(str(today - timedelta(days=60)), str(today - timedelta(days=30)))
            photograph(operator, "launchpad")
            operator.launch()
            operator.see_run_end("Success")
            photograph(operator, "run")

            up.switch_off("new_jobs_sensor")  # no picture shows a sync by accident
            operator.see_partitions("core/jobs", CLUSTER, *(servers.keys() - {CLUSTER}))
            photograph(operator, "partitions")

            operator.choose_for_backfill("2024-01-01", "2024-07-01", *sorted(servers)[:2])
            photograph(operator, "backfill")

            # The syncs that every cluster starts with have ended. One more, with a new job, runs all checks.
            servers[CLUSTER].world.add_job()
            operator.open_launchpad(CLUSTER)
            operator.launch()
            operator.see_run_end("Success")
            page.set_viewport_size({"width": GRAPH_SIZE[0], "height": GRAPH_SIZE[1]})
            operator.see_graph("raw", "marts")  # with all groups unfolded its text is too small to read
            photograph(operator, "asset-graph")
            page.set_viewport_size({"width": WINDOW[0], "height": WINDOW[1]})

            change_a_job_by_hand(up.database_url(), CLUSTER)
            servers[CLUSTER].world.add_job()  # a sync that brings nothing skips the checks of core
            operator.open_launchpad(CLUSTER)
            operator.launch()
            operator.see_run_end("Failure")
            operator.see_check("core/jobs", "host_totals_agree", "aap-pipeline reconcile --cluster")
            photograph(operator, "failed-check")
    finally:
        up.process.terminate()
        up.process.communicate()


def photograph(operator: Operator, name: str) -> None:
    """`NAME.png` of what is on the page now, in 256 colours: a third of the size, and nobody sees it."""
    operator.settled()
    with Image.open(io.BytesIO(operator.page.screenshot())) as picture:
        picture.convert("RGB").quantize(256).save(HERE / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
