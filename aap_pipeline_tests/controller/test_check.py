"""`clusters check` in words: what holds, what does not, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aap_pipeline.controller.check import Finding, check
from aap_pipeline_tests.controller.conftest import HTML, NOT_FOUND, PING, Bench, aap_24
from aap_pipeline_tests.controller.server import Asked, Reply, always

AUDITOR = {"id": 1, "username": "svc-pipeline", "is_superuser": False, "is_system_auditor": True}
JOB = {"id": 12, "finished": "2026-11-23T19:00:00Z"}


def listing(*rows: dict[str, Any]) -> Reply:
    return Reply({"count": len(rows), "next": None, "results": list(rows)})


def token(scope: str, user: int = 1) -> dict[str, Any]:
    return {"id": 7, "user": user, "scope": scope, "expires": "2027-11-23T19:00:00.123456Z"}


def healthy(**changes: Reply) -> Callable[[Asked], Reply]:
    """An AAP 2.4 in order, except for `changes`: me, tokens, organizations, job_templates, jobs, summaries."""
    replies = {
        "me": listing(AUDITOR),
        "tokens": listing(token("read")),
        "organizations": listing({"id": 1}),
        "job_templates": listing({"id": 1}, {"id": 2}),
        "jobs": listing(JOB),
        "summaries": listing({"id": 1}),
        **changes,
    }
    paths = {"/api/v2/jobs/12/job_host_summaries/": "summaries"}
    return lambda asked: replies.get(paths.get(asked.path, asked.path.removeprefix("/api/v2/").strip("/")), NOT_FOUND)


def findings(bench: Bench, script: Callable[[Asked], Reply], **settings: Any) -> dict[str, Finding]:
    client, _ = bench.against(script, retries=0, **settings)
    return {finding.name: finding for finding in check(client)}


def test_a_healthy_controller_has_only_good_findings(bench: Bench) -> None:
    """One false alarm and nobody reads the next."""
    found = findings(bench, healthy())
    outcomes = {name: finding.outcome for name, finding in found.items()}
    assert set(outcomes.values()) == {"ok"}  # plain http does not leave this machine
    expected = {"reachable", "tls", "version", "prefix", "clock", "token", "scope", "token expiry"}
    expected |= {"jobs", "lists", "page", "host summaries"}
    assert set(outcomes) == expected
    assert "AAP 2.4" in found["version"].sentence
    assert "svc-pipeline, an auditor" in found["token"].sentence
    assert found["token expiry"].sentence == "The token expires on 2027-11-23 19:00 UTC."


def test_whatever_is_not_ok_says_what_to_do(bench: Bench) -> None:
    """A finding without a remedy is a riddle."""
    bad: list[Finding] = []
    for script in (
        healthy(me=Reply({"detail": "x"}, 401)),
        healthy(me=Reply({}, 503)),
        healthy(jobs=Reply({"detail": "no"}, 403)),
        healthy(jobs=Reply({}, 500)),
        healthy(summaries=Reply({}, 502)),
        healthy(me=NOT_FOUND, jobs=listing()),
        always(Reply(b"", 302, {**HTML, "Location": "/maintenance/"})),
    ):
        bad += [finding for finding in findings(bench, script).values() if finding.outcome != "ok"]
    bad += check(bench.client(1, retries=0))
    assert {"token", "jobs", "host summaries", "reachable"} <= {finding.name for finding in bad}
    for finding in bad:
        assert len(finding.remedy) > 8, finding
        assert finding.sentence.endswith("."), finding


def test_jobs_without_host_summaries_are_a_failure(bench: Bench) -> None:
    """A user with too few rights sees jobs and no hosts: every saving would be zero."""
    found = findings(bench, healthy(summaries=Reply({"detail": "You do not have permission."}, 403)))
    assert found["jobs"].outcome == "ok"
    assert found["host summaries"].outcome == "failed"
    assert "forbidden" in found["host summaries"].sentence
    assert "System Auditor" in found["host summaries"].remedy


def test_no_visible_job_is_a_warning_only_for_users_who_may_not_see_all(bench: Bench) -> None:
    """A plain user gets 200 with count 0, not 403; an auditor's 0 means that nothing has run."""
    plain = {"id": 1, "username": "bob", "is_superuser": False, "is_system_auditor": False}
    assert findings(bench, healthy(jobs=listing()))["jobs"].outcome == "ok"
    found = findings(bench, healthy(jobs=listing(), me=listing(plain)))
    assert found["jobs"].outcome == "warning"
    assert "bob, an ordinary user" in found["token"].sentence
    assert found["token"].remedy == "Make bob a System Auditor."


