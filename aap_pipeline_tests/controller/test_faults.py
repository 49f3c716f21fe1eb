"""What happens on the wire when a controller, or something on the way to it, is unwell."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.errors import (
    BadEndpoint,
    BadRequest,
    BodyTooLarge,
    ControllerError,
    CorruptBody,
    HtmlAnswer,
    Maintenance,
    NotAController,
    NotFound,
    PermissionDenied,
    RedirectedElsewhere,
    ServerError,
    Unreachable,
)
from aap_pipeline.controller.host_summaries import HostSummaryRow
from aap_pipeline_tests.controller.conftest import HTML, Bench
from aap_pipeline_tests.controller.server import Asked, Reply, always

FINE = Reply({"count": 1, "next": None, "results": [{"id": 7}]})
PAGE = b"<!doctype html><html><body>Sorry</body></html>"


def failing(times: int, fault: Reply) -> Callable[[Asked], Reply]:
    """A script that answers with `fault` so many times, and then well."""
    left = times

    def script(asked: Asked) -> Reply:
        nonlocal left
        left -= 1
        return fault if left >= 0 else FINE

    return script


FAULTS = {
    "HTTP 429": Reply({"detail": "slow down"}, 429),
    "HTTP 500": Reply({"detail": "oops"}, 500),
    "HTTP 502": Reply(PAGE, 502, HTML),
    "HTTP 503": Reply(PAGE, 503, HTML),
    "HTTP 504": Reply(b"", 504),
    "connection": Reply(reset=True),
    "cut off": Reply({"results": ["x" * 500]}, cut=100),
    "bad JSON": Reply(b'{"count": 1, "results": [{"id"'),
    "HTML": Reply(PAGE, 200, HTML),
    "HTML 404": Reply(PAGE, 404, HTML),
    "maintenance": Reply(b"", 302, {**HTML, "Location": "/migrations_notran/"}),
}


@pytest.mark.parametrize("cause", FAULTS)
def test_a_passing_fault_is_retried_and_counted_by_its_cause(bench: Bench, cause: str) -> None:
    """A failed page that is swallowed is a hole that nobody sees; an uncounted retry hides a sick controller."""
    client, _ = bench.against(failing(2, FAULTS[cause]))
    assert client.get("jobs/").body["results"] == [{"id": 7}]
    seen = client.statistics
    assert seen.retries_by_cause == {cause.removesuffix(" 404"): 2}
    assert bench.patience.naps == [0.5, 1.0]


@pytest.mark.parametrize(
    ("cause", "error"),
    [
        ("HTTP 503", ServerError),
        ("connection", Unreachable),
        ("cut off", CorruptBody),
        ("bad JSON", CorruptBody),
        ("HTML", HtmlAnswer),
        ("HTML 404", HtmlAnswer),
        ("maintenance", Maintenance),
    ],
)
def test_a_lasting_fault_ends_in_an_error_that_says_where(
    bench: Bench, cause: str, error: type[ControllerError]
) -> None:
    """No answer is not an empty answer."""
    client, server = bench.against(failing(99, FAULTS[cause]))
    with pytest.raises(
        error, match=rf"http://127\.0\.0\.1:{server.port}/api/v2/jobs/\?page_size=1.*\. [A-Z]"
    ) as raised:
        client.get("jobs/", {"page_size": 1})
    assert raised.value.transient
    assert client.statistics.retries_by_cause == {cause.removesuffix(" 404"): 3}


def test_a_cut_chunked_body_is_no_answer(bench: Bench) -> None:
    """A chunked body has no length to compare with; the missing last chunk must tell."""
    client, _ = bench.against(failing(1, Reply({"results": ["x" * 500]}, cut=100, chunked=True)))
    assert client.get("jobs/").body["count"] == 1
    assert client.statistics.retries_by_cause == {"cut off": 1}


def test_a_hanging_controller_is_given_up_after_the_read_timeout(bench: Bench) -> None:
    """A request without a timeout holds a sync, and its lock, for ever."""
    client, _ = bench.against(failing(1, Reply(hang=True)), read_timeout=0.1)
    assert client.get("jobs/").body["count"] == 1
    assert client.statistics.retries_by_cause == {"timeout": 1}


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, BadRequest), (403, PermissionDenied), (404, NotFound), (405, BadRequest), (410, BadRequest)],
)
def test_a_clear_refusal_is_not_repeated(bench: Bench, status: int, error: type[ControllerError]) -> None:
    """Asking again what is forbidden changes nothing and looks like an attack."""
    client, server = bench.against(always(Reply({"detail": "Because of this."}, status)))
    with pytest.raises(error, match=r"Because of this\.") as raised:
        client.get("jobs/")
    assert not raised.value.transient
    assert sum(asked.path == "/api/v2/jobs/" for asked in server.asked) == 1


def test_a_refusal_never_quotes_secrets(bench: Bench) -> None:
    """Controllers echo what they were sent."""
    client, _ = bench.against(always(Reply({"extra_vars": {"pw": "MARKER"}, "token": "MARKER"}, 400)))
    with pytest.raises(BadRequest) as raised:
        client.get("jobs/", {"search": "MARKER"})
    assert "MARKER" not in str(raised.value)


def test_retry_after_is_honoured_before_the_next_attempt(bench: Bench) -> None:
    """Proxies ban clients that come back too early."""
    client, _ = bench.against(failing(1, Reply({}, 429, {"Retry-After": "17"})))
    client.get("jobs/")
    assert bench.patience.naps[0] == 17.0


def test_retry_after_as_a_date_counts_from_the_answers_own_date(bench: Bench) -> None:
    """With a clock that is minutes off, our own "now" would make it zero or minutes."""
    client, _ = bench.against(failing(1, Reply({}, 503, {"Retry-After": "Mon, 23 Nov 2026 20:00:09 GMT"})))
    client.get("jobs/")
    assert bench.patience.naps[0] == 9.0


def test_a_retry_after_beyond_the_limit_ends_the_run_at_once(bench: Bench) -> None:
    """A sync must not hold its lock for an hour because a proxy says so."""
    client, _ = bench.against(failing(1, Reply({}, 503, {"Retry-After": "3600"})))
    with pytest.raises(ServerError, match="requests another 3600 s"):
        client.get("jobs/")
    assert bench.patience.naps == []


def test_nobody_listening_is_said_in_words(bench: Bench) -> None:
    """A urllib3 repr with an object address helps nobody."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(
        Unreachable, match=r"connection refused\). Check address and port, and that the controller runs"
    ) as raised:
        bench.client(port).get("jobs/")
    assert "0x" not in str(raised.value)


