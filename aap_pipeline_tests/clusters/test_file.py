"""clusters.yaml: every mistake is named with its cluster and key, and no secret is repeated."""

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
    """The mistakes, each as `cluster: key: sentence`, or as `line: sentence` where the file is not valid YAML."""
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text, **environment)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)
    prefix = f"{tmp_path / 'clusters.yaml'}:"
    lines = str(caught.value).splitlines()
    assert all(line.startswith(prefix) for line in lines), lines
    return [line.removeprefix(prefix).strip() for line in lines]


def test_limits_are_read_and_checked(tmp_path: Path) -> None:
    """Guards against limits that are accepted and ignored, or that mean nothing."""
    entry = f"clusters:\n  - {{name: a, address: a.example.com, access_token: {SECRET}, "
    (cluster,) = read(
        tmp_path,
        entry + "max_concurrent_requests: 2, max_requests_per_second: 0.5, sync_window: '22:00-05:00 Europe/Berlin'}\n",
    )
    assert Manners(**cluster.limits) == Manners(2, 0.5, "22:00-05:00 Europe/Berlin")
    (usual,) = read(tmp_path, entry + "port: 443}\n")
    assert usual.limits == {}
    (one,) = read(tmp_path, entry + "max_requests_per_second: 4}\n")
    assert one.limits == {"max_requests_per_second": 4.0}
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


def test_an_address_as_url_and_secrets_in_files(tmp_path: Path) -> None:
    """Guards against a key of the command line that a file does not know."""
    for name in ("token", "refresh", "secret"):
        (tmp_path / name).write_text(f"from-{name}\n")
    [cluster] = read(
        tmp_path,
        "clusters:\n- {name: a, url: 'http://a.example.com/awx', access_token_file: token, "
        "refresh_token_file: refresh, client_id: i, client_secret_file: secret, sync_window: always}\n",
    )
    assert cluster.endpoint == Endpoint("http", "a.example.com", 80, api_prefix="/awx")
    assert cluster.tokens == Tokens("from-token", "from-refresh", "i", "from-secret")
    assert cluster.limits == {"sync_window": None}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("address: a.example.com\n    access_token: x", "entry 1: `name` is missing"),
        ("name: ''\n    address: a\n    access_token: x", "entry 1: `name` is missing"),
        ("name: a\n    access_token: x", "cluster a: `address` is missing"),
        ("name: a\n    address: a.example.com", "cluster a: Use access_token, access_token_file"),
        (
            f"name: a\n    address: a\n    access_token: {SECRET}\n    access_token_env: B",
            "Use only one of access_token, access_token_file",
        ),
        (
            f"name: a\n    address: a\n    access_token: {SECRET}\n    acces_token: {SECRET}",
            "cluster a: unknown key 'acces_token'. Valid keys: name, url",
        ),
        (
            f"name: a\n    address: a\n    access_token: {SECRET}\n    port: 0",
            "cluster a: port '0' should be greater",
        ),
        (
            f"name: a\n    address: a\n    access_token: {SECRET}\n    port: 80a",
            "port '80a' should be a valid integer",
        ),
        (f"name: a\n    address: a\n    access_token: {SECRET}\n    port: ²", "port '²' should be a valid integer"),
        (f"name: a\n    address: a\n    access_token: {SECRET}\n    verify_ssl: maybe", "verify_ssl 'maybe' should be"),
        ("name: a\n    address: a\n    access_token: ''", "Use access_token, access_token_file"),
        (f"name: a\n    address: a\n    access_token: *{SECRET}", "4: not valid YAML: a value that begins with * or &"),
        (f"name: a\n    address: a\n    access_token: [{SECRET}]", "access_token should be a valid string"),
        (f"name: a\n    address: a\n    access_token: '{SECRET} x'", "The access token contains a space"),
        (f"name: a\n    address: a\n    access_token: {SECRET}\n    protocol: ftp", "Use http or https"),
        (f"name: a\n    address: http://a/\n    access_token: {SECRET}", "is not a host name"),
        (
            f"name: a\n    address: a\n    access_token: {SECRET}\n    ca_bundle: /nowhere.pem",
            "cluster a: CA bundle /nowhere.pem",
        ),
        (f"name: a\n    url: a\n    port: 8443\n    access_token: {SECRET}", "Use url, or protocol, address, port"),
        (f"name: a b\n    address: a\n    access_token: {SECRET}", "'a b' is not a valid cluster name"),
        ("name: a\n    address: a\n    access_token_env: NOT_SET", "environment variable NOT_SET"),
        ("name: a\n    address: a\n    access_token_file: nowhere", "Cannot read"),
        (
            f"name: a\n    address: a\n    access_token: {SECRET}\n    name: b",
            "5: not valid YAML: duplicate key `name`",
        ),
    ],
)
def test_each_mistake_is_named_with_its_cluster_and_key(entry: str, words: str, tmp_path: Path) -> None:
    """Guards against a traceback, or a message that leaves the reader searching."""
    (found,) = mistakes(tmp_path, f"clusters:\n  - {entry}\n")
    assert words in found


