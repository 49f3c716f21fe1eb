"""clusters.yaml: every mistake is named with its line, and no secret is repeated."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import certifi
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from aap_pipeline.clusters.file import endpoint_of_url, read_clusters_file
from aap_pipeline.clusters.registry import NewCluster, name_faults
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint, read_ca_bundle
from aap_pipeline.controller.manners import Manners
from aap_pipeline.errors import BadInput, PipelineError

SECRET = "s3cr3t-token-value"


def read(tmp_path: Path, text: str, **environment: str) -> list[NewCluster]:
    """What the text, as a file, describes."""
    path = tmp_path / "clusters.yaml"
    path.write_text(text, encoding="utf-8")
    return read_clusters_file(path, environment)


def mistakes(tmp_path: Path, text: str, **environment: str) -> list[str]:
    """The mistakes, each as `line: sentence`."""
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text, **environment)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)
    prefix = f"{tmp_path / 'clusters.yaml'}:"
    lines = str(caught.value).splitlines()
    assert all(line.startswith(prefix) for line in lines), lines
    return [line.removeprefix(prefix) for line in lines]


def test_limits_are_read_and_checked(tmp_path: Path) -> None:
    """Guards against limits that are accepted and ignored, or that mean nothing."""
    entry = f"clusters:\n  - {{name: a, address: a.example.com, access_token: {SECRET}, "
    (cluster,) = read(
        tmp_path,
        entry + "max_concurrent_requests: 2, max_requests_per_second: 0.5, sync_window: '22:00-05:00 Europe/Berlin'}\n",
    )
    assert cluster.manners == Manners(2, 0.5, "22:00-05:00 Europe/Berlin")
    (usual,) = read(tmp_path, entry + "port: 443}\n")
    assert usual.manners is None
    for limit in ("max_concurrent_requests: 0", "max_requests_per_second: much", "sync_window: at night"):
        [mistake] = mistakes(tmp_path, entry + limit + "}\n")
        assert limit.partition(":")[0] in mistake


def test_a_cluster_with_everything(tmp_path: Path) -> None:
    """Guards against a key that is accepted and then ignored."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text(Path(certifi.where()).read_text(encoding="utf-8"))
    (prod,) = read(
        tmp_path,
        f"""clusters:
  - name: prod
    protocol: http
    address: aap.example.com
    port: 8080
    verify_ssl: false
    ca_bundle: {tmp_path}/ca.pem
    access_token: {SECRET}
    refresh_token: r
    client_id: i
    client_secret: c
""",
    )
    assert prod.endpoint == Endpoint(
        "http", "aap.example.com", 8080, verify_ssl=False, ca_bundle=read_ca_bundle(bundle)
    )
    assert prod.tokens == Tokens(SECRET, "r", "i", "c")
    assert SECRET not in repr(prod)


def test_defaults_and_tokens_from_elsewhere(tmp_path: Path) -> None:
    """Guards against a token in a file or variable that keeps its line end, or is looked for in the wrong folder."""
    (tmp_path / "token").write_text("from-file\n")
    first, second = read(
        tmp_path,
        "clusters:\n- {name: a, address: a.example.com, access_token_file: token}\n"
        "- {name: b, address: b.example.com, access_token_env: TOKEN}\n",
        TOKEN="from-env\n",
    )
    assert first.endpoint == Endpoint("https", "a.example.com", 443)
    assert (first.tokens.access, second.tokens.access) == ("from-file", "from-env")


