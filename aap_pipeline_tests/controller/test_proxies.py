"""Controllers behind proxies: below a path, with short time limits, with words of the proxy's own, bad redirects."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from aap_pipeline.controller import paging
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint, read_ca_bundle
from aap_pipeline.controller.errors import (
    AuthenticationError,
    BadEndpoint,
    BadRequest,
    ControllerError,
    CorruptBody,
    HtmlAnswer,
    NotSent,
    PermissionDenied,
    RedirectedElsewhere,
    ServerError,
    Unreachable,
)
from aap_pipeline_tests.controller.conftest import HTML, PING, TOKENS, Bench, aap_24
from aap_pipeline_tests.controller.server import Asked, Reply, always
from aap_pipeline_tests.controller.test_tls import authority, server_context
from aap_pipeline_tests.controller.tokens import MemoryTokenStore

FINE = Reply({"count": 1, "next": None, "results": [{"id": 7}]})
OK = b"HTTP/1.1 200 OK\r\n"
TRICKLES = {
    "status line": (b"HTTP/1.1 200 O", b"K"),
    "one header": (OK + b"X-Long: ", b"x"),
    "many headers": (OK, b"X: y\r\n"),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": (OK + b"Content-Length: 1000000\r\n\r\n", b" "),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "chunk size": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "body without an end": (OK + b"Connection: close\r\n\r\n", b" "),
}


@pytest.mark.parametrize("what", TRICKLES)
def test_no_answer_takes_longer_than_its_time_however_its_bytes_arrive(bench: Bench, what: str) -> None:
    """A time limit for each read never ends a request whose answer trickles in: the sync holds its lock for hours."""
    client, _ = bench.against(always(Reply(trickle=TRICKLES[what])), read_timeout=0.3, retries=0)
    with pytest.raises(Unreachable, match=r"not complete within 0\.3 s") as raised:
        client.get("jobs/")
    assert raised.value.cause == "timeout"


@pytest.mark.parametrize("what", ["one header", "body"])
def test_over_tls_neither(bench: Bench, tmp_path: Path, what: str) -> None:
    """TLS reads whole records from the socket."""
    ca = authority(tmp_path, "ca")
    context: ssl.SSLContext = server_context(tmp_path, ca)
    server = bench.serve(always(Reply(trickle=TRICKLES[what])), tls=context)
    endpoint = Endpoint("https", "127.0.0.1", server.port, ca_bundle=read_ca_bundle(ca.pem))
    with pytest.raises(Unreachable, match=r"not complete within 0\.3 s"):
        bench.client(0, endpoint=endpoint, read_timeout=0.3, retries=0).product()


def test_a_proxy_that_trickles_its_consent_is_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to CONNECT is read before any time limit of the request counts."""
    proxy = bench.serve(always(Reply(trickle=TRICKLES["one header"])))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    endpoint = Endpoint("https", "aap.example.com", 443)
    with pytest.raises(Unreachable):
        bench.client(0, endpoint=endpoint, read_timeout=0.3, retries=0).product()


def test_an_answer_that_pauses_within_its_time_arrives(bench: Bench) -> None:
    """Guards against a limit that ends what is only slow."""
    body = b'{"count": 0, "results": []}'
    head = OK + b"Content-Type: application/json\r\nConnection: close\r\nContent-Length: 40\r\n\r\n"
    client, _ = bench.against(always(Reply(trickle=(head + body, b" "))), read_timeout=5.0, retries=0)
    assert client.get("jobs/").body == {"count": 0, "results": []}


