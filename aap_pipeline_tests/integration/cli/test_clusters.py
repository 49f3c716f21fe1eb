"""`aap-pipeline clusters`: the registry as a person meets it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aap_pipeline.simulator.server import SimulatorServer
from aap_pipeline.warehouse.connection import connect
from aap_pipeline.warehouse.encryption import new_key
from aap_pipeline_tests.integration.cli.conftest import Cli
from aap_pipeline_tests.orchestration.conftest import small_world


@pytest.fixture
def keyed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """`cli` with an encryption key, as an external database needs one."""
    monkeypatch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", new_key())
    return cli


@pytest.fixture(scope="module")
def server(starts_server: None) -> Iterator[SimulatorServer]:
    """A controller with a little history."""
    with SimulatorServer(small_world(jobs=12)) as server:
        yield server


def names(cli: Cli) -> list[tuple[str, str]]:
    """Name and state of each cluster, as a script reads them."""
    return [(row["name"], row["state"]) for row in json.loads(cli("clusters", "list", "--json").out)]


def test_a_cluster_is_added_checked_disabled_enabled_and_removed(
    keyed: Cli, server: SimulatorServer, tmp_path: Path
) -> None:
    """Guards against a step of the way that a newcomer goes which does not work or does not say what is next."""
    assert "Add one with `aap-pipeline clusters add" in keyed("clusters", "list").out
    (tmp_path / "token").write_text(f"{server.token.access_token}\n")
    added = keyed("clusters", "add", server.url, "--name", "prod", "--token-file", str(tmp_path / "token"))
    assert added.out == f"Added cluster prod at {server.url}.\nNext: aap-pipeline clusters check prod\n"
    checked = keyed("clusters", "check", "prod")
    assert checked.status == 0, checked.out
    assert "finished jobs are visible" in checked.out
    assert "The connection is not encrypted" in checked.out
    findings = json.loads(keyed("clusters", "check", "--json").out)["prod"]
    assert {"name", "outcome", "sentence", "remedy"} <= findings[0].keys()
    again = keyed("clusters", "add", server.url, "--name", "prod", "--token-file", str(tmp_path / "token"))
    assert again.out.startswith("Updated cluster prod")
    for command, state in (("disable", "disabled"), ("enable", "enabled"), ("remove", "removed")):
        assert keyed("clusters", command, "prod").status == 0
        assert names(keyed) == [("prod", state)]
    assert "Cluster prod and its 0 jobs are deleted." in keyed("clusters", "remove", "prod", "--purge", "--yes").out
    assert names(keyed) == []
    for output in (added, checked, again):
        assert server.token.access_token not in output.out + output.err


def test_clusters_of_the_demo_are_named_to_whoever_adds_their_own(keyed: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against invented savings in the first report about one's own controller."""
    monkeypatch.setenv("T", "a-token")
    assert "demo" not in keyed("clusters", "add", "https://a", "--name", "prod", "--token-env", "T").out
    assert keyed("clusters", "add", "http://b", "--name", "demo-awx", "--token-env", "T").status == 0
    again = keyed("clusters", "add", "https://a", "--name", "prod", "--token-env", "T").out
    assert "`aap-pipeline demo --remove` deletes them" in again