@pytest.mark.parametrize(
    ("entry", "line", "words"),
    [
        ("address: a.example.com\n    access_token: x", 2, "`name` is missing"),
        ("name: a\n    access_token: x", 2, "`address` is missing"),
        ("name: a\n    address: a.example.com", 2, "use exactly one of `access_token`"),
        (f"name: a\n    address: a\n    access_token: {SECRET}\n    access_token_env: B", 2, "use exactly one of"),
        (
            f"name: a\n    address: a\n    access_token: {SECRET}\n    acces_token: {SECRET}",
            5,
            "unknown key 'acces_token'",
        ),
        (f"name: a\n    address: a\n    access_token: {SECRET}\n    port: 0", 5, "port '0' is not a whole number"),
        (f"name: a\n    address: a\n    access_token: {SECRET}\n    port: 80a", 5, "port '80a' is not a whole number"),
        (f"name: a\n    address: a\n    access_token: {SECRET}\n    port: ²", 5, "port '²' is not a whole number"),
        (f"name: a\n    address: a\n    access_token: {SECRET}\n    verify_ssl: maybe", 5, "neither true nor false"),
        (f"name: a\n    address: a\n    access_token: {SECRET}\n    verify_ssl: 'yes'", 5, "neither true nor false"),
        ("name: a\n    address: a\n    access_token: ''", 2, "use exactly one of `access_token`"),
        (f"name: a\n    address: a\n    access_token: *{SECRET}", 4, "must be quoted"),
        (f"name: a\n    address: a\n    access_token: [{SECRET}]", 4, "`access_token` must be a single value"),
        (f"name: a\n    address: a\n    access_token: {SECRET}\n    protocol: ftp", 2, "Use http or https"),
        (f"name: a\n    address: http://a/\n    access_token: {SECRET}", 2, "is not a host name"),
        (
            f"name: a\n    address: a\n    access_token: {SECRET}\n    ca_bundle: /nowhere.pem",
            2,
            "Name an existing PEM file",
        ),
        (f"name: a b\n    address: a\n    access_token: {SECRET}", 2, "'a b' is not a valid cluster name"),
        ("name: a\n    address: a\n    access_token_env: NOT_SET", 2, "environment variable NOT_SET"),
        ("name: a\n    address: a\n    access_token_file: nowhere", 2, "cannot read access_token_file nowhere"),
        (f"name: a\n    address: a\n    access_token: {SECRET}\n    name: b", 5, "duplicate key `name`"),
    ],
)
def test_each_mistake_is_named_with_its_line(entry: str, line: int, words: str, tmp_path: Path) -> None:
    """Guards against a traceback, or a message that leaves the reader searching."""
    (found,) = mistakes(tmp_path, f"clusters:\n  - {entry}\n")
    assert found.startswith(f"{line}: ")
    assert words in found


_ONE = f"clusters:\n- {{name: a, address: c, access_token: {SECRET}}}\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "must be a mapping with the list `clusters:`"),
        ("- name: a", 1, "must be a mapping with the list `clusters:`"),
        ("cluster: []", 1, ""),
        ("clusters: prod", 1, "must be a mapping with the list `clusters:`"),
        ("clusters: 3", 1, "must be a mapping with the list `clusters:`"),
        ("clusters: []", 1, "is empty"),
        ("clusters:\n- prod\n", 2, ""),
        ("clusters:\n  - name: [", 2, "not valid YAML"),
        ("clusters:\n  - name: a\n\taddress: b", 3, "not valid YAML"),
        (f"clusters:\n  - name: a\n   access_token: {SECRET}\n", 3, "not valid YAML"),
        (f"clusters:\n  - access_token: '{SECRET}\n", 3, "not valid YAML"),
        (f"clusters:\n  - access_token: {SECRET}: x\n", 2, "not valid YAML"),
        ("? [a, b]\n: c\n", 1, ""),
        ("clusters:\n- {? [a, b] : c}\n", 2, "a key must be a single word"),
        ("clusters:\n  - {[name, b]: a}", 2, "a key must be a single word"),
        ("clusters:\n- &a [*a]\n", 2, ""),
        ("clusters: \x07", 1, ""),
        (f"clusters:\n- name: a\n  access_token: {SECRET}\x00\n", 3, ""),
        (f"{_ONE}clusters: []", 3, "duplicate key `clusters`"),
        (f"{_ONE}other: 1", 3, "unknown key 'other'"),
        (f"{_ONE}- {{name: a, address: d, access_token: {SECRET}}}", 3, "duplicate name 'a'"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_says_where(text: str, line: int, words: str, tmp_path: Path) -> None:
    """Guards against an import that does half of a file, and a parser's own words with the file's content in them."""
    found, *_ = mistakes(tmp_path, text)
    assert found.startswith(f"{line}: ")
    assert words in found


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    """Guards against a person who mends one line, runs again, and finds the next."""
    found = mistakes(
        tmp_path,
        "clusters:\n"
        "  - name: prod\n"
        "    adress: aap.company.com\n"
        f"    access_token: {SECRET}\n"
        "  - name: lab\n"
        "    address: aap-lab\n"
        "    port: 80x\n"
        "    verify_ssl: maybe\n"
        f"    access_token: {SECRET}\n"
        "    access_token_env: X\n"
        "  - just text\n"
        "  - name: [a, b]\n"
        "    address: c\n"
        "    access_token_env: NOT_SET\n"
        "  - name: 'a b'\n"
        "    address: https://c\n"
        "    access_token_file: missing.txt\n",
    )
    assert [line.split(":")[0] for line in found] == ["3", "2", "7", "8", "5", "11", "12", "12", "15", "15", "15"]
    assert "unknown key 'adress'" in found[0]
    assert "`address` is missing" in found[1]
    assert all(words in line for words, line in zip(("missing.txt", "'a b'", "'https://c'"), found[-3:], strict=True))


def test_names_are_compared_over_the_whole_file_also_after_a_mistake(tmp_path: Path) -> None:
    """Guards against the line of another entry in a message."""
    found = mistakes(
        tmp_path,
        f"clusters:\n- broken\n- {{name: a, address: a, access_token: {SECRET}, port: x}}\n- {{name: b}}\n"
        f"- {{name: c, address: c, access_token: {SECRET}}}\n- {{name: c, address: d, access_token: {SECRET}}}\n",
    )
    assert [int(line.split(":")[0]) for line in found] == [2, 3, 4, 4, 6]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200) | st.text("clusters:\n -{}[]nameddrss&*!%@`'\"", max_size=200).map("clusters:\n".__add__))
