"""What an operator does in the Dagster UI, as steps: the test checks them, `make screenshots` photographs them.

Each step waits for what a person would wait to see; what does not come is an error of Playwright that names it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

_JOB = "/locations/aap_pipeline/jobs/update_cluster"
_RUN_SECONDS = 120
BACKFILL = """\
ops:
  raw__sync_data:
    config: {{since: "{since}", until: "{until}"}}
"""
"""What docs/operations.md has people paste, with its own times."""


class Operator:
    """A person before the Dagster UI at `address`."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address

    def see_graph(self, *expanded: str) -> None:
        """The whole lineage, with these groups unfolded and all of it in the window."""
        groups = ",".join(f"global@global:{group}" for group in expanded)
        self._open(f"/asset-groups?expanded={groups}")
        for group in ("controller", "raw", "core", "marts", "bi", "upkeep"):
            self._see(group).wait_for()

    def see_partitions(self, asset: str, *clusters: str) -> None:
        """The clusters as partitions of an asset, all materialized, and what the first one's newest run says."""
        page = f"/assets/{asset}?view=partitions&partition={clusters[0]}"
        for _ in range(2):  # what was None when the page was opened stays so, and another sync may have begun
            self._open(page)
            self._see(f"Materialized ({len(clusters)})").wait_for(timeout=1000 * _RUN_SECONDS)
        for cluster in clusters:
            self._see(cluster).wait_for()
        self._see("dagster/partition_row_count").wait_for()

    def open_launchpad(self, cluster: str) -> None:
        """The main job's launchpad, for one cluster."""
        self._open(f"{_JOB}/partitions")
        self._see("Total partitions").wait_for()
        materialize = self.page.get_by_role("button", name=re.compile("Materialize"))
        materialize.locator("xpath=following::button[1]").click()
        self._see("Open launchpad").click()
        from playwright.sync_api import TimeoutError as Late

        choices, choice = self.page.get_by_placeholder("Partition"), self.page.get_by_role("menuitem", name=cluster)
        choices.click()
        with suppress(Late):  # the page closes the list when its partitions arrive
            choice.wait_for(timeout=10_000)
        if not choice.is_visible():
            choices.click()
        choice.click()
        self._see(f"partition: {cluster}").wait_for()

    def fill_in(self, since: str, until: str) -> None:
        """A window between the quotation marks that the launchpad shows after `since:` and `until:`."""
        editor = self.page.locator(".CodeMirror")
        for name, time in (("since", since), ("until", until)):
            editor.locator(".CodeMirror-line", has_text=f"{name}:").click()
            self.page.keyboard.press("End")
            self.page.keyboard.press("ArrowLeft")
            self.page.keyboard.insert_text(time)
            editor.get_by_text(time).wait_for()
        self._see("No errors").wait_for()

    def launch(self) -> str:
        """Start what the launchpad says; the id of the run, whose page is open then."""
        self.page.get_by_role("dialog").get_by_role("button", name="Materialize").click()
        self.page.wait_for_url("**/runs/*")
        return self.page.url.rpartition("/")[2]

    def choose_for_backfill(self, since: str, until: str, *clusters: str) -> None:
        """The same window of several clusters at once, up to the button that launches it."""
        self._open(f"{_JOB}/partitions")
        self._see("Total partitions").wait_for()
        self.page.get_by_role("button", name=re.compile("Materialize")).first.click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_text("Select a partition or create one").click()
        for cluster in clusters:
            self._see(cluster).click()
        self.page.keyboard.press("Escape")
        dialog.get_by_text(f"{len(clusters)} partitions").wait_for()
        dialog.get_by_text("Config", exact=True).click()
        dialog.get_by_text("Add config").click()
        self.page.locator(".CodeMirror").last.click()
        self.page.keyboard.insert_text(BACKFILL.format(since=since, until=until))
        self._see("No errors").wait_for()

    def launch_backfill(self) -> None:
        """Start it, and wait for its end."""
        dialog = self.page.get_by_role("dialog")
        self.page.get_by_role("button", name="Save config").click()
        dialog.filter(has_text="Config Editor").wait_for(state="detached")
        self.page.get_by_role("button", name="Launch backfill").click()
        dialog.wait_for(state="detached")
        self._open("/runs?view=backfills")
        self._see("Success").wait_for(timeout=1000 * _RUN_SECONDS)

    def see_run_end(self, status: str) -> None:
        """Wait on the page of a run until it has ended, which must be as `status`, Success or Failure."""
        ended = self.page.get_by_text(re.compile("^(Success|Failure|Canceled)$")).first
        ended.wait_for(timeout=1000 * _RUN_SECONDS)
        if (said := ended.inner_text()) != status:
            raise AssertionError(f"The run ended as {said}: {self.page.locator('body').inner_text()}")

    def see_check(self, asset: str, check: str, remedy: str) -> str:
        """The newest result of an asset check; the words by it, once its `remedy` is among them: it is drawn last."""
        self._open(f"/assets/{asset}?view=checks&checkDetail={check}")
        self._see("Evaluation result").wait_for()
        self.page.get_by_text(remedy).first.wait_for()
        return self.page.locator("body").inner_text()

    def settled(self) -> None:
        """Wait until nothing is being loaded or drawn any more, for a picture."""
        self.page.wait_for_load_state("networkidle")
        # By a locator: the UI's Content-Security-Policy refuses the script that `wait_for_function` repeats.
        self.page.get_by_text("Loading...").filter(visible=True).first.wait_for(state="detached")
        self.page.wait_for_timeout(1500)

    def _open(self, path: str) -> None:
        self.page.goto(self.address + path)

    def _see(self, text: str) -> Locator:
        return self.page.get_by_text(text, exact=True).first
