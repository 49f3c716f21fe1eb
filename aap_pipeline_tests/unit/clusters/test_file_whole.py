"""`clusters.yaml`: the file as a whole, whatever text is in it; every mistake named, no secret repeated."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aap_pipeline.clusters.file import ClustersFileError, read_clusters_file
from aap_pipeline.clusters.registry import NewCluster
from aap_pipeline.errors import PipelineError


def read(folder: Path, text: str, **environment: str) -> list[NewCluster]:
    """What the text, as a file, describes."""
    file = folder / "clusters.yaml"
    file.write_text(text, encoding="utf-8")
    return read_clusters_file(file, environment)


def mistakes(folder: Path, text: str, **environment: str) -> list[str]:
    """The mistakes, each as `line: sentence`."""
    with pytest.raises(ClustersFileError) as caught:
        read(folder, text, **environment)
    prefix = f"{folder / 'clusters.yaml'}:"
    lines = str(caught.value).splitlines()
    assert all(line.startswith(prefix) for line in lines), lines
    return [line.removeprefix(prefix) for line in lines]


def test_every_mistake_is_named_with_its_line(tmp_path: Path) -> None:
    """Guards against a person who mends one mistake a try, and against tokens in a terminal."""
    found = mistakes(
        tmp_path,
        "clusters:\n"
        "  - name: prod\n"
        "    adress: aap.company.com\n"
        "    access_token: sekret\n"
        "  - name: lab\n"
        "    address: aap-lab\n"
        "    port: 80x\n"
        "    verify_ssl: maybe\n"
        "    access_token: sekret\n"
        "    access_token_env: X\n"
        "  - just text\n"
        "  - name: [a, b]\n"
        "    address: c\n"
        "    access_token_env: NOT_SET\n"
        "  - name: 'a b'\n"
        "    address: https://c\n"
        "    access_token_file: missing.txt\n",
    )
    assert [line.split(":")[0] for line in found] == ["3", "2", "7", "8", "5", "11", "12", "12", "15"]
    assert "unknown key 'adress'" in found[0]
    assert "`address` is missing" in found[1]
    assert not any("sekret" in line for line in found)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", "1", "must begin with `clusters:`"),
        ("- a", "1", "must begin with `clusters:`"),
        ("clusters: 3", "1", "must begin with `clusters:`"),
        ("clusters:\n  - name: [", "2", "not valid YAML"),
        ("clusters:\n  - name: a\n\taddress: b", "3", "not valid YAML"),
        ("clusters:\n  - {name: 'a b', address: c, access_token: t}", "2", "use 1 to 100 letters"),
        ("clusters:\n  - {name: a, address: 'https://c', access_token: t}", "2", "no host name"),
        ("clusters:\n  - {name: a, address: c, protocol: ftp, access_token: t}", "2", "use http or https"),
        ("clusters:\n  - {name: a, address: c, ca_bundle: /no/such.pem, access_token: t}", "2", "does not exist"),
        (
            "clusters:\n  - {name: a, address: c, access_token: t}\n  - {name: a, address: d, access_token: t}",
            "3",
            "'a' is there twice",
        ),
        ("clusters: []", "1", "no cluster"),
        ("clusters:\n  - {[name, b]: a}", "2", "a key must be a single word"),
        ("clusters:\n  - {name: a, address: c, access_token: *sekret}", "2", "must stand in quotes"),
        ("clusters:\n  - {name: a, address: c, access_token: t, port: ²}", "2", "no whole number"),
        ("clusters:\n  - {name: a, name: b, address: c, access_token: t}", "2", "`name` is there twice"),
        ("clusters:\n  - {name: a, address: c, access_token: t}\nclusters: []", "3", "`clusters` is there twice"),
        ("clusters:\n  - {name: a, address: c, access_token: t}\nother: 1", "3", "unknown key 'other'"),
        ("clusters:\n  - {name: a, address: c, access_token: ''}", "2", "give one of"),
        ("clusters:\n  - {name: a, address: c, access_token: t, verify_ssl: 'yes'}", "2", "neither true nor false"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_says_where(tmp_path: Path, text: str, line: str, words: str) -> None:
    """Guards against an import that does nothing, or half of it, and says nothing."""
    found, *_ = mistakes(tmp_path, text)
    assert "sekret" not in found
    assert found.startswith(f"{line}: ")
    assert words in found


def test_names_are_compared_over_the_whole_file_also_after_a_mistake(tmp_path: Path) -> None:
    """Guards against the line of another entry in a message."""
    found = mistakes(
        tmp_path,
        "clusters:\n  - broken\n  - {name: a, address: c, access_token: t}\n  - {name: a, address: d, access_token: t}",
    )
    assert [line.split(":")[0] for line in found] == ["2", "4"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200) | st.text("clusters:\n -{}[]nameddrss&*!%@`'\"", max_size=200).map("clusters:\n".__add__))
def test_any_text_is_clusters_or_a_clear_error(tmp_path: Path, text: str) -> None:
    """Guards against a traceback from the YAML parser for whatever is in a file."""
    with suppress(PipelineError):
        assert read(tmp_path, text)