PAGE = b"<!doctype html><html><head><title>Access &amp; Policy</title></head><body>No.</body></html>"
STATUSES = {
    "400 in JSON": (Reply({"detail": "Bad host header."}, 400), BadRequest, "HTTP 400: Bad host header"),
    "400 in HTML": (Reply(PAGE, 400, HTML), BadRequest, "HTTP 400 as a web page (Access & Policy)"),
    "401 of a proxy": (Reply(PAGE, 401, HTML), BadRequest, "HTTP 401 as a web page (Access & Policy)"),
    "401 in JSON": (Reply({"error": "who are you"}, 401), BadRequest, "HTTP 401: who"),
    "402": (Reply({}, 402), BadRequest, "HTTP 402"),
    "403 in HTML": (Reply(PAGE, 403, HTML), BadRequest, "HTTP 403 as a web page (Access & Policy)"),
    "403 in JSON": (Reply({"detail": "Not from here."}, 403), PermissionDenied, "(HTTP 403): Not from here"),
    "407": (Reply(b"", 407), BadRequest, "user and password of the proxy in HTTP_PROXY"),
    "421": (Reply(b"misdirected", 421, {"Content-Type": "text/plain"}), BadRequest, "HTTP 421: misdirected"),
    "429": (Reply({"detail": "Slow down."}, 429), ServerError, "HTTP 429: Slow down"),
    "451": (Reply(b"", 451), BadRequest, "HTTP 451"),
    "500 in JSON": (Reply({"detail": "No database."}, 500), ServerError, "HTTP 500: No database"),
    "502 in HTML": (Reply(b"<h1>502 Bad Gateway</h1>", 502, HTML), ServerError, "HTTP 502 (502 Bad Gateway)"),
    "503 in text": (
        Reply(b"no healthy\nupstream", 503, {"Content-Type": "text/plain"}),
        ServerError,
        "HTTP 503: no healthy upstream",
    ),
    "505": (Reply(b"", 505), ServerError, "HTTP 505"),
    "526": (Reply(b"", 526), ServerError, "HTTP 526"),
}


@pytest.mark.parametrize("name", STATUSES)
def test_a_status_is_reported_for_what_it_is_by_the_first_request_and_by_any_other(bench: Bench, name: str) -> None:
    """ "Not a controller: check the address" sends people to look for a mistake that they did not make."""
    reply, error, words = STATUSES[name]
    server = bench.serve(always(reply))
    with pytest.raises(error) as raised:
        bench.client(server.port, retries=0).product()
    assert f"http://127.0.0.1:{server.port}/api/gateway/v1/ping/ " in str(raised.value)
    assert words in str(raised.value)
    client, _ = bench.against(always(reply), retries=0)
    with pytest.raises(ControllerError) as raised:
        client.get("jobs/")
    if "401 in JSON" in name:
        assert isinstance(raised.value, AuthenticationError)
    else:
        assert type(raised.value) is error
        assert words in str(raised.value)


def test_what_a_proxy_writes_is_cut_and_masked(bench: Bench) -> None:
    """Proxies echo requests, with their tokens, and whole pages."""
    for reply in (
        Reply(
            f"your access-1 is wrong. Authorization: Bearer access-1 {'x' * 5000}".encode(), 418, {"Content-Type": ""}
        ),
        Reply({"detail": f"access-1 {'y' * 5000}"}, 418),
        Reply(b"<title>access-1</title>", 418, HTML),
    ):
        client, _ = bench.against(always(reply), MemoryTokenStore(Tokens("access-1")), retries=0)
        with pytest.raises(BadRequest, match="HTTP 418") as raised:
            client.get("jobs/")
        assert "access-1" not in str(raised.value)
        assert len(str(raised.value)) < 600


LINKS = ["http://[bad/x", "http://127.0.0.1:port/x", "http://127.0.0.1:99999/x", "//[::1/x", "http://127.0.0.1:0/x"]


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_what_is_no_address_is_an_error_in_words(bench: Bench, link: str, status: int) -> None:
    """urllib.parse raises ValueError for some texts, and every tick of a sensor failed for all clusters."""
    client, _ = bench.against(always(Reply(b"", status, {"Location": link})), retries=0)
    with pytest.raises(RedirectedElsewhere, match=r"/api/v2/jobs/ redirects to '.*', which is not a valid address"):
        client.get("jobs/")
    server = bench.serve(always(Reply(b"", status, {"Location": link})))
    with pytest.raises(RedirectedElsewhere):
        bench.client(server.port, retries=0).product()


