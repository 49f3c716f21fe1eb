"""Addresses and query strings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import certifi
import pytest

from aap_pipeline.controller.config import Endpoint, read_ca_bundle
from aap_pipeline.controller.errors import BadEndpoint
from aap_pipeline.controller.query import with_query


@pytest.mark.parametrize(
    ("protocol", "address", "port", "url"),
    [
        ("https", "aap.example.com", 443, "https://aap.example.com"),
        ("https", "aap.example.com", 8443, "https://aap.example.com:8443"),
        ("http", "127.0.0.1", 80, "http://127.0.0.1"),
        ("http", "localhost", 443, "http://localhost:443"),
        ("https", "::1", 8443, "https://[::1]:8443"),
        ("https", "[2001:db8::5]", 443, "https://[2001:db8::5]"),
    ],
)
def test_base_urls_have_no_needless_port_and_bracketed_ipv6(protocol: str, address: str, port: int, url: str) -> None:
    """`https://::1:8443` is no URL."""
    assert Endpoint(protocol, address, port).base_url == url


@pytest.mark.parametrize(
    ("protocol", "address", "port"),
    [
        ("ftp", "aap.example.com", 21),
        ("https", "https://aap.example.com", 443),
        ("https", "user:pw@aap.example.com", 443),
        ("https", "aap.example.com/api", 443),
        ("https", "aap.example.com\n", 443),
        ("https", "", 443),
        ("https", "aap.example.com", 0),
        ("https", "aap.example.com", 65536),
    ],
)
def test_unusable_addresses_are_refused_before_any_request(protocol: str, address: str, port: int) -> None:
    """A pasted URL with a user in it would send credentials to a log and requests to nowhere."""
    with pytest.raises(BadEndpoint):
        Endpoint(protocol, address, port).check()


def test_a_ca_bundle_is_read_once_and_what_is_wrong_with_it_is_named(tmp_path: Path) -> None:
    """Guards against a path that only one of many workers has, and "invalid path" in the middle of a sync."""
    with pytest.raises(BadEndpoint, match=r"ca\.pem: No such file"):
        read_ca_bundle(tmp_path / "ca.pem")
    (tmp_path / "ca.pem").write_text("no certificate", encoding="utf-8")
    with pytest.raises(BadEndpoint, match="contains no certificate"):
        read_ca_bundle(tmp_path)
    pem = Path(certifi.where()).read_text(encoding="utf-8")
    (tmp_path / "some.pem").write_text(f"# Gesellschaft für alles\n{pem}", encoding="utf-8")
    bundle = read_ca_bundle(tmp_path)
    assert bundle.count("BEGIN CERTIFICATE") == pem.count("BEGIN CERTIFICATE")
    Endpoint("https", "aap.example.com", 443, ca_bundle=bundle).check()
    with pytest.raises(BadEndpoint, match=r"CA bundle of aap\.example\.com is not valid"):
        Endpoint("https", "aap.example.com", 443, ca_bundle="/etc/ca.pem").check()


def test_datetimes_travel_in_utc_with_microseconds_and_z() -> None:
    """An unescaped +00:00 becomes a blank on the way, and a 400."""
    moment = datetime(2026, 10, 9, 21, 15, 26, 4, tzinfo=timezone(timedelta(hours=2)))
    assert with_query("jobs/", {"finished__gt": moment}) == "jobs/?finished__gt=2026-10-09T19:15:26.000004Z"
    assert with_query("jobs/", {"x": datetime(2026, 1, 1, tzinfo=UTC)}).endswith("2026-01-01T00:00:00.000000Z")


def test_naive_datetimes_are_refused() -> None:
    """They would be read as the controller's time zone."""
    with pytest.raises(ValueError, match="no time zone"):
        with_query("jobs/", {"finished__gt": datetime(2026, 1, 1)})  # noqa: DTZ001


def test_queries_hold_booleans_lists_and_escaped_text() -> None:
    """Django's isnull wants true; id__in wants commas; & in a value must not begin another filter."""
    assert with_query("jobs/", {"a__isnull": True, "id__in": [1, 2]}) == "jobs/?a__isnull=true&id__in=1,2"
    assert with_query("jobs/?page_size=1", {"name": "a&b=c +é"}) == "jobs/?page_size=1&name=a%26b%3Dc%20%2B%C3%A9"
    assert with_query("jobs/", {}) == "jobs/"