def test_a_token_that_may_write_is_a_warning(bench: Bench) -> None:
    """A stolen read token starts nothing."""
    admin = {"id": 1, "username": "admin", "is_superuser": True}
    found = findings(bench, healthy(me=listing(admin), tokens=listing(token("write"))))
    assert "allows more than reading" in found["token"].sentence
    assert found["scope"].outcome == "warning"
    assert found["scope"].remedy


def test_the_tokens_of_other_users_say_nothing_of_ours(bench: Bench) -> None:
    """An auditor is shown everybody's tokens, and was warned of theirs."""
    found = findings(bench, healthy(tokens=listing({**token("write", user=2), "id": 3}, token("read"))))
    assert found["scope"].sentence == "The token's scope is read."


def test_a_dead_token_fails_and_ends_the_check(bench: Bench) -> None:
    """What follows would be five times the same 401."""
    found = findings(bench, lambda asked: PING if "ping" in asked.path else Reply({"detail": "x"}, 401))
    assert list(found)[-1] == "token"
    assert found["token"].outcome == "failed"
    assert "Create a new token" in found["token"].remedy + found["token"].sentence


def test_a_skewed_clock_is_a_warning(bench: Bench) -> None:
    """Its rows carry its times."""
    late = Reply(PING.body, headers={**PING.headers, "Date": "Mon, 23 Nov 2026 20:10:05 GMT"})
    server = bench.serve(lambda asked: late if asked.path == "/api/v2/ping/" else healthy()(asked))
    found = {finding.name: finding for finding in check(bench.client(server.port, retries=0))}
    assert found["clock"].outcome == "warning"
    assert "600 s ahead of this machine's" in found["clock"].sentence


@pytest.mark.parametrize("version", ["2.8", "3.0"])
def test_a_release_nobody_has_tested_works_with_a_warning(bench: Bench, version: str) -> None:
    """The day of an upgrade is no day for a refusal."""
    gateway = Reply({"version": version, "status": "good", "pong": "x"})
    mine: dict[str, Reply] = {}

    def script(asked: Asked) -> Reply:
        if asked.path == "/api/gateway/v1/ping/":
            return gateway
        if asked.path == "/api/gateway/v1/tokens/":
            return listing(token("read"))
        path = asked.path.replace("/api/controller/v2", "/api/v2").replace("/api/gateway/v1", "/api/v2")
        return healthy(**mine)(Asked(asked.method, path, asked.query, asked.headers, asked.body))

    server = bench.serve(script)
    client = bench.client(server.port, retries=0)
    found = list(check(client))
    assert [finding.outcome for finding in found if finding.name == "version"] == ["ok", "warning"]
    names = ("token", "scope", "jobs", "host summaries")
    assert {finding.outcome for finding in found if finding.name in names} == {"ok"}
    mine["me"] = listing({"id": 1, "username": "bob"})
    remedies = {finding.name: finding.remedy for finding in check(client)}
    assert remedies["token"] == "Make bob a Platform Auditor."


def test_the_check_sends_few_requests(bench: Bench) -> None:
    """It is run against controllers in production."""
    server = bench.serve(aap_24(healthy()))
    list(check(bench.client(server.port, retries=0)))
    assert len(server.asked) == 11


def test_a_page_that_a_proxy_does_not_wait_for_is_a_warning_and_one_that_nobody_answers_a_failure(bench: Bench) -> None:
    """Guards against a check that finds all well because it never asked for what a sync asks for."""

    def impatient(asked: Asked) -> Reply:
        large = asked.path == "/api/v2/jobs/" and int(asked.query["page_size"]) > 1
        return Reply(b"<title>504 Gateway Time-out</title>", 504, HTML) if large else healthy()(asked)

    found = findings(bench, impatient)
    assert found["page"].outcome == "warning"
    assert "returned HTTP 504 (504 Gateway Time-out). A page of one job works" in found["page"].sentence
    assert "time limit of the proxies" in found["page"].remedy
    assert found["host summaries"].outcome == "ok"


@pytest.mark.parametrize("broken", ["organizations", "job_templates"])
def test_whatever_a_sync_reads_is_checked(bench: Bench, broken: str) -> None:
    """Guards against a sync that fails where the check found all well."""
    found = findings(bench, healthy(**{broken: Reply({"detail": "Not for you."}, 403)}))
    assert found["lists"].outcome == "failed"
    assert f"/api/v2/{broken}/" in found["lists"].sentence


def test_every_address_that_is_named_is_whole(bench: Bench) -> None:
    """Guards against addresses that run into each other, `http://host:123jobs/`, which no browser opens."""
    for broken in ("jobs", "organizations"):
        client, server = bench.against(healthy(**{broken: Reply({"results": []})}), retries=0)
        said = " ".join(finding.sentence for finding in check(client))
        assert f"The response of http://127.0.0.1:{server.port}/api/v2/{broken}/ has no count" in said
