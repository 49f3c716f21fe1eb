"""How counts are written."""

from __future__ import annotations

import pytest

from aap_pipeline.reports.output import counted


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
