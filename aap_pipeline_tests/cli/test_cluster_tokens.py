"""Tokens at `aap-pipeline clusters`: how they are entered, kept and refused."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from aap_pipeline.clusters.file import endpoint_of_url
from aap_pipeline.clusters.registry import NewCluster, save_clusters
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import Cipher, new_key
from aap_pipeline_tests.cli.conftest import Cli, current_key, names, stored_tokens
from aap_pipeline_tests.controller.conftest import aap_24
from aap_pipeline_tests.controller.server import Reply, always, serving
from aap_simulator.server import SimulatorServer


def test_tokens_are_encrypted_and_a_key_can_be_changed(
    keyed: Cli, database_url: str, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against tokens in clear text in a backup, and against a rotation after which nothing can be read."""
    monkeypatch.setenv("TOKEN", server.token.access_token)
    assert keyed("clusters", "add", server.url, "--name", "prod", "--token-env", "TOKEN").status == 0
    with connect(database_url) as connection:
        [(stored,)] = connection.execute("SELECT access_token FROM clusters_cluster").fetchall()
    assert server.token.access_token.encode() not in stored
    old, new = json.loads(json.dumps([current_key(), new_key()]))
    monkeypatch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", new)
    server.log.clear()
    for command in (["clusters", "check", "prod"], ["sync", "--dry-run"], ["clusters", "rotate-key"]):
        wrong = keyed(*command)
        assert wrong.status == 1
        assert "encrypted with another key" in wrong.out + wrong.err
    assert server.log.total == 0
    monkeypatch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", f"{new},{old}")
    assert "Encrypted the tokens of 1 cluster" in keyed("clusters", "rotate-key").out
    monkeypatch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", new)
    assert keyed("clusters", "check", "prod").status == 0
    monkeypatch.delenv("AAP_PIPELINE_ENCRYPTION_KEYS")
    missing = keyed("clusters", "check", "prod")
    assert (missing.status, missing.err.count("\n")) == (1, 1)
    assert "AAP_PIPELINE_ENCRYPTION_KEYS" in missing.err


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
        assert refused.err.startswith(f"Error: {tmp_path / 'clusters.yaml'}: cluster a: The access token contains")
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
    cipher = Cipher([current_key()])
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