def test_what_is_not_encrypted_is_not_called_verified(keyed: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a list that says the certificate of plain HTTP is verified."""
    monkeypatch.setenv("T", "a-token")
    keyed("clusters", "add", "http://a", "--name", "a", "--token-env", "T")
    keyed("clusters", "add", "https://b", "--name", "b", "--token-env", "T")
    keyed("clusters", "add", "https://c", "--name", "c", "--token-env", "T", "--no-verify-ssl")
    listed = json.loads(keyed("clusters", "list", "--json").out)
    assert [row["tls"] for row in listed] == ["none (http)", "verified", "not verified"]


def test_an_entry_that_can_not_be_used_is_told_and_hides_no_other(
    keyed: Cli, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Guards against a CA bundle that somebody deleted, after which no command knew any cluster."""
    monkeypatch.setenv("T", server.token.access_token)
    bundle = tmp_path / "ca.pem"
    bundle.write_text("soon gone")
    assert keyed("clusters", "add", server.url, "--name", "prod", "--token-env", "T").status == 0
    assert (
        keyed("clusters", "add", "https://a", "--name", "a", "--token-env", "T", "--ca-bundle", str(bundle)).status == 0
    )
    bundle.unlink()
    assert names(keyed) == [("a", "enabled"), ("prod", "enabled")]
    found = json.loads(keyed("clusters", "check", "--json").out)
    assert [(each["name"], each["outcome"]) for each in found["a"]] == [("address", "failed")]
    assert f"CA bundle {bundle} of a does not exist: correct ca_bundle" in found["a"][0]["sentence"]
    assert {each["outcome"] for each in found["prod"]} in ({"ok"}, {"ok", "warning"})
    refused = keyed("clusters", "add", "https://b", "--name", "b", "--token-env", "T", "--ca-bundle", str(bundle))
    assert (refused.status, "does not exist" in refused.err) == (1, True)


def test_where_all_clusters_are_disabled_that_is_what_is_said(keyed: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against the advice to add a cluster that is there."""
    monkeypatch.setenv("T", "a-token")
    keyed("clusters", "add", "https://a", "--name", "prod", "--token-env", "T")
    keyed("clusters", "disable", "prod")
    for command in (["clusters", "check"], ["sync"], ["reconcile"]):
        refused = keyed(*command)
        assert (refused.status, refused.err.count("\n")) == (1, 1)
        assert "enable one of prod with `aap-pipeline clusters enable`" in refused.err


def test_a_file_is_imported_whole_or_not_at_all(keyed: Cli, tmp_path: Path) -> None:
    """Guards against half an import, and against a mistake that is not named with its line."""
    file = tmp_path / "clusters.yaml"
    file.write_text(
        "clusters:\n"
        "  - {name: a, address: a.company.com, access_token: sekret}\n"
        "  - {name: b, address: b.company.com, port: none, access_token: sekret}\n"
        "  - {name: c, adress: c.company.com, access_token: sekret}\n"
    )
    refused = keyed("clusters", "import", str(file))
    assert refused.status == 1
    lines = refused.err.splitlines()
    assert lines[0].startswith(f"Error: {file}:3: port 'none' is no whole number")
    assert [line.split(":")[1] for line in lines[1:]] == ["4", "4"]
    assert "sekret" not in refused.err
    assert names(keyed) == []
    file.write_text(
        "clusters:\n"
        "  - {name: a, address: a.company.com, access_token: sekret}\n"
        "  - {name: b, address: a.company.com, access_token: sekret}\n"
    )
    refused = keyed("clusters", "import", str(file))
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "https://a.company.com of another cluster" in refused.err
    assert names(keyed) == []
    file.write_text("clusters:\n  - {name: a, address: a.company.com, access_token: sekret}\n")
    assert keyed("clusters", "import", str(file)).status == 0
    assert names(keyed) == [("a", "enabled")]
    missing = keyed("clusters", "import", str(tmp_path / "missing.yaml"))
    assert missing.err == f"Error: Cannot read {tmp_path / 'missing.yaml'}: No such file or directory.\n"


def test_tokens_are_encrypted_and_a_key_can_be_changed(
    keyed: Cli, database_url: str, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against tokens in clear text in a backup, and against a rotation after which nothing can be read."""
    monkeypatch.setenv("TOKEN", server.token.access_token)
    assert keyed("clusters", "add", server.url, "--name", "prod", "--token-env", "TOKEN").status == 0
    with connect(database_url) as connection:
        [(stored,)] = connection.execute("SELECT access_token FROM clusters_cluster").fetchall()
    assert server.token.access_token.encode() not in stored
    old, new = json.loads(json.dumps([_key(), new_key()]))
    monkeypatch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", new)
    server.log.clear()
    for command in (["clusters", "check", "prod"], ["sync", "--dry-run"], ["clusters", "rotate-key"]):
        wrong = keyed(*command)
        assert wrong.status == 1
        assert "encrypted with another key" in wrong.out + wrong.err
    assert server.log.total == 0
    monkeypatch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", f"{new},{old}")
    assert "The tokens of 1 clusters" in keyed("clusters", "rotate-key").out
    monkeypatch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", new)
    assert keyed("clusters", "check", "prod").status == 0
    monkeypatch.delenv("AAP_PIPELINE_ENCRYPTION_KEYS")
    missing = keyed("clusters", "check", "prod")
    assert (missing.status, missing.err.count("\n")) == (1, 1)
    assert "AAP_PIPELINE_ENCRYPTION_KEYS" in missing.err


def _key() -> str:
    import os

    return os.environ["AAP_PIPELINE_ENCRYPTION_KEYS"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "https://a/api/v2", "--name", "a", "--token-env", "T"], "Leave the path"),
        (["add", "ftp://a", "--name", "a", "--token-env", "T"], "looks like https://aap.company.com"),
        (["add", "https://a", "--name", "a b", "--token-env", "T"], "use 1 to 100 letters"),
        (["add", "https://a", "--name", "a", "--token-env", "NOT_SET"], "NOT_SET is not set"),
        (["add", "https://a", "--name", "a", "--token-file", "/missing"], "Cannot read /missing"),
        (
            ["add", "https://a", "--name", "a", "--token-env", "T", "--refresh-token-file", __file__],
            "without client_id",
        ),
        (["add", "https://a", "--name", "a", "--token-env", "T", "--ca-bundle", "/missing"], "does not exist"),
        (["check", "nobody"], "There is no cluster 'nobody'. Clusters: none yet."),
        (["disable", "nobody"], "There is no cluster 'nobody'"),
        (["remove", "nobody", "--purge"], "There is no cluster 'nobody'"),
        (["check"], "There is no cluster to check"),
    ],
)
def test_a_mistake_is_one_line(keyed: Cli, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str) -> None:
    """Guards against tracebacks, and against messages that do not say what to do."""
    monkeypatch.setenv("T", "a-token")
    refused = keyed("clusters", *arguments)
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert words in refused.err
    assert names(keyed) == []