@pytest.mark.parametrize("link", ["javascript:alert(1)", "mailto:a@b.c", "file:///etc/passwd", "https:"])
def test_a_redirect_to_no_web_server_is_not_taken_for_an_address(bench: Bench, link: str) -> None:
    """The advice was to run `clusters update … --url javascript://None`."""
    client, _ = bench.against(always(Reply(b"", 302, {"Location": link})), retries=0)
    with pytest.raises(RedirectedElsewhere, match="which is not a valid address") as raised:
        client.get("jobs/")
    assert "--url" not in str(raised.value)


def test_a_chunk_of_negative_size_is_the_controllers_error(bench: Bench) -> None:
    """It was reported as a bug of the pipeline, and its connection never went back to the pool."""
    endless = Reply(trickle=(OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n", b"x"))
    client, _ = bench.against(always(endless), workers=1, retries=2)
    with pytest.raises(Unreachable, match="/api/v2/jobs/ was lost"):
        client.get("jobs/")


@pytest.mark.parametrize(
    "link",
    [
        "https://SECRET.example.com/x",
        "//x/SECRET",
        "http://[SECRET",
        f"http://[{'x' * 290}SECRET",
        "/SECRET/x?next=SECRET",
    ],
)
def test_no_part_of_a_token_in_a_redirect_is_repeated(bench: Bench, link: str) -> None:
    """Guards against a proxy that redirects to an address with the token in it, which was printed and stored."""
    link = link.replace("SECRET", "Tok-AbCdEfGhIj")
    script = always(Reply(b"", 302, {"Location": link}))
    client, _ = bench.against(script, MemoryTokenStore(Tokens("Tok-AbCdEfGhIj")), retries=0)
    with pytest.raises(ControllerError) as raised:
        client.get("jobs/")
    assert "tok-ab" not in str(raised.value).lower()


@pytest.mark.parametrize("link", LINKS)
def test_a_list_that_continues_at_what_is_no_address_is_an_error_in_words(bench: Bench, link: str) -> None:
    """Guards against a list that something in between has damaged, and against a traceback."""
    client, server = bench.against(always(Reply({"count": 1, "next": link, "results": [{"id": 7}]})), retries=0)
    with pytest.raises(CorruptBody, match=f"127.0.0.1:{server.port}/api/v2/job_templates/ continues at an address"):
        ControllerApi(client).job_templates()


def test_a_redirect_to_https_names_the_command_that_uses_it(bench: Bench) -> None:
    """Guards against advice that an operator cannot paste."""
    client, _ = bench.against(always(Reply(b"", 301, {"Location": "https://aap.example.com/"})), retries=0)
    with pytest.raises(RedirectedElsewhere, match=r"clusters update NAME --url https://aap\.example\.com`"):
        client.get("jobs/")


def limited(rows: int, status: int = 502) -> Callable[[Asked], Reply]:
    """120 jobs behind a proxy that answers `status` to pages of more than `rows`."""

    def script(asked: Asked) -> Reply:
        if int(asked.query["page_size"]) > rows:
            return Reply(PAGE, status, HTML)
        left = list(range(int(asked.query.get("id__gt", 0)) + 1, 121))
        return Reply(
            {"count": len(left), "next": None, "results": [{"id": n} for n in left[: int(asked.query["page_size"])]]}
        )

    return script


@pytest.mark.parametrize("status", [500, 502, 503, 504, 524])
@pytest.mark.parametrize("rows", [100, 50, 7])
def test_pages_that_a_proxy_does_not_wait_for_become_smaller_and_all_rows_arrive(
    bench: Bench, rows: int, status: int
) -> None:
    """Pages of 200 were asked for nine times, and then the sync failed, at every sync."""
    client, server = bench.against(limited(rows, status), retries=8)
    assert [row["id"] for row in paging.whole(client, "jobs/")] == list(range(1, 121))
    wasted = [asked for asked in server.asked if int(asked.query.get("page_size", 0)) > rows]
    assert len(wasted) <= 8


def test_pages_that_time_out_become_smaller(bench: Bench) -> None:
    """A controller that is killed by its own time limit answers nothing at all."""
    hanging = lambda asked: Reply(hang=True) if int(asked.query["page_size"]) > 50 else limited(50)(asked)  # noqa: E731
    client, _ = bench.against(hanging, retries=8, read_timeout=0.2)
    assert len(paging.whole(client, "jobs/")) == 120


def test_a_controller_that_is_down_is_not_asked_more_often_for_that(bench: Bench) -> None:
    """Guards against retries for each size of a page."""
    client, server = bench.against(always(Reply(PAGE, 502, HTML)), retries=8)
    with pytest.raises(ServerError, match=r"page_size=1 returned HTTP 502"):
        paging.whole(client, "jobs/")
    sizes = [int(asked.query["page_size"]) for asked in server.asked if asked.path.endswith("/jobs/")]
    assert sizes == [200, 200, 100, 50, 25, 12, 6, 3, 1]


def below(path: str, script: Callable[[Asked], Reply]) -> Callable[[Asked], Reply]:
    """`script`, served below `path`; a web page anywhere else."""

    def answer(asked: Asked) -> Reply:
        if not asked.path.startswith(f"{path}/"):
            return Reply(PAGE, 404, HTML)
        return script(replace(asked, path=asked.path.removeprefix(path)))

    return answer


@pytest.mark.parametrize("prefix", ["/awx", "/awx/", "/awx/api/v2", "/tools/awx"])
def test_a_controller_below_a_path_is_read_and_its_token_renewed_there(bench: Bench, prefix: str) -> None:
    """An AWX with ingress_path, or a company's one host for all tools."""
    renewed: list[str] = []

    def script(asked: Asked) -> Reply:
        if asked.path == "/api/o/token/":
            renewed.append(asked.path)
            return Reply({"access_token": "access-2", "refresh_token": "refresh-2"}, 201)
        return FINE if asked.token == "access-2" else Reply({"detail": "x"}, 401)

    path = prefix.rstrip("/").removesuffix("/api/v2")
    server = bench.serve(below(path, aap_24(script)))
    endpoint = Endpoint("http", "127.0.0.1", server.port, api_prefix=prefix)
    client = bench.client(0, MemoryTokenStore(TOKENS), endpoint)
    assert client.get("jobs/").body == FINE.body
    assert renewed == ["/api/o/token/"]
    assert server.asked[-1].path == f"{path}/api/v2/jobs/"
    assert client.url_of("jobs/") == f"http://127.0.0.1:{server.port}{path}/api/v2/jobs/"
    assert client.endpoint.path + client.product().api_prefix == f"{path}/api/v2"


def test_a_proxy_in_the_environment_serves_a_controller_below_a_path(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path is part of the whole URL that a proxy gets."""
    proxy = bench.serve(always(PING))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    endpoint = Endpoint("http", "aap.example.com", 80, api_prefix="/awx/api/v2")
    bench.client(0, endpoint=endpoint).product()
    assert proxy.asked[0].path == "/awx/api/v2/ping/"
    assert proxy.asked[0].headers["host"] == "aap.example.com"


@pytest.mark.parametrize(("status", "error"), [(407, BadEndpoint), (403, BadEndpoint), (502, NotSent), (503, NotSent)])
def test_why_a_proxy_does_not_connect_is_reported(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, status: int, error: type[ControllerError]
) -> None:
    """ "Does not connect" hides a wrong password; asking again with it locks the account."""
    proxy = bench.serve(always(Reply(b"", status)))
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:MARKER@127.0.0.1:{proxy.port}")
    with pytest.raises(error, match=f"HTTP {status}.*Correct HTTPS_PROXY") as raised:
        bench.client(0, endpoint=Endpoint("https", "aap.example.com", 443), retries=1).product()
    assert "MARKER" not in str(raised.value)
    assert len(proxy.asked) == (1 if error is BadEndpoint else 2)


@pytest.mark.parametrize("password", ["p@s/s%é", "ünï…", "a b:c"])
def test_a_proxys_password_may_have_any_character(bench: Bench, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    """Latin-1 for what Latin-1 has, and a traceback for the rest, is what the library does."""
    proxy = bench.serve(always(PING))
    monkeypatch.setenv("HTTP_PROXY", f"http://us%20er:{quote(password, safe='')}@127.0.0.1:{proxy.port}")
    bench.client(0, endpoint=Endpoint("http", "aap.example.com", 80)).product()
    sent = proxy.asked[0].headers["proxy-authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == f"us er:{password}"


@pytest.mark.parametrize(
    "tokens",
    [Tokens("\ufeffaccess"), Tokens("tok_abc\ndefgh"), Tokens("tok…"), Tokens("tok\x00"), Tokens("tok\udcff")],
)
def test_a_stored_token_that_cannot_be_sent_is_an_error_that_repeats_nothing_of_it(
    bench: Bench, tokens: Tokens
) -> None:
    """The libraries raise UnicodeEncodeError, or a ValueError that quotes the token."""
    client, server = bench.against(always(FINE), MemoryTokenStore(tokens))
    with pytest.raises(
        AuthenticationError, match=r"The access token contains a .*clusters update NAME --token-file"
    ) as raised:
        client.get("jobs/")
    assert not any(part in str(raised.value) for part in ("tok_", "defgh", "\ufeff", "…"))
    assert not [asked for asked in server.asked if asked.token]


@pytest.mark.parametrize("bad", [{"refresh": "r\u200b"}, {"client_secret": "s\ns"}, {"client_id": "ü"}])
def test_a_stored_secret_that_cannot_be_sent_is_an_error_of_the_refresh(bench: Bench, bad: dict[str, str]) -> None:
    """A request that is never answered well cannot be told from one that is lost."""
    tokens = replace(TOKENS, **bad)
    client, server = bench.against(always(Reply({"detail": "x"}, 401)), MemoryTokenStore(tokens))
    with pytest.raises(AuthenticationError, match="cannot be sent to http"):
        client.get("jobs/")
    assert all(asked.method == "GET" for asked in server.asked)


def test_a_renewed_token_that_cannot_be_sent_is_not_stored(bench: Bench) -> None:
    """Whatever answers at the token's path may not be the controller."""

    def script(asked: Asked) -> Reply:
        if asked.path == "/api/o/token/":
            return Reply({"access_token": "a\nb", "refresh_token": "r"}, 200)
        return Reply({"detail": "x"}, 401)

    store = MemoryTokenStore(TOKENS)
    client, _ = bench.against(script, store)
    with pytest.raises(AuthenticationError, match="no usable access token"):
        client.get("jobs/")
    assert store.load() == TOKENS


@pytest.mark.parametrize(
    "finished",
    ["2026-06-30T23:59:60Z", "2026-11-29T10:00:00", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", 5, None],
)
def test_a_newest_job_without_a_valid_finish_time_is_an_error_in_words(bench: Bench, finished: object) -> None:
    """ValueError, TypeError, OverflowError and KeyError, of one job, ended the sensor's tick for all clusters."""
    for job in ({"id": 1, "finished": finished}, {"id": 1}, {}):
        client, _ = bench.against(always(Reply({"results": [job]})))
        with pytest.raises(CorruptBody, match="no valid finish time"):
            ControllerApi(client).newest_finished()
        assert ControllerApi(client).oldest_finished() is None
        assert ControllerApi(client).has_finished_jobs()


@pytest.mark.parametrize("body", [{}, {"results": None}, {"results": {}}, {"results": "x"}, {"results": [5]}])
def test_no_list_is_not_an_empty_list(bench: Bench, body: object) -> None:
    """An answer without rows would count as a controller that lost its jobs."""
    client, _ = bench.against(always(Reply(body)), retries=0)
    with pytest.raises(CorruptBody, match="not a list of jobs"):
        ControllerApi(client).has_finished_jobs()


def test_a_web_page_for_a_job_is_not_a_deleted_job(bench: Bench) -> None:
    """A proxy's 404 is in HTML, the controller's in JSON."""
    client, _ = bench.against(always(Reply(PAGE, 404, HTML)), retries=0)
    with pytest.raises(HtmlAnswer, match=r"HTTP 404 as a web page \(Access & Policy\)"):
        client.get("jobs/1/")
