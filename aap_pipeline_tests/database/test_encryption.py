"""Tokens at rest: what one key encrypted only that key opens, and nobody is left without a key unawares."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from aap_pipeline.database.encryption import Cipher, EncryptionKeyError, cipher, new_key
from aap_pipeline.settings import Settings


def test_what_is_stored_shows_nothing_of_the_secret() -> None:
    """Guards against a token that lies readable in the database."""
    encrypted = Cipher([new_key()]).encrypt("a-token")
    assert b"a-token" not in encrypted


def test_old_keys_decrypt_and_rotation_makes_them_needless() -> None:
    """Guards against tokens lost when a key is replaced."""
    old, new = new_key(), new_key()
    encrypted = Cipher([old]).encrypt("a-token")
    both = Cipher([new, old])
    assert both.decrypt(encrypted) == "a-token"
    assert Cipher([new]).decrypt(both.encrypt(both.decrypt(encrypted))) == "a-token"
    with pytest.raises(EncryptionKeyError, match="encrypted with another key"):
        Cipher([new]).decrypt(encrypted)


@pytest.mark.parametrize("keys", [["not a key"], [""], ["c2hvcnQ="], []])
def test_a_malformed_key_is_named_without_showing_it(keys: list[str]) -> None:
    """Guards against a traceback, or a key in a log, for a variable that was cut or left empty."""
    with pytest.raises(EncryptionKeyError, match="AAP_PIPELINE_ENCRYPTION_KEYS is not a list of Fernet keys") as caught:
        Cipher(keys)
    assert not keys or not keys[0] or keys[0] not in str(caught.value)


def test_the_embedded_server_gets_a_key_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    """Guards against a second key on the second start, and against a key that others on the machine can read."""
    settings = Settings(home=tmp_path / "home", database_url=None, encryption_keys=None)
    encrypted = cipher(settings).encrypt("a-token")
    assert cipher(settings).decrypt(encrypted) == "a-token"
    assert stat.S_IMODE((settings.home / "encryption-key").stat().st_mode) == 0o600


def test_an_external_database_needs_a_key_from_the_environment(tmp_path: Path) -> None:
    """Guards against a key file on one of several machines that share a database."""
    settings = Settings(home=tmp_path, database_url=SecretStr("postgresql://u:p@db/w"), encryption_keys=None)
    with pytest.raises(EncryptionKeyError, match="aap-pipeline keys new"):
        cipher(settings)
    key = new_key()
    encrypted = cipher(settings.model_copy(update={"encryption_keys": SecretStr(f" {key} ,")})).encrypt("a-token")
    assert Cipher([key]).decrypt(encrypted) == "a-token"