def test_a_body_beyond_the_bound_is_refused_even_when_compressed(bench: Bench) -> None:
    """A few kilobytes of gzip can become gigabytes of memory."""
    bomb = gzip.compress(b'{"x": "' + b"0" * 5_000_000 + b'"}')
    for reply in (
        Reply(bomb, headers={"Content-Encoding": "gzip"}),
        Reply({"x": "0" * 200_000}),
        Reply({"x": "0" * 200_000}, chunked=True),
    ):
        client, server = bench.against(always(reply), max_body_bytes=100_000)
        with pytest.raises(BodyTooLarge, match="100,000 bytes"):
            client.get("jobs/")
        assert len(server.asked) == 3


UNREAD = {
    **FAULTS,
    "hang": Reply(hang=True),
    "cut off, chunked": Reply({"results": ["x" * 500]}, cut=100, chunked=True),
    "damaged gzip": Reply(b"\x1f\x8bnonsense" * 9_000, headers={"Content-Encoding": "gzip"}),
    "too large": Reply({"x": "0" * 200_000}),
    "too large, chunked": Reply({"x": "0" * 200_000}, chunked=True),
}


@pytest.mark.parametrize("fault", UNREAD)
def test_answers_that_are_not_read_to_their_end_take_no_connection_for_good(bench: Bench, fault: str) -> None:
    """Guards against a sync that waits for ever once as many answers as it has workers were broken or too large."""
    client, _ = bench.against(failing(3, UNREAD[fault]), workers=1, retries=0, max_body_bytes=100_000, read_timeout=0.1)
    answers: list[object] = []

    def ask() -> None:
        for _ in range(3):
            with pytest.raises(ControllerError):
                client.get("jobs/")
        answers.append(client.get("jobs/").body)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(20)
    assert answers == [FINE.body]


def test_gzip_is_asked_for_and_read(bench: Bench) -> None:
    """Job documents shrink to a tenth."""
    body = gzip.compress(json.dumps(FINE.body).encode())
    client, server = bench.against(always(Reply(body, headers={"Content-Encoding": "gzip"})))
    assert client.get("jobs/").body == FINE.body
    assert "gzip" in server.asked[-1].headers["accept-encoding"]


def test_damaged_gzip_is_retried(bench: Bench) -> None:
    """It is a transport fault like any other."""
    client, _ = bench.against(failing(1, Reply(b"\x1f\x8bnonsense", headers={"Content-Encoding": "gzip"})))
    assert client.get("jobs/").body == FINE.body


