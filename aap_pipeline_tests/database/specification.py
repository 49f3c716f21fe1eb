"""Reads the specification: the SQL blocks of data/database-schema.md, taken apart into what each promises."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_DOCUMENT = Path(__file__).parents[1] / "data" / "database-schema.md"
_TYPE_NAMES = {"SERIAL": "INTEGER", "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE", "DECIMAL": "NUMERIC"}


@dataclass(frozen=True)
class SpecifiedColumn:
    """One column as the document writes it; `type` in the words of format_type(), `default` as SQL or None."""

    table: str
    name: str
    type: str
    serial: bool
    not_null: bool
    unique: bool
    primary_key: bool
    default: str | None
    references: str | None
    cascade: bool


@dataclass(frozen=True)
class SpecifiedIndex:
    """One CREATE INDEX of the document."""

    name: str
    table: str
    columns: tuple[str, ...]
    unique: bool
    method: str


def blocks() -> list[str]:
    """Every SQL block of the document, comments removed."""
    found = re.findall(r"```sql\n(.*?)```", _DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [re.sub(r"--[^\n]*", "", block) for block in found]


def statements(*beginnings: str) -> list[str]:
    """The document's statements that begin with one of the words given, in its order."""
    every = [text.strip() for block in blocks() for text in block.split(";")]
    return [text for text in every if text.upper().startswith(beginnings)]


def columns() -> list[SpecifiedColumn]:
    """Every column of every CREATE TABLE."""
    return [_column(table, line) for table, body in _tables() for line in _split(body)]


def indexes() -> list[SpecifiedIndex]:
    """Every CREATE INDEX."""
    pattern = r"CREATE (UNIQUE )?INDEX (\w+)\s+ON (\w+)\s*(?:USING (\w+))?\s*\(([^)]*)\)"
    return [
        SpecifiedIndex(name, table, tuple(c.strip() for c in of.split(",")), bool(unique), (method or "btree").lower())
        for unique, name, table, method, of in re.findall(pattern, "\n".join(blocks()))
    ]


def checks() -> list[tuple[str, str, str]]:
    """(table, name, expression) of every CHECK constraint."""
    return [
        (table, name, expression)
        for text in statements("ALTER TABLE")
        for table, name, expression in re.findall(
            r"ALTER TABLE (\w+) ADD CONSTRAINT (\w+)\s+CHECK (.*)", text, flags=re.DOTALL
        )
    ]


def _tables() -> list[tuple[str, str]]:
    return re.findall(r"CREATE TABLE (\w+) \((.*?)\n\);", "\n".join(blocks()), flags=re.DOTALL)


def _split(body: str) -> list[str]:
    """The column definitions: split at commas outside brackets."""
    return [part.strip() for part in re.split(r",(?![^()]*\))", body) if part.strip()]


def _column(table: str, line: str) -> SpecifiedColumn:
    name, rest = line.split(maxsplit=1)
    kind = re.match(r"(\w+)(\([\d,]+\))?", rest)
    assert kind is not None, line
    word, size = kind.group(1), kind.group(2) or ""
    default = re.search(r"DEFAULT ('[^']*'|\w+(?:\(\))?)", rest)
    references = re.search(r"REFERENCES (\w+)\(id\)", rest)
    return SpecifiedColumn(
        table=table,
        name=name,
        type=(_TYPE_NAMES.get(word, word).lower() + size).replace("varchar", "character varying"),
        serial=word == "SERIAL",
        not_null="NOT NULL" in rest or "PRIMARY KEY" in rest,
        unique="UNIQUE" in rest,
        primary_key="PRIMARY KEY" in rest,
        default=default.group(1) if default else None,
        references=references.group(1) if references else None,
        cascade="ON DELETE CASCADE" in rest,
    )
