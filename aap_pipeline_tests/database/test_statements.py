"""Every statement file can be read alone: what it does and which index serves it stand on top."""

from __future__ import annotations

from pathlib import Path

import pytest

from aap_pipeline.database.statements import sql_folder

_FILES = sorted(path for path in sql_folder().rglob("*.sql"))


@pytest.mark.parametrize("path", _FILES, ids=lambda path: str(path.relative_to(sql_folder())))
def test_a_statement_begins_with_what_it_is_for(path: Path) -> None:
    """Guards against SQL that only its author understands."""
    assert path.read_text(encoding="utf-8").startswith("-- ")
