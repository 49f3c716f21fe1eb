"""`aap-pipeline clusters`: the registry as a person meets it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from aap_pipeline.database.connection import connect
from aap_pipeline_tests.cli.conftest import Cli, names
from aap_simulator.server import SimulatorServer


def test_a_cluster_is_added_checked_disabled_enabled_and_removed(
    keyed: Cli, server: SimulatorServer, tmp_path: Path
) -> None:
    """Guards against a step of the way that a newcomer goes which does not work or does not say what is next."""
    assert "run `aap-pipeline clusters add" in keyed("clusters", "list").out
    (tmp_path / "token").write_text(f"{server.token.access_token}\n")
    added = keyed("clusters", "add", server.url, "--name", "prod", "--token-file", str(tmp_path / "token"))
    assert added.out == f"Added cluster prod at {server.url}.\nNext: aap-pipeline clusters check prod\n"
    checked = keyed("clusters", "check", "prod")
    assert checked.status == 0, checked.out
    assert "finished jobs are visible" in checked.out
    assert "does not leave this machine" in checked.out
    assert added.err == ""
    findings = json.loads(keyed("clusters", "check", "--json").out)["prod"]
    assert {"name", "outcome", "sentence", "remedy"} <= findings[0].keys()
    again = keyed("clusters", "add", server.url, "--name", "prod", "--token-file", str(tmp_path / "token"))
    assert again.out.startswith("Updated cluster prod")
    for command, state in (("disable", "disabled"), ("enable", "enabled"), ("remove", "removed")):
        assert keyed("clusters", command, "prod").status == 0
        assert names(keyed) == [("prod", state)]
    assert "Deleted cluster prod and its 0 jobs." in keyed("clusters", "remove", "prod", "--purge", "--yes").out
    assert names(keyed) == []
    for output in (added, checked, again):
        assert server.token.access_token not in output.out + output.err


def test_clusters_of_the_demo_are_named_to_whoever_adds_their_own(keyed: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against invented savings in the first report about one's own controller."""
    monkeypatch.setenv("T", "a-token")
    assert "demo" not in keyed("clusters", "add", "https://a", "--name", "prod", "--token-env", "T").out
    assert keyed("clusters", "add", "http://b", "--name", "demo-awx", "--token-env", "T").status == 0
    again = keyed("clusters", "add", "https://a", "--name", "prod", "--token-env", "T").out
    assert "run `aap-pipeline demo --remove`" in again


def test_what_is_not_encrypted_is_not_called_verified(keyed: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a list that calls a certificate verified that plain HTTP does not have, or that nobody saw."""
    monkeypatch.setenv("T", "a-token")
    keyed("clusters", "add", "http://a", "--name", "a", "--token-env", "T")
    keyed("clusters", "add", "https://b", "--name", "b", "--token-env", "T")
    keyed("clusters", "add", "https://c", "--name", "c", "--token-env", "T", "--no-verify-ssl")
    listed = json.loads(keyed("clusters", "list", "--json").out)
    assert [row["tls"] for row in listed] == ["none (http)", "not seen yet", "not verified"]


def test_an_entry_that_can_not_be_used_is_told_and_hides_no_other(
    keyed: Cli, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path
) -> None:
    """Guards against a spoilt entry after which no command knows any cluster."""
    monkeypatch.setenv("T", server.token.access_token)
    assert keyed("clusters", "add", server.url, "--name", "prod", "--token-env", "T").status == 0
    assert keyed("clusters", "add", "https://a", "--name", "a", "--token-env", "T").status == 0
    with connect(database_url) as connection:
        connection.execute("UPDATE clusters_cluster SET ca_bundle = 'spoilt' WHERE name = 'a'")
    assert names(keyed) == [("a", "enabled"), ("prod", "enabled")]
    found = json.loads(keyed("clusters", "check", "--json").out)
    assert [(each["name"], each["outcome"]) for each in found["a"]] == [("cluster", "failed")]
    assert "The CA bundle of a is not valid" in found["a"][0]["sentence"]
    assert "`aap-pipeline clusters update a --ca-bundle FILE`" in found["a"][0]["sentence"]
    assert {each["outcome"] for each in found["prod"]} in ({"ok"}, {"ok", "warning"})
    gone = str(tmp_path / "ca.pem")
    refused = keyed("clusters", "add", "https://b", "--name", "b", "--token-env", "T", "--ca-bundle", gone)
    assert (refused.status, "No such file" in refused.err) == (2, True)


def test_where_all_clusters_are_disabled_that_is_what_is_said(keyed: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against the advice to add a cluster that is there."""
    monkeypatch.setenv("T", "a-token")
    keyed("clusters", "add", "https://a", "--name", "prod", "--token-env", "T")
    keyed("clusters", "disable", "prod")
    for command in (["clusters", "check"], ["sync"], ["reconcile"]):
        refused = keyed(*command)
        assert (refused.status, refused.err.count("\n")) == (1, 1)
        assert "Clusters: prod. To enable one, run `aap-pipeline clusters enable NAME`." in refused.err


def test_a_file_is_imported_whole_or_not_at_all(keyed: Cli, tmp_path: Path) -> None:
    """Guards against half an import, and against a mistake that is not named with its cluster and key."""
    file = tmp_path / "clusters.yaml"
    file.write_text(
        "clusters:\n"
        "  - {name: a, address: a.company.com, access_token: sekret}\n"
        "  - {name: b, address: b.company.com, port: none, access_token: sekret}\n"
        "  - {name: c, adress: c.company.com, access_token: sekret}\n"
    )
    refused = keyed("clusters", "import", str(file))
    assert refused.status == 2
    lines = refused.err.splitlines()
    assert lines[0].startswith(f"Error: {file}: cluster b: port 'none' should be a valid integer.")
    assert [line.split(":")[1:3] for line in lines[1:]] == [
        [" cluster c", " unknown key 'adress'. Valid keys"],
        [" cluster c", " `address` is missing."],
    ]
    assert "sekret" not in refused.err
    assert names(keyed) == []
    file.write_text(
        "clusters:\n"
        "  - {name: a, address: a.company.com, access_token: sekret}\n"
        "  - {name: b, address: a.company.com, access_token: sekret}\n"
    )
    refused = keyed("clusters", "import", str(file))
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "https://a.company.com of cluster 'a'" in refused.err
    assert names(keyed) == []
    file.write_text("clusters:\n  - {name: a, address: a.company.com, access_token: sekret}\n")
    assert keyed("clusters", "import", str(file)).status == 0
    assert names(keyed) == [("a", "enabled")]
    missing = keyed("clusters", "import", str(tmp_path / "missing.yaml"))
    assert missing.err == f"Error: Cannot read {tmp_path / 'missing.yaml'}: No such file or directory.\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["add", "https://a/b/../c", "--name", "a", "--token-env", "T"], 2, "Use a path like /awx"),
        (["add", "https://[a", "--name", "a", "--token-env", "T"], 2, "Use https://aap.company.com"),
        (["add", "ftp://a", "--name", "a", "--token-env", "T"], 2, "Use https://aap.company.com"),
        (["add", "https://a", "--name", "a b", "--token-env", "T"], 2, "Use 1 to 100 letters"),
        (["add", "https://a", "--name", "a...b", "--token-env", "T"], 2, "single dots"),
        (["add", "https://a", "--name", "a", "--token-env", "NOT_SET"], 2, "NOT_SET is not set"),
        (["add", "https://a", "--name", "a", "--token-file", "/missing"], 2, "Cannot read /missing"),
        (["add", "https://a", "--name", "a", "--token-env", "T", "--token-file", __file__], 2, "only one of"),
        (["add", "https://a", "--name", "a", "--token-env", "T", "--refresh-token-file", "FILE"], 2, "needs client_id"),
        (["add", "https://a", "--name", "a", "--token-env", "T", "--ca-bundle", "/missing"], 2, "No such file"),
        (["update", "nobody", "--url", "https://a"], 1, "There is no cluster 'nobody'"),
        (["check", "nobody"], 1, "There is no cluster 'nobody'. Clusters: none yet."),
        (["disable", "nobody"], 1, "There is no cluster 'nobody'"),
        (["remove", "nobody", "--purge"], 1, "There is no cluster 'nobody'"),
        (["check"], 1, "There is no enabled cluster to check"),
    ],
)
def test_a_mistake_is_one_line(
    keyed: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], status: int, words: str
) -> None:
    """Guards against tracebacks, and against messages that do not say what to do. FILE is a file with one token."""
    monkeypatch.setenv("T", "a-token")
    token = tmp_path / "token"
    token.write_text("another-token\n", encoding="utf-8")
    refused = keyed("clusters", *(str(token) if each == "FILE" else each for each in arguments))
    assert (refused.status, refused.err.count("\n")) == (status, 1)
    assert words in refused.err
    assert names(keyed) == []


