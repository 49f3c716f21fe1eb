"""How counts and changes are written."""

from __future__ import annotations

from decimal import Decimal

import pytest
from rich.console import Console

from aap_pipeline.reports import output
from aap_pipeline.reports.output import change, counted


@pytest.mark.parametrize(
    ("count", "words", "written"),
    [
        (0, ("job",), "0 jobs"),
        (1, ("job",), "1 job"),
        (1234, ("new job",), "1,234 new jobs"),
        (1, ("host summary", "host summaries"), "1 host summary"),
        (2, ("host summary", "host summaries"), "2 host summaries"),
    ],
)
def test_a_count_has_its_noun(count: int, words: tuple[str, ...], written: str) -> None:
    """Guards against "1 new jobs"."""
    assert counted(count, *words) == written


@pytest.mark.parametrize(
    ("now", "before", "written"),
    [
        (Decimal("110.04"), Decimal(100), "+10.0%"),
        (50, 100, "-50.0%"),
        (Decimal(100), Decimal(-100), "+200.0%"),
        (1100, 100, "+1,000.0%"),
        (Decimal("1565717.35"), Decimal(1), "> +1,000%"),
        (Decimal(-5000), Decimal("0.01"), "< -1,000%"),
        (7, 7, "0.0%"),
        (7, 0, "new"),
        (0, 0, "–"),
        (None, 3, "–"),
        (3, None, "–"),
    ],
)
def test_a_change_can_be_read(now: Decimal | int | None, before: Decimal | int | None, written: str) -> None:
    """Guards against +156571603.5% from a tiny base."""
    assert change(now, before) == written


def test_a_table_that_is_too_wide_becomes_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Guards against "Wate rmar k (UTC )" in a column of four characters, and against an address that is cut."""
    headers = {"name": "Cluster", "note": "Note", "url": "Address"}
    rows = [{"name": "prod", "note": "it was renewed yesterday", "url": "https://aap.company.com"}]
    printed = {}
    for width in (60, 50, 40):
        monkeypatch.setattr(output, "console", lambda width=width: Console(width=width, highlight=False))
        output.print_rows(headers, rows)
        printed[width] = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert printed[60][2:] == ["prod     it was renewed yesterday  https://aap.company.com"]
    assert printed[50][2:] == ["prod     it was renewed    https://aap.company.com", "         yesterday"]
    assert printed[40] == [
        "Cluster  prod",
        "Note     it was renewed yesterday",
        "Address  https://aap.company.com",
    ]


def test_a_marked_line_is_indented_where_it_wraps(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Guards against second lines that look like findings of their own."""
    monkeypatch.setattr(output, "console", lambda: Console(width=24, highlight=False))
    output.print_marked("ok", "The key decrypts the tokens.", "  ")
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "  ✓ The key decrypts the",
        "    tokens.",
    ]
