"""Write a report to files: HTML, PDF, CSV, XLSX."""

import csv
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from aap_pipeline.errors import PipelineError, import_extra
from aap_pipeline.reports.page import page
from aap_pipeline.reports.summary import Summary

_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SECONDS: Final = 60


def write_html(summary: Summary, file: Path, title: str) -> None:
    """Write the page."""
    file.write_text(page(summary, title), encoding="utf-8")


def write_pdf(summary: Summary, file: Path, title: str) -> None:
    """Print the page with Chromium if installed, else with WeasyPrint. Raises PipelineError if neither is."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        import_extra("weasyprint", "pdf").HTML(string=page(summary, title)).write_pdf(file)
        return
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "report.html")
        write_html(summary, source, title)
        target = Path(folder, "report.pdf")
        # The sandbox cannot run as root, and the page, without scripts and links, does not need it.
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        options += [f"--user-data-dir={folder}/browser", f"--print-to-pdf={target}"]
        try:
            subprocess.run(  # noqa: S603 - a browser from the PATH, on our own page
                [browser, *options, source.as_uri()], capture_output=True, timeout=_SECONDS, check=True
            )
        except subprocess.SubprocessError as error:
            raise PipelineError(
                f"{browser} did not print the report ({type(error).__name__}). Use --html instead."
            ) from None
        file.write_bytes(target.read_bytes())


def write_csv(summary: Summary, folder: Path) -> None:
    """Write one file per table, in UTF-8, with exact numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in summary.tables().items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows.columns)
            writer.writeheader()
            writer.writerows(rows)


def write_xlsx(summary: Summary, file: Path) -> None:
    """Write one sheet per table; needs the extra `xlsx`. Times are UTC, because workbooks have no time zones."""
    openpyxl = import_extra("openpyxl", "xlsx")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in summary.tables().items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        sheet.append(rows.columns)
        for line, row in enumerate(rows, 2):
            for column, value in enumerate(row.values(), 1):
                cell = sheet.cell(line, column, value.replace(tzinfo=None) if isinstance(value, datetime) else value)
                if isinstance(value, str):
                    cell.data_type = "s"  # a template named =1+1 is not a formula
    book.save(file)


WRITERS: Final[dict[str, Callable[[Summary, Path, str], None]]] = {
    "html": write_html,
    "pdf": write_pdf,
    "csv": lambda summary, folder, _: write_csv(summary, folder),
    "xlsx": lambda summary, file, _: write_xlsx(summary, file),
}
"""{form: its writer of a summary to a path, with a title}."""