def test_all_mistakes_are_reported_together_and_no_token_is_asked_for(
    keyed: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Guards against a form that is refused once for each of its fields."""
    monkeypatch.setattr("sys.stdin", io.StringIO("never read"))
    bad = ("--token-file", "/no-token", "--client-secret-file", "/no-secret", "--ca-bundle", "/no-ca")
    refused = keyed("clusters", "add", "https://a_", "--name", "a,b", *bad, "--token-env", "T")
    assert refused.status == 2
    lines = (
        "CA bundle /no-ca",
        "only one of",
        "Cannot read /no-secret",
        "'a,b' is not a valid cluster",
        "Address 'a_'",
    )
    assert len(refused.err.splitlines()) == len(lines)
    assert all(words in line for words, line in zip(lines, refused.err.splitlines(), strict=True))
    (tmp_path / "refresh").write_text("refresh")
    refresh = ("--refresh-token-file", str(tmp_path / "refresh"))
    refused = keyed("clusters", "add", "https://a", "--name", "a", "--token-env", "T", *refresh)
    assert (refused.status, refused.err.count("\n")) == (2, 2)
    assert "The refresh token of cluster 'a' needs client_id" in refused.err
    refused = keyed("clusters", "add", "ftp://a", "--name", "a.")
    assert [line[:15] for line in refused.err.splitlines()] == ["Error: 'a.' is ", "The address of "]


def test_a_removed_cluster_is_not_asked(keyed: Cli, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against `clusters remove c0; sync --cluster c0`, which asked the controller and stored its jobs."""
    monkeypatch.setenv("T", server.token.access_token)
    keyed("clusters", "add", server.url, "--name", "c0", "--token-env", "T")
    keyed("clusters", "remove", "c0")
    server.log.clear()
    for command in (
        ("sync", "--cluster", "c0"),
        ("sync", "--dry-run", "--cluster", "c0"),
        ("reconcile", "--cluster", "c0"),
        ("clusters", "check", "c0"),
        ("clusters", "update", "c0", "--url", server.url),
    ):
        refused = keyed(*command)
        assert (refused.status, refused.err.count("\n")) == (1, 1)
        assert "To restore it, run `aap-pipeline clusters enable c0`." in refused.err
    assert server.log.total == 0
    assert keyed("clusters", "enable", "c0").status == 0
    assert keyed("clusters", "check", "c0").status == 0
    [listed] = json.loads(keyed("clusters", "list", "--json").out)
    assert listed["product"] != "not connected yet"
