"""TLS as a URL asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aap_pipeline.database.connection import connect
from aap_pipeline.database.errors import DatabaseUnreachable
from aap_pipeline_tests.database.tls import make_certificate, tls_proxy


@pytest.fixture
def tls_url(database_url: str, tmp_path: Path) -> Iterator[str]:
    """URL of the database, over TLS with the certificate `tmp_path`/server.pem."""
    with tls_proxy(database_url, tmp_path) as url:
        yield url


def test_verify_full_takes_the_right_certificate_and_no_other(tls_url: str, tmp_path: Path) -> None:
    """Guards against sslmode and sslrootcert that are dropped on the way: someone in between could read everything."""
    with connect(f"{tls_url}?sslmode=verify-full&sslrootcert={tmp_path / 'server.pem'}") as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.execute("SELECT 42").fetchone() == (42,)
    make_certificate(tmp_path / "other")
    with pytest.raises(DatabaseUnreachable, match="certificate verify failed"):
        connect(f"{tls_url}?sslmode=verify-full&sslrootcert={tmp_path / 'other' / 'server.pem'}")
    with pytest.raises(DatabaseUnreachable, match=r"root certificate file .* does not exist"):
        connect(f"{tls_url}?sslmode=verify-full&sslrootcert={tmp_path / 'nothing.pem'}")
