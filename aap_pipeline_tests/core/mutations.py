"""Documents as no controller should send them: types swapped, keys gone, numbers huge, NUL characters, deep nesting."""

from __future__ import annotations

import copy
import random
from typing import Any

Document = dict[str, Any]


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


NASTY: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 5, 2**31 - 1, 2**31, 2**63, 10**30, -(10**30), 0.5, 1.5, 7.0, 1e300, 999999999999.9995,
    "", " ", "x", "12.5", "x" * 21, "x" * 60, "ü" * 255, "ü" * 256, "x" * 513, "x" * 1025, "null", "NaN", "Infinity",
    "successful", "running", "surrogate", "2026-02-30T00:00:00Z", "2026-02-03T00:00:00", "1969-12-31T23:59:59Z",
    "2026-02-03T04:05:06+02:00", "2199-12-31T23:59:59.999999Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
    "2026-02-03T04:05:06Z", [], {}, [1], ["x"], [[]], {"id": 5}, {"id": None, "name": "x"}, {"name": "only a name"},
    {"count": 99, "results": []}, {"count": 1, "results": [{"id": 7, "name": "seven"}]}, _nested(50),
)  # fmt: skip
WITH_NUL = ("\0", "a\0b", {"name": "\0", "id": 3}, ["\0"])


def mutate(document: Document, rng: random.Random, *, nul: bool = False) -> Document:
    """A copy of `document` with one to three places changed."""
    changed = copy.deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        where, key = rng.choice(_places(changed))
        action = rng.random()
        if action < 0.2:
            del where[key]
        elif action < 0.3 and isinstance(where, list):
            where.append(copy.deepcopy(where[key]))
        else:
            where[key] = copy.deepcopy(rng.choice(WITH_NUL if nul and rng.random() < 0.3 else NASTY))
        if not changed:
            break
    return changed


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a document, deep ones as likely as shallow ones to matter."""
    items = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    places: list[tuple[Any, Any]] = []
    for key, inner in items:
        if key == "related":
            continue
        places.append((value, key))
        places += _places(inner)
    return places
