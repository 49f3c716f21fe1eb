"""Secrets as people enter them: less what editors and shells add, and refused where a request cannot carry them."""

from __future__ import annotations

import codecs
from pathlib import Path

COPY_AGAIN = "copy it again, alone, as one line of ASCII characters without spaces"
_ADDED = "\ufeff"  # the byte order mark that editors of Windows put in front
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # what PowerShell redirects into files


def cleaned(text: str) -> str:
    """`text` without a byte order mark and white space around it."""
    return text.strip().strip(_ADDED).strip()


def read_secret(file: Path) -> str:
    """The secret that `file` holds, cleaned. Raises OSError, and UnicodeDecodeError for what is not text."""
    content = file.read_bytes()
    return cleaned(content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8"))


def fault(text: str, *, spaces: bool = False) -> str | None:
    """What `text` holds other than printable ASCII, in words that repeat nothing of it; None: nothing.

    No OAuth secret holds anything else (RFC 6749 appendix A). Spaces are refused unless `spaces` allows them.
    """
    if len(text.splitlines()) > 1:
        return "a line break"
    if not text.isascii():
        return "a character outside ASCII, which may be invisible"
    if not text.isprintable():
        return "a control character"
    return "a space" if " " in text and not spaces else None
