"""TLS as a URL asks for it. The embedded server is built without, so a proxy in front of it speaks TLS, as some do."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from aap_pipeline.warehouse.connection import connect
from aap_pipeline.warehouse.errors import DatabaseUnreachable

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


@pytest.fixture
def tls_url(database_url: str, tmp_path: Path) -> Iterator[str]:
    """URL of the database through a proxy that ends TLS with the certificate `tmp_path`/server.pem."""
    make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    target = urlsplit(database_url)
    loop = asyncio.new_event_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            assert await reader.readexactly(8) == _SSL_REQUEST
            writer.write(b"S")
            await writer.drain()
            await writer.start_tls(context)
            to_server, from_server = await asyncio.open_connection(target.hostname, target.port)
            await asyncio.gather(_copy(reader, from_server), _copy(to_server, writer))
        except (ssl.SSLError, ConnectionError, asyncio.IncompleteReadError):
            pass  # the client did not like the certificate
        finally:
            writer.close()

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    login = target.netloc.rpartition("@")[0]
    yield urlunsplit(target._replace(netloc=f"{login}@127.0.0.1:{port}"))

    async def stop() -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(stop(), loop).result(timeout=10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()


def make_certificate(folder: Path) -> None:
    """A certificate that is its own authority, for 127.0.0.1, in `folder`/server.pem with its key in server.key."""
    folder.mkdir(exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "server.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "server.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))


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
