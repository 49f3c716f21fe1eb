"""The picture of savings and runs says what the days say."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from decimal import Decimal

import pytest

from aap_pipeline.reports.picture import savings_figure, savings_picture

FIRST = date(2026, 9, 1)


@pytest.mark.parametrize("count", [1, 2, 5, 20, 90])
def test_the_axis_marks_days_however_few_there_are(count: int) -> None:
    """Guards against a new installation's first picture, one block over an axis of hours."""
    days = [(FIRST + timedelta(number), 3, Decimal(100)) for number in range(count)]
    figure = savings_figure(days, "USD")
    figure.canvas.draw()
    labels = [label.get_text() for label in figure.axes[1].get_xticklabels()]
    assert len(labels) >= 2
    assert not any(":" in label for label in labels)


def test_days_without_a_run_have_none_drawn() -> None:
    """Guards against a line from Friday to Monday, which says that there were runs on Sunday, and against a zero of
    runs that is none of savings'.
    """
    days = [(FIRST, 3, Decimal("-20.50")), (FIRST + timedelta(3), 5, Decimal(100))]
    savings, runs = savings_figure(days, "USD").axes
    for panel, heights in ((savings, [-20.5, 100.0]), (runs, [3, 5])):
        assert [bar.get_height() for bar in panel.patches] == heights
        assert all(bar.get_y() == 0 for bar in panel.patches)
        assert all(len(line.get_xdata()) == 2 for line in panel.lines)  # the zero, and nothing from day to day
    assert savings.get_ylabel() == "savings, USD"


def test_no_day_is_a_sentence() -> None:
    """Guards against an empty frame that looks like a failure."""
    assert savings_picture([], "USD") == "No job ran in this period."
    assert savings_picture([(FIRST, 1, Decimal(1))], "USD").startswith(
        "![Savings and runs per day](data:image/png;base64,"
    )


def test_without_the_extra_the_sentence_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against an asset that fails each night in an installation without matplotlib."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    picture = savings_picture([(FIRST, 1, Decimal(1))], "USD")
    assert picture == (
        "No picture: matplotlib is not installed. Run `pip install 'aap-pipeline[pictures]'`, then try again."
    )