def test_documents_that_orjson_refuses_are_read_all_the_same(bench: Bench) -> None:
    """A lone surrogate in one extra_vars would block its whole page for ever."""
    client, _ = bench.against(always(Reply(b'{"count": 1, "results": [{"id": 7, "a": "\\ud800", "b": NaN}]}')))
    answer = client.get("jobs/")
    assert answer.body["results"][0]["a"] == "\ud800"
    assert client.statistics.retries_by_cause == {}


def test_a_redirect_to_another_host_is_an_error_and_gets_no_token(bench: Bench) -> None:
    """Following it would hand the token to whoever controls the redirect."""
    elsewhere = bench.serve(always(FINE))
    client, server = bench.against(
        always(Reply(b"", 302, {"Location": f"http://127.0.0.1:{elsewhere.port}/api/v2/jobs/"}))
    )
    with pytest.raises(
        RedirectedElsewhere, match=f"redirects to http://127.0.0.1:{elsewhere.port}, to which no token"
    ) as raised:
        client.get("jobs/")
    assert not raised.value.transient
    assert elsewhere.asked == []
    assert len(server.asked) == 3


def test_a_controller_in_an_upgrade_is_said_to_be_in_one(bench: Bench) -> None:
    """Every request is redirected to an HTML page, the probe's too."""
    server = bench.serve(always(Reply(b"", 302, {**HTML, "Location": "/migrations_notran/"})))
    with pytest.raises(Maintenance, match="an upgrade is running"):
        bench.client(server.port).get("jobs/")


def test_a_web_site_is_no_controller(bench: Bench) -> None:
    """A wrong address that answers 200 must not look like an empty controller."""
    server = bench.serve(always(Reply(PAGE, 200, HTML)))
    with pytest.raises(NotAController, match="Correct address"):
        bench.client(server.port).get("jobs/")


def test_the_environments_proxy_is_used_and_named_when_it_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Controllers behind a company's proxy are reachable only through it."""
    proxy = bench.serve(always(FINE))
    monkeypatch.setenv("HTTP_PROXY", f"http://user:MARKER@127.0.0.1:{proxy.port}")
    client = bench.client(0, endpoint=_endpoint("aap.example.com"))
    assert client.get("/api/v2/jobs/").body == FINE.body
    assert proxy.asked[0].headers["host"] == "aap.example.com"
    monkeypatch.setenv("HTTP_PROXY", "http://user:MARKER@127.0.0.1:1")
    with pytest.raises(Unreachable, match="Correct HTTPS_PROXY") as raised:
        bench.client(0, endpoint=_endpoint("aap.example.com")).get("/api/v2/jobs/")
    assert "MARKER" not in str(raised.value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    direct, _ = bench.against(always(FINE))
    assert direct.get("jobs/").body == FINE.body


@pytest.mark.parametrize(
    "proxy", ["http://user:MARKER@host:port", "http://user:MARKER@[::1", "http://:80", "socks5://h:1"]
)
def test_a_proxy_that_is_no_address_is_named_as_what_is_wrong(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """A typing mistake in HTTPS_PROXY was a traceback of urllib3."""
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(BadEndpoint, match=r"is not valid \(.*[^.]\). Correct HTTP_PROXY") as raised:
        bench.client(0, endpoint=_endpoint("aap.example.com"))
    assert "MARKER" not in str(raised.value)


def test_sixteen_workers_share_their_connections(bench: Bench) -> None:
    """A connection for each request costs a TLS handshake each."""
    client, server = bench.against(always(FINE), workers=16)
    api = ControllerApi(client)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(api.host_summaries, range(1, 200)))
    assert found == [[HostSummaryRow(7)]] * 199
    assert server.connections <= 16
    assert client.statistics.requests == 201


def test_the_controllers_clock_is_read_from_its_answers(bench: Bench) -> None:
    """A window that ends at our own "now" loses rows when our clock is ahead."""
    client, _ = bench.against(always(FINE))
    assert client.clock_skew() is None
    client.get("jobs/")
    assert client.controller_now() == datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    assert client.clock_skew() == -5.0


def test_no_token_is_ever_logged(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Not by us, not by urllib3, at no level."""
    caplog.set_level(logging.DEBUG)
    client, _ = bench.against(failing(2, FAULTS["HTTP 503"]))
    client.get("jobs/", {"search": "MARKER"})
    assert "HTTP 503" in caplog.text
    assert "access-1" not in caplog.text
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("aap_pipeline")]
    assert ours
    assert "MARKER" not in "".join(ours)


def _endpoint(address: str) -> Endpoint:
    return Endpoint("http", address, 80, api_prefix="/api/v2")
