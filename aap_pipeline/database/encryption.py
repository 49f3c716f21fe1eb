"""Tokens at rest: Fernet through MultiFernet, so that keys can be rotated."""

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from aap_pipeline.errors import PipelineError
from aap_pipeline.settings import Settings


class EncryptionKeyError(PipelineError):
    """The encryption key is missing, malformed, or not the one that encrypted the tokens."""


class Cipher:
    """Encrypts with the first of `keys`, decrypts with any of them."""

    def __init__(self, keys: list[str]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key.strip()) for key in keys if key.strip()])
        except ValueError:
            raise EncryptionKeyError(
                "AAP_PIPELINE_ENCRYPTION_KEYS is not a list of Fernet keys. Create a key with `aap-pipeline keys new`."
            ) from None

    def encrypt(self, secret: str) -> bytes:
        """Encrypt `secret` with the first key."""
        return self._fernet.encrypt(secret.encode())

    def decrypt(self, encrypted: bytes) -> str:
        """Decrypt a secret. Raises EncryptionKeyError if none of the keys encrypted it."""
        try:
            return self._fernet.decrypt(encrypted).decode()
        except InvalidToken:
            raise EncryptionKeyError(
                "The stored tokens were encrypted with another key. Add that key to AAP_PIPELINE_ENCRYPTION_KEYS "
                "(NEW,OLD), or store the token again with `aap-pipeline clusters update NAME --token-file FILE`."
            ) from None


def new_key() -> str:
    """Generate a Fernet key."""
    return Fernet.generate_key().decode()


def cipher(settings: Settings) -> Cipher:
    """Return the cipher that `settings` configure.

    With the embedded server and no key, a key file of mode 0600 is created. Raises EncryptionKeyError for an external
    database without a key, because other machines could not read a key file.
    """
    if settings.encryption_keys is not None:
        return Cipher(settings.encryption_keys.get_secret_value().split(","))
    if settings.database_url is not None:
        raise EncryptionKeyError(
            "AAP_PIPELINE_ENCRYPTION_KEYS is not set, and an external database requires it. Create a key with "
            "`aap-pipeline keys new`, keep it safe, and set the variable wherever the pipeline runs."
        )
    return Cipher([_key_from_file(settings.home.absolute() / "encryption-key")])


def _key_from_file(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(new_key())
    return path.read_text(encoding="ascii")