@example(text=f"clusters:\n- {{name: a, address: a, access_token: {SECRET}}}\n")
def test_any_text_is_clusters_or_a_clear_error(tmp_path: Path, text: str) -> None:
    """Guards against a traceback from the YAML parser for whatever is in a file."""
    with suppress(PipelineError):
        assert read(tmp_path, text)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    """Guards against a traceback of the operating system."""
    with pytest.raises(BadInput, match="Cannot read"):
        read_clusters_file(tmp_path / "nowhere.yaml")
    (tmp_path / "latin").write_bytes(b"name: \xfc")
    with pytest.raises(BadInput, match="UTF-8"):
        read_clusters_file(tmp_path / "latin")


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://aap.example.com", Endpoint("https", "aap.example.com", 443)),
        ("http://10.0.0.1:8080/", Endpoint("http", "10.0.0.1", 8080)),
        ("aap.example.com", Endpoint("https", "aap.example.com", 443)),
        ("https://[::1]:8443", Endpoint("https", "::1", 8443)),
        ("https://tools.example.com/awx/", Endpoint("https", "tools.example.com", 443, api_prefix="/awx")),
        ("tools.example.com/a/b", Endpoint("https", "tools.example.com", 443, api_prefix="/a/b")),
        ("https://aap.example.com/api/v2/", Endpoint("https", "aap.example.com", 443, api_prefix="/api/v2")),
    ],
)
def test_addresses_as_people_write_them(url: str, endpoint: Endpoint) -> None:
    """Guards against refusing what a browser's address line holds."""
    assert endpoint_of_url(url) == endpoint


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a",
        "https://",
        "https://a:port",
        "https://u:p@a",
        "https://a?x=1",
        "https://a/awx?x=1",
        "https://[a",
        "https://a:99999",
        "https://a:0",
        "",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    """Guards against a path or a password that is silently dropped."""
    with pytest.raises(PipelineError) as caught:
        endpoint_of_url(url)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["", "a,b", "a b", "-a", "ü", "a/b", "a" * 101, "a\n", "a...b", "a..b", "a.", ".a", "a*", "a\0b"]
)
def test_names_that_are_no_partition_key_are_refused(name: str) -> None:
    """Guards against a partition that Dagster would cut at the comma."""
    with pytest.raises(PipelineError, match="is not a valid cluster name"):
        NewCluster(name, Endpoint("https", "a", 443), Tokens(SECRET))


_NAMES = st.lists(st.sampled_from(["a", ".a", "a.", ":", ".", "_"]), max_size=4).map(lambda parts: "a" + "".join(parts))


@given(_NAMES, _NAMES)
def test_a_range_of_two_names_has_one_reading(first: str, last: str) -> None:
    """Guards against a partition range that Dagster reads as one of other clusters."""
    assume(not [*name_faults(first), *name_faults(last)])
    assert f"{first}...{last}".split("...") == [first, last]
