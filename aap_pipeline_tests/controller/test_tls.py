"""TLS over real sockets, with certificates made here: who is trusted, and what is said when nobody is."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aap_pipeline.controller.config import Endpoint, read_ca_bundle
from aap_pipeline.controller.errors import BadEndpoint, TlsError
from aap_pipeline_tests.controller.conftest import Bench, aap_24
from aap_pipeline_tests.controller.server import Reply, always, serving

FINE = Reply({"count": 0, "next": None, "results": []})
Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Authority:
    """A CA: its certificate as a file, and what it signs with."""

    pem: Path
    certificate: x509.Certificate
    key: Key


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: str, issuer: str, key: Key, days: int = 1) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
    )


def authority(folder: Path, name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    certificate = (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"{name}.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(pem, certificate, key)


def server_context(folder: Path, signer: Authority | None, host: str = "127.0.0.1", days: int = 1) -> ssl.SSLContext:
    """What a server presents: signed by `signer`, or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
    ]
    issuer_key = signer.key if signer else key
    certificate = (
        _builder("server", signer.pem.stem if signer else "server", key, days)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def endpoint(port: int, bundle: Path | None = None, verify: bool = True) -> Endpoint:
    return Endpoint("https", "127.0.0.1", port, verify, read_ca_bundle(bundle) if bundle else None)


@pytest.fixture
def right(tmp_path: Path) -> Authority:
    return authority(tmp_path, "right")


@pytest.fixture
def wrong(tmp_path: Path) -> Authority:
    return authority(tmp_path, "wrong")


def test_a_clusters_own_ca_counts_whatever_the_environment_says(
    bench: Bench, tmp_path: Path, right: Authority, wrong: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """requests lets REQUESTS_CA_BUNDLE override session.verify: every cluster with a CA of its own would fail."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(wrong.pem))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(wrong.pem))
    server = bench.serve(aap_24(always(FINE)), tls=server_context(tmp_path, right))
    assert bench.client(0, endpoint=endpoint(server.port, right.pem)).get("jobs/").body == FINE.body


def test_without_verification_the_environment_does_not_bring_it_back(
    bench: Bench, tmp_path: Path, wrong: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """verify_ssl false is a decision; and it must not print a warning with every connection."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(wrong.pem))
    server = bench.serve(aap_24(always(FINE)), tls=server_context(tmp_path, None))
    assert bench.client(0, endpoint=endpoint(server.port, verify=False)).get("jobs/").body == FINE.body


def test_the_environments_ca_serves_clusters_without_one(
    bench: Bench, tmp_path: Path, right: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is how companies hand out their CA."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(right.pem))
    server = bench.serve(aap_24(always(FINE)), tls=server_context(tmp_path, right))
    assert bench.client(0, endpoint=endpoint(server.port)).get("jobs/").body == FINE.body


def test_a_wrong_ca_is_said_to_be_one_and_the_token_is_not_sent(
    bench: Bench, tmp_path: Path, right: Authority, wrong: Authority
) -> None:
    """Somebody in the middle looks exactly like this."""
    server = bench.serve(aap_24(always(FINE)), tls=server_context(tmp_path, right))
    with pytest.raises(
        TlsError, match=r"is not trusted \(unable to get local issuer certificate\)\. Trust the CA that signed it with"
    ) as raised:
        bench.client(0, endpoint=endpoint(server.port, wrong.pem)).get("jobs/")
    assert not raised.value.transient
    assert server.asked == []


def test_a_self_signed_certificate_is_said_to_be_one(bench: Bench, tmp_path: Path) -> None:
    """The usual certificate of a fresh installation."""
    server = bench.serve(aap_24(always(FINE)), tls=server_context(tmp_path, None))
    with pytest.raises(TlsError, match=r"is not trusted \(self-signed certificate\)"):
        bench.client(0, endpoint=endpoint(server.port)).get("jobs/")


def test_a_certificate_for_another_name_says_which_name_to_use(bench: Bench, tmp_path: Path, right: Authority) -> None:
    """Addressing a controller by its IP is the usual mistake."""
    server = bench.serve(aap_24(always(FINE)), tls=server_context(tmp_path, right, host="aap.example.com"))
    with pytest.raises(TlsError, match="Use an address that the certificate is valid for with `aap-pipeline clusters"):
        bench.client(0, endpoint=endpoint(server.port, right.pem)).get("jobs/")


def test_an_expired_certificate_is_said_to_be_expired(bench: Bench, tmp_path: Path, right: Authority) -> None:
    """ "not trusted" alone would send people after the CA."""
    server = bench.serve(aap_24(always(FINE)), tls=server_context(tmp_path, right, days=-1))
    with pytest.raises(TlsError, match=r"certificate has expired\). Renew the certificate"):
        bench.client(0, endpoint=endpoint(server.port, right.pem)).get("jobs/")


def test_plain_http_on_the_port_is_said_in_words(bench: Bench) -> None:
    """WRONG_VERSION_NUMBER tells nobody that protocol must be http."""
    with (
        serving(aap_24(always(FINE))) as server,
        pytest.raises(TlsError, match=r"uses plain HTTP, run .* --url http://127"),
    ):
        bench.client(0, endpoint=endpoint(server.port)).get("jobs/")


def test_a_bundle_that_is_no_pem_is_named_before_it_is_stored(tmp_path: Path) -> None:
    """A DER file, or a path that was mixed up."""
    bundle = tmp_path / "ca.der"
    bundle.write_bytes(b"\x30\x82")
    with pytest.raises(BadEndpoint, match=r"ca\.der contains no certificate"):
        read_ca_bundle(bundle)
