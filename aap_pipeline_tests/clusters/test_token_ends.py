"""When a controller is asked for a token's end, when a token is renewed, and what a person is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aap_pipeline.clusters.token_ends import TokenState, is_to_be_renewed, tighter, warning
from aap_pipeline.controller.auth import TokenEnd

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NOTICE = 14 * DAY
NEAR, FAR = TokenEnd(NOW + 5 * DAY, exact=True), TokenEnd(NOW + 300 * DAY, exact=True)
STATE = TokenState(1, "prod", b"", FAR, NOW - DAY, renewable=False)


def test_only_a_token_in_the_second_half_of_its_life_is_renewed() -> None:
    """Guards against a pair that lives for hours and is replaced at each look, under the syncs that use it."""
    renewable = replace(STATE, renewable=True)
    hours = TokenEnd(NOW + timedelta(hours=9), exact=True, created=NOW - timedelta(hours=1))
    assert not is_to_be_renewed(renewable, hours, NOW, NOTICE)
    assert is_to_be_renewed(renewable, hours, NOW + timedelta(hours=5), NOTICE)
    assert is_to_be_renewed(renewable, NEAR, NOW, NOTICE)
    assert not is_to_be_renewed(renewable, FAR, NOW, NOTICE)
    assert not is_to_be_renewed(renewable, None, NOW, NOTICE)
    assert not is_to_be_renewed(STATE, NEAR, NOW, NOTICE)


def test_of_two_answers_the_exact_one_counts_else_the_earlier() -> None:
    """Guards against an end that is forgotten, or put off by another token of the same user."""
    early, late = TokenEnd(NOW + DAY, exact=False), TokenEnd(NOW + 2 * DAY, exact=False)
    assert tighter(early, late) == tighter(late, early) == early
    assert tighter(FAR, early) == tighter(early, FAR) == FAR
    assert tighter(None, None) is None
    assert tighter(early, None) == tighter(None, early) == early


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"end": None}, None),
        (
            {"end": NEAR},
            "The access token expires on 2026-12-04 12:00 UTC. Syncs will fail from then on. Create a new token",
        ),
        ({"end": replace(NEAR, exact=False)}, "The access token expires by 2026-12-04 12:00 UTC."),
        ({"end": NEAR, "renewable": True}, None),
        ({"end": NEAR, "renewable": True, "declined": "No."}, "It cannot be renewed: No."),
    ],
)
def test_a_person_is_told_of_a_token_that_ends_and_that_nothing_renews(
    changes: dict[str, object], words: str | None
) -> None:
    """Guards against false alarms, which teach people to look away."""
    text = warning(replace(STATE, **changes), NOW, NOTICE)  # type: ignore[arg-type]
    assert text is None if words is None else text is not None and words in text
