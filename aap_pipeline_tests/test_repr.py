"""What a debugger, a traceback with values or a careless f-string would show of the objects that carry secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from aap_pipeline.alerts.settings import AlertSettings
from aap_pipeline.clusters.registry import NewCluster
from aap_pipeline.controller.answers import Answer
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.transport import RawAnswer
from aap_pipeline.database.encryption import Cipher, new_key
from aap_pipeline.documents.raw_documents import RawDocument
from aap_pipeline.runtime.child import Child
from aap_pipeline.settings import Settings

SECRET = new_key()
TOKENS = Tokens(SECRET, SECRET, "client", SECRET)


@pytest.mark.parametrize(
    "holder",
    [
        TOKENS,
        NewCluster("prod", Endpoint("https", "a", 443), TOKENS),
        Cipher([SECRET]),
        Settings(database_url=SecretStr(f"postgresql://u:{SECRET}@h/d"), encryption_keys=SecretStr(SECRET)),
        AlertSettings(
            webhook_url=SecretStr(f"https://{SECRET}"),
            webhook_token=SecretStr(SECRET),
            smtp_user="me",
            smtp_password=SecretStr(SECRET),
        ),
        RawAnswer(200, {}, SECRET.encode()),
        Answer({"access_token": SECRET}, {}),
        RawDocument("job", 1, None, SECRET.encode()),
        Child("daemon", ["dagster-daemon"], {"PASSWORD": SECRET}, Path("daemon.log")),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_no_repr_shows_a_secret(holder: object) -> None:
    """Guards against a token, a password or a job's extra_vars in a traceback or a log."""
    assert SECRET not in repr(holder)
    assert SECRET not in str(holder)