_ONE = f"clusters:\n- {{name: a, address: c, access_token: {SECRET}}}\n"
_SHAPE = "must be a mapping with the list `clusters:`"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", _SHAPE),
        ("- name: a", _SHAPE),
        ("cluster: []", _SHAPE),
        ("clusters: prod", _SHAPE),
        ("clusters: 3", _SHAPE),
        ("clusters: []", "is empty"),
        ("clusters:\n- just text\n- {}\n", "entry 1: `name` is missing"),
        ("clusters:\n  - name: [", "2: not valid YAML"),
        ("clusters:\n  - name: a\n\taddress: b", "3: not valid YAML"),
        (f"clusters:\n  - name: a\n   access_token: {SECRET}\n", "3: not valid YAML"),
        (f"clusters:\n  - access_token: '{SECRET}\n", "3: not valid YAML"),
        (f"clusters:\n  - access_token: {SECRET}: x\n", "2: not valid YAML"),
        ("? [a, b]\n: c\n", "1: not valid YAML"),
        ("clusters:\n- {? [a, b] : c}\n", "2: not valid YAML"),
        ("clusters:\n- &a [*a]\n", "2: not valid YAML: found unconstructable recursive node"),
        (f"clusters: {'[' * 5000}{']' * 5000}", "nested too deeply"),
        ("clusters: \x07", "not valid YAML: it contains a control character"),
        (f"clusters:\n- name: a\n  access_token: {SECRET}\x00\n", "not valid YAML: it contains a control character"),
        (f"{_ONE}clusters: []", "3: not valid YAML: duplicate key `clusters`"),
        (f"{_ONE}---\nclusters: []", "3: not valid YAML: but found another document"),
        (f"{_ONE}other: 1", _SHAPE),
        (f"{_ONE}- {{name: a, address: d, access_token: {SECRET}}}", "cluster a: the name occurs twice"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_says_where(text: str, words: str, tmp_path: Path) -> None:
    """Guards against an import that does half of a file, and a parser's own words with the file's content in them."""
    found, *_ = mistakes(tmp_path, text)
    assert words in found


def test_the_mistakes_of_all_clusters_are_named_at_once(tmp_path: Path) -> None:
    """Guards against a person who mends one entry, runs again, and finds the next."""
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
        "  - just text\n"
        "  - name: 'a b'\n"
        "    address: https://c\n"
        "    access_token_env: TOKEN\n",
        TOKEN=SECRET,
    )
    assert [line.partition(":")[0] for line in found] == [
        *2 * ["cluster prod"],
        *2 * ["cluster lab"],
        *3 * ["entry 3"],
        *2 * ["cluster a b"],
    ]
    assert ("adress" in found[0], "'a b'" in found[-2], "'https://c'" in found[-1]) == (True, True, True)


def test_a_wrong_key_hides_no_other_mistake_of_its_entry(tmp_path: Path) -> None:
    """Guards against a person who mends the spelling of a key, runs again, and finds the next mistake."""
    found = mistakes(
        tmp_path,
        "clusters:\n- {name: 'a b', address: 'https://c', prot: 1, sync_window: at night, access_token_env: NOT_SET}\n",
    )
    for words in ("unknown key 'prot'", "'a b'", "NOT_SET", "'https://c'", "at night"):
        assert sum(words in line for line in found) == 1, found
    assert len(found) == 5


def test_a_token_of_digits_stays_as_it_is(tmp_path: Path) -> None:
    """Guards against YAML's numbers: 0123 is 83 there."""
    (cluster,) = read(tmp_path, "clusters:\n- {name: 1, address: 10.0.0.1, access_token: 0123}\n")
    assert (cluster.name, cluster.tokens.access) == ("1", "0123")


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
