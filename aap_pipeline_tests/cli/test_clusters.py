"""`aap-pipeline clusters`: the registry as a person meets it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import certifi
import pytest

from aap_pipeline.clusters.file import endpoint_of_url
from aap_pipeline.clusters.registry import NewCluster, cluster_named, save_clusters
from aap_pipeline.clusters.tokens import DatabaseTokenStore
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint, read_ca_bundle
from aap_pipeline.controller.manners import Manners
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import Cipher, new_key
from aap_pipeline_tests.cli.conftest import Cli
from aap_pipeline_tests.controller.conftest import aap_24
from aap_pipeline_tests.controller.server import Reply, always, serving
from aap_pipeline_tests.site import small_world
from aap_simulator.server import SimulatorServer


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
    assert [(each["name"], each["outcome"]) for each in found["a"]] == [("address", "failed")]
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


def test_limits_of_a_cluster_are_stored_and_changed_one_by_one(
    keyed: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
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
    assert refused.status == 2
    lines = refused.err.splitlines()
    assert lines[0].startswith(f"Error: {file}:3: port 'none' is not a whole number")
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
    assert "https://a.company.com of cluster 'a'" in refused.err
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
    assert "Encrypted the tokens of 1 clusters" in keyed("clusters", "rotate-key").out
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
    ("arguments", "status", "words"),
    [
        (["add", "https://a/b/../c", "--name", "a", "--token-env", "T"], 2, "Use a path like /awx"),
        (["add", "https://[a", "--name", "a", "--token-env", "T"], 2, "Use https://aap.company.com"),
        (["add", "ftp://a", "--name", "a", "--token-env", "T"], 2, "Use https://aap.company.com"),
        (["add", "https://a", "--name", "a b", "--token-env", "T"], 2, "Use 1 to 100 letters"),
        (["add", "https://a", "--name", "a...b", "--token-env", "T"], 2, "single dots"),
        (["add", "https://a", "--name", "a", "--token-env", "NOT_SET"], 2, "NOT_SET is not set"),
        (["add", "https://a", "--name", "a", "--token-file", "/missing"], 2, "Cannot read /missing"),
        (["add", "https://a", "--name", "a", "--token-env", "T", "--token-file", __file__], 2, "not both"),
        (["add", "https://a", "--name", "a", "--token-env", "T", "--refresh-token-file", "FILE"], 2, "needs --client"),
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
    lines = ("'a,b' is not a valid cluster", "CA bundle /no-ca", "Address 'a_'", "not both", "Cannot read /no-secret")
    assert len(refused.err.splitlines()) == len(lines)
    assert all(words in line for words, line in zip(lines, refused.err.splitlines(), strict=True))
    (tmp_path / "refresh").write_text("refresh")
    refresh = ("--refresh-token-file", str(tmp_path / "refresh"))
    refused = keyed("clusters", "add", "https://a", "--name", "a", "--token-env", "T", *refresh)
    assert (refused.status, refused.err.count("\n")) == (2, 2)
    assert "--refresh-token-file needs --client-id" in refused.err
    refused = keyed("clusters", "add", "ftp://a", "--name", "a.")
    assert [line[:15] for line in refused.err.splitlines()] == ["Error: 'a.' is ", "The address of "]


def test_a_token_comes_from_standard_input_where_that_is_no_terminal(
    keyed: Cli, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    """Guards against a question that no one can answer, which ended in "Interrupted."."""
    for empty in ("", " \n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(empty))
        refused = keyed("clusters", "add", "https://a", "--name", "a")
        assert refused.status == 2
        assert refused.err.endswith("standard input is empty. Use --token-file FILE or --token-env NAME.\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("a-token\n"))
    assert keyed("clusters", "add", "https://a", "--name", "a").status == 0
    assert stored_tokens(database_url).access == "a-token"
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    refused = keyed("clusters", "remove", "a", "--purge")
    assert (refused.status, refused.err.splitlines()[-1].partition(". ")[2]) == (2, "Use --yes.")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    refused = keyed("clusters", "remove", "a", "--purge")
    assert (refused.status, refused.out.splitlines()[-1].partition(": ")[2]) == (1, "Nothing was deleted.")
    assert names(keyed) == [("a", "enabled")]


UNSENDABLE = ["tok_abc\ndefgh\n", "tok_abc…defgh", "tok_abc\u200bdefgh", "tok_abc\ufeffdefgh", "tok_abc defgh"]


@pytest.mark.parametrize("text", UNSENDABLE)
@pytest.mark.parametrize("way", ["file", "environment", "standard input", "refresh token", "import", "update"])
def test_a_token_that_cannot_be_sent_is_refused_when_it_is_entered(
    keyed: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str, text: str
) -> None:
    """Guards against a token that is taken, stops all syncs, and is printed and logged in parts."""
    (tmp_path / "good").write_text("good")
    (tmp_path / "bad").write_text(text, encoding="utf-8")
    monkeypatch.setenv("BAD", text)
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    add = ("clusters", "add", "https://a", "--name", "a")
    file = ("--token-file", str(tmp_path / "bad"))
    if way == "update":
        assert keyed(*add, "--token-file", str(tmp_path / "good")).status == 0
        refused = keyed("clusters", "update", "a", *file)
    elif way == "import":
        described = "clusters:\n  - {name: a, address: a, access_token_file: bad}\n"
        (tmp_path / "clusters.yaml").write_text(described)
        refused = keyed("clusters", "import", str(tmp_path / "clusters.yaml"))
        assert refused.err.startswith(f"Error: {tmp_path / 'clusters.yaml'}:2: The access token contains")
    else:
        refused = {
            "file": lambda: keyed(*add, *file),
            "environment": lambda: keyed(*add, "--token-env", "BAD"),
            "standard input": lambda: keyed(*add),
            "refresh token": lambda: keyed(
                *add,
                "--token-file",
                str(tmp_path / "good"),
                "--refresh-token-file",
                str(tmp_path / "bad"),
                "--client-id",
                "c",
            ),
        }[way]()
    assert refused.status == (2 if way == "import" else 1)
    assert "and cannot be sent: copy it again, as one line of ASCII characters without spaces." in refused.err
    assert not any(part in refused.out + refused.err for part in ("tok_", "defgh"))
    assert names(keyed) == ([("a", "enabled")] if way == "update" else [])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_token_file_with_a_byte_order_mark_is_read(
    keyed: Cli, tmp_path: Path, encoding: str, server: SimulatorServer
) -> None:
    """Guards against files that editors of Windows and PowerShell write."""
    (tmp_path / "token").write_text(f"{server.token.access_token}\r\n", encoding=encoding)
    assert keyed("clusters", "add", server.url, "--name", "a", "--token-file", str(tmp_path / "token")).status == 0
    assert keyed("clusters", "check", "a").status == 0


def test_one_cluster_with_a_stored_token_that_cannot_be_sent_fails_alone(
    keyed: Cli, database_url: str, server: SimulatorServer
) -> None:
    """Guards against a command that ends in a traceback before it comes to others, or that quotes a token."""
    cipher = Cipher([_key()])
    with connect(database_url) as connection, serving(aap_24(always(Reply({"count": 0, "results": []})))) as other:
        entries = [
            NewCluster("a-bad", Endpoint("http", "127.0.0.1", other.port), Tokens("tok_abc\ndefgh")),
            NewCluster("prod", endpoint_of_url(server.url), Tokens(server.token.access_token)),
        ]
        save_clusters(connection, cipher, entries)
        connection.commit()
        for command in (["clusters", "check"], ["sync", "--dry-run"], ["sync"], ["reconcile"]):
            outcome = keyed(*command)
            said = outcome.out + outcome.err
            assert outcome.status == 1
            assert "The access token contains a line break and cannot be sent" in said, command
            assert "aap-pipeline clusters update a-bad --token-file FILE" in said
            assert "prod" in said
            assert not any(part in said for part in ("tok_", "defgh", "Traceback"))
    with connect(database_url) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM clusters_job").fetchone() == (True,)
        for table in ("pipeline.sync_run", "pipeline.alert"):
            rows = connection.execute(f"SELECT t::text FROM {table} t".encode()).fetchall()
            assert not any(part in str(rows) for part in ("tok_", "defgh"))
    for command in (["status"], ["doctor"], ["clusters", "list"]):
        said = "".join(map(str, keyed(*command)))
        assert not any(part in said for part in ("tok_", "defgh"))


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


def stored_tokens(database_url: str) -> Tokens:
    """The tokens of cluster a."""
    with connect(database_url) as connection:
        number = cluster_named(connection, "a").id
    return DatabaseTokenStore(database_url, Cipher([_key()]), number).load()


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


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://10.0.0.1:8080", "https://10.0.0.1"),
        ("http://[2001:db8::1]", "https://[2001:db8::1]"),
        ("http://aap.company.com", "https://aap.company.com"),
        ("https://aap.company.com", None),
        ("http://127.8.0.1", None),
        ("http://[::1]:8080", None),
        ("http://localhost:8080", None),
    ],
)
def test_a_token_that_will_cross_the_network_in_clear_text_is_warned_of(
    keyed: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, warned: str | None
) -> None:
    """Guards against a read token of a whole company in clear text because of one missing letter."""
    monkeypatch.setenv("T", "a-token")
    endpoint = endpoint_of_url(url)
    file = tmp_path / "clusters.yaml"
    file.write_text(
        f"clusters: [{{name: a, protocol: {endpoint.protocol}, address: '{endpoint.address}', port: {endpoint.port}, "
        "access_token: a-token}]"
    )
    for command in (
        ("add", url, "--name", "a", "--token-env", "T"),
        ("update", "a", "--url", url),
        ("import", str(file)),
    ):
        done = keyed("clusters", *command)
        assert done.status == 0, done.err
        assert done.err.count("\n") == (1 if warned else 0)
        if warned:
            assert f"`aap-pipeline clusters update a --url {warned}`" in done.err


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
