"""Secrets as people enter them: what editors add goes, what no request can carry is named and not repeated."""

from __future__ import annotations

from http.client import HTTPConnection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.secret_text import cleaned, fault, read_secret
from aap_pipeline.controller.transport import basic_credentials

TOKEN = "tok_abcdefgh"


@pytest.mark.parametrize(
    "content",
    [
        TOKEN.encode(),
        f"{TOKEN}\n".encode(),
        f" \t{TOKEN}\r\n\r\n".encode(),
        TOKEN.encode("utf-8-sig"),
        f"{TOKEN}\r\n".encode("utf-8-sig"),
        f"\r\n{TOKEN}\ufeff".encode(),
        f"{TOKEN}\r\n".encode("utf-16"),
        f"\ufeff{TOKEN}\r\n".encode("utf-16-be"),
    ],
)
def test_what_editors_and_shells_add_is_taken_off(content: bytes, tmp_path: Path) -> None:
    """Guards against a token that is right and is refused for the file that it came in."""
    (tmp_path / "token").write_bytes(content)
    assert read_secret(tmp_path / "token") == TOKEN
    assert fault(TOKEN) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tok_abc\ndefgh", "a line break"),
        ("tok_abc\r\ndefgh", "a line break"),
        ("tok_abc\u2028defgh", "a line break"),
        ("tok…", "a character outside ASCII, perhaps an invisible one,"),
        ("tok\u200babc", "a character outside ASCII, perhaps an invisible one,"),
        ("tok\ufeffabc", "a character outside ASCII, perhaps an invisible one,"),
        ("tök", "a character outside ASCII, perhaps an invisible one,"),
        ("tok\udcff", "a character outside ASCII, perhaps an invisible one,"),
        ("tok\x00abc", "a control character"),
        ("tok\tabc", "a control character"),
        ("tok abc", "a space"),
    ],
)
def test_what_cannot_be_sent_is_named(text: str, found: str) -> None:
    """Guards against a token that is taken, and fails or is printed much later."""
    assert fault(text) == found
    for tokens in (Tokens(text), Tokens("a", text, "c")):
        (said,) = tokens.faults()
        assert found in said
        assert "tok" not in said.replace("token", "")


def test_the_credentials_of_an_application_may_have_spaces() -> None:
    """RFC 6749 allows them, and HTTP Basic carries them."""
    assert fault("my app", spaces=True) is None
    assert not [*Tokens("a", "r", "my app", "my secret").faults()]
    assert [*Tokens("a", "r", "my\napp", "sécret").faults()] == [
        "The client id contains a line break and cannot be sent",
        "The client secret contains a character outside ASCII, perhaps an invisible one, and cannot be sent",
    ]


@given(st.text(st.characters(), max_size=20))
def test_what_has_no_fault_can_be_sent(text: str) -> None:
    """Guards against a character that nobody thought of, and against a message that repeats a part of the secret."""
    text = cleaned(text)
    said = fault(text, spaces=True)
    if said is None:
        connection = HTTPConnection("127.0.0.1")
        connection.putrequest("GET", "/")
        connection.putheader("Authorization", f"Bearer {text}")
        connection.putheader("Authorization", basic_credentials(text, text))
    else:
        assert not any(len(word) > 2 and word in said for word in text.split() if not word.isascii())
