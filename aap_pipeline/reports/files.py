"""Write a report to files: HTML, PDF, CSV, XLSX."""

import csv
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from aap_pipeline.errors import import_extra
from aap_pipeline.reports.page import page
from aap_pipeline.reports.summary import Summary


def write_html(summary: Summary, file: Path, title: str) -> None:
    """Write the page."""
    file.write_text(page(summary, title), encoding="utf-8")


def write_pdf(summary: Summary, file: Path, title: str) -> None:
    """Print the page; needs the extra `pdf`."""
    import_extra("weasyprint", "pdf").HTML(string=page(summary, title)).write_pdf(file)


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
