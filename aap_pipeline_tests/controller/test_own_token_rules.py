"""What is certain of a token's end when several tokens might be the one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aap_pipeline.controller.own_token import end_of

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@given(st.lists(st.integers(-5, 5), max_size=4), st.integers(0, 4))
def test_the_end_that_is_told_is_never_before_that_of_any_token_in_question(days: list[int], ours: int) -> None:
    """Guards the promise "at the latest", and "exactly" where nothing else is possible."""
    rows: list[dict[str, Any]] = [{"expires": (NOW + timedelta(days=each)).isoformat()} for each in days]
    found = end_of(rows, NOW)
    alive = [each for each in days if each > 0]
    if not alive:
        assert found is None
        return
    assert found is not None
    end = NOW + timedelta(days=alive[ours % len(alive)])
    assert found.at == end if found.exact else found.at >= end


@pytest.mark.parametrize("expires", [None, "", "soon", 7, "2027-01-01T00:00:00"])
def test_a_token_without_a_usable_end_leaves_all_open(expires: object) -> None:
    """Guards against the end of another row when the one in question might live for ever."""
    assert end_of([{"expires": "2027-01-01T00:00:00Z"}, {"expires": expires}], NOW) is None
