"""`aap-pipeline clusters update`: what it changes, and what it leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import certifi
import pytest

from aap_pipeline.clusters.registry import cluster_named
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint, read_ca_bundle
from aap_pipeline.controller.manners import Manners
from aap_pipeline.database.connection import connect
from aap_pipeline_tests.cli.conftest import Cli, stored_tokens


def test_limits_of_a_cluster_are_stored_and_changed_one_by_one(
    keyed: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Guards against a limit that another change takes back."""
    monkeypatch.setenv("T", "sekret")

    def stored() -> Manners:
        with connect(database_url) as connection:
            return cluster_named(connection, "prod").manners

    keyed("clusters", "add", "https://a", "--name", "prod", "--token-env", "T")
    assert stored() == Manners()
    update = ("clusters", "update", "prod")
    assert keyed(*update, "--max-requests-per-second", "0.5", "--sync-window", "20:00-06:00").status == 0
    assert keyed(*update, "--max-concurrent-requests", "2").status == 0
    assert keyed(*update, "--url", "https://b").status == 0
    assert stored() == Manners(2, 0.5, "20:00-06:00")
    refused = keyed(*update, "--sync-window", "at night")
    assert (refused.status, "20:00-06:00 Europe/Berlin" in refused.err) == (2, True)
    assert keyed(*update, "--sync-window", "always").status == 0
    keyed("clusters", "add", "https://b", "--name", "prod", "--token-env", "T")
    assert stored() == Manners(2, 0.5)
    entry = "- {name: prod, address: b, access_token: t, max_requests_per_second: 4}"
    (tmp_path / "clusters.yaml").write_text(f"clusters:\n{entry}\n")
    assert keyed("clusters", "import", str(tmp_path / "clusters.yaml")).status == 0
    assert stored() == Manners(2, 4)


def test_a_controller_below_a_path_is_added_shown_and_changed(
    keyed: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str
) -> None:
    """Guards against an address that is refused, or shown without what makes it one."""
    monkeypatch.setenv("T", "a-token")
    added = keyed("clusters", "add", "https://tools.company.com/awx/", "--name", "a", "--token-env", "T")
    assert added.out.startswith("Added cluster a at https://tools.company.com/awx.\n")
    (tmp_path / "clusters.yaml").write_text(
        "clusters:\n"
        "  - {name: b, address: b.company.com, api_prefix: /awx, access_token: t}\n"
        "  - {name: c, address: c.company.com, api_prefix: awx/api/v2/, access_token: t}\n"
        "  - {name: d, address: d.company.com, access_token: t}\n"
    )
    assert keyed("clusters", "import", str(tmp_path / "clusters.yaml")).status == 0
    listed = {row["name"]: row["url"] for row in json.loads(keyed("clusters", "list", "--json").out)}
    assert listed == {
        "a": "https://tools.company.com/awx",
        "b": "https://b.company.com/awx",
        "c": "https://c.company.com/awx",
        "d": "https://d.company.com",
    }
    keyed("clusters", "update", "a", "--token-env", "T")
    keyed("clusters", "update", "b", "--url", "https://b.company.com/tower")
    keyed("clusters", "update", "c", "--url", "https://c.company.com")
    with connect(database_url) as connection:
        prefixes = [cluster_named(connection, name).endpoint.api_prefix for name in "abcd"]
    assert prefixes == ["/awx", "/tower", None, None]
    for bad in ("/a?b", "/..", "/a b", "/é"):
        (tmp_path / "clusters.yaml").write_text(
            f"clusters: [{{name: e, address: e, api_prefix: '{bad}', access_token: t}}]\n"
        )
        refused = keyed("clusters", "import", str(tmp_path / "clusters.yaml"))
        assert (refused.status, "Use a path like /awx" in refused.err) == (2, True)


def test_what_an_update_does_not_name_stays(
    keyed: Cli, monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path
) -> None:
    """Guards against a remedy of "set ca_bundle" that no command carries out, or that takes the token away."""
    monkeypatch.setenv("T", "first")
    for name in ("refresh", "secret", "ca.pem"):
        (tmp_path / name).write_text(name)
    (tmp_path / "ca.pem").write_text(Path(certifi.where()).read_text(encoding="utf-8"))
    file, bundle = str(tmp_path / "ca.pem"), read_ca_bundle(tmp_path / "ca.pem")
    client = ("--client-id", "client", "--client-secret-file", str(tmp_path / "secret"))
    refresh = ("--refresh-token-file", str(tmp_path / "refresh"))
    assert keyed("clusters", "add", "https://a", "--name", "a", "--token-env", "T", *client, *refresh).status == 0
    keyed("clusters", "disable", "a")
    with connect(database_url) as connection:
        connection.execute("UPDATE clusters_cluster SET product_version = '4.5', token_ends_at = now()")

    def update(*options: str) -> tuple[str, Endpoint, Tokens]:
        done = keyed("clusters", "update", "a", *options)
        assert done.status == 0, done.err
        assert done.out.endswith("Next: aap-pipeline clusters check a\n")
        [listed] = json.loads(keyed("clusters", "list", "--json").out)
        assert listed["state"] == "disabled"
        with connect(database_url) as connection:
            return listed["tls"], cluster_named(connection, "a").endpoint, stored_tokens(database_url)

    tokens = Tokens("first", "refresh", "client", "secret")
    assert update("--client-id", "client") == ("verified", Endpoint("https", "a", 443), tokens)
    seen = "not seen yet"
    assert update("--ca-bundle", file) == (seen, Endpoint("https", "a", 443, True, bundle), tokens)
    assert update("--no-verify-ssl") == ("not verified", Endpoint("https", "a", 443, False, bundle), tokens)
    assert update("--ca-bundle", file) == (seen, Endpoint("https", "a", 443, True, bundle), tokens)
    assert update("--url", "https://b:8443") == (seen, Endpoint("https", "b", 8443, True, bundle), tokens)
    assert update("--no-ca-bundle", "--client-id", "other")[1:] == (
        Endpoint("https", "b", 8443),
        replace(tokens, client_id="other"),
    )
    monkeypatch.setenv("T", "second")
    assert update("--token-env", "T")[2] == Tokens("second")
    [listed] = json.loads(keyed("clusters", "list", "--json").out)
    assert listed["token"] == "unknown"
    for options, words in (
        ((), "Nothing to change"),
        (("--ca-bundle", file, "--no-ca-bundle"), "not both"),
        (refresh, "needs client_id"),
        (("--url", "ftp://a", "--ca-bundle", "/missing", "--token-env", "NONE"), "NONE is not set"),
        (("--ca-bundle", "/missing"), "CA bundle /missing: No such file or directory. Name an existing PEM file."),
    ):
        refused = keyed("clusters", "update", "a", *options)
        assert (refused.status, words in refused.err) == (2, True), refused.err
    assert stored_tokens(database_url) == Tokens("second")
    keyed("clusters", "add", "https://c", "--name", "c", "--token-env", "T")
    twin = keyed("clusters", "update", "a", "--url", "https://c")
    assert (twin.status, "https://c of cluster 'c'" in twin.err) == (1, True)
    assert "`aap-pipeline clusters remove c --purge`" in twin.err
    monkeypatch.delenv("AAP_PIPELINE_ENCRYPTION_KEYS")
    assert keyed("clusters", "update", "a", "--url", "https://d").status == 0
    refused = keyed("clusters", "update", "a", "--token-env", "T")
    assert (refused.status, "AAP_PIPELINE_ENCRYPTION_KEYS is not set" in refused.err) == (1, True)
