"""Clean secrets of what editors and shells add, and reject those that a request cannot carry."""

import codecs
from pathlib import Path

from aap_pipeline.errors import BadInput

COPY_AGAIN = "copy it again, as one line of ASCII characters without spaces"
_ADDED = "\ufeff"  # the byte order mark that Windows editors add
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # written by PowerShell redirection


def cleaned(text: str) -> str:
    """Strip a byte order mark and surrounding white space from `text`."""
    return text.strip().strip(_ADDED).strip()


def read_secret(file: Path) -> str:
    """Return the cleaned secret in `file`. Raises BadInput if the file cannot be read, is not text or is empty."""
    try:
        content = file.read_bytes()
        found = cleaned(content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"Cannot read {file}: {getattr(error, 'strerror', 'it is not UTF-8 text')}.") from None
    if not found:
        raise BadInput(f"{file} is empty. It must contain the token or secret.")
    return found


def fault(text: str, *, spaces: bool = False) -> str | None:
    """Describe, without quoting it, what `text` contains besides printable ASCII; None if nothing.

    OAuth secrets are printable ASCII (RFC 6749 appendix A). Spaces are a fault unless `spaces` allows them.
    """
    if len(text.splitlines()) > 1:
        return "a line break"
    if not text.isascii():
        return "a character outside ASCII, perhaps an invisible one,"
    if not text.isprintable():
        return "a control character"
    return "a space" if " " in text and not spaces else None
