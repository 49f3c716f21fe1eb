"""The probe recognises products by what they can do, first of all those whose answers were recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import aap_simulator
from aap_pipeline.controller.answers import Answer
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.errors import (
    BadRequest,
    ControllerError,
    CorruptBody,
    HtmlAnswer,
    Maintenance,
    NotAController,
    NotFound,
    PermissionDenied,
    ServerError,
    Unreachable,
)
from aap_pipeline.controller.probe import Product, job_url, probe

RECORDED = Path(aap_simulator.__file__).parent / "recorded"
GATEWAY = "/api/gateway/v1/ping/"
HERE = "https://aap.example.com"
ENDPOINT = Endpoint("https", "aap.example.com", 443)


def answers(known: dict[str, Any]) -> tuple[Callable[[str], Answer], list[str]]:
    """A `get` that knows some paths: (body, product name) or an error; every other path does not exist."""
    asked: list[str] = []

    def get(path: str) -> Answer:
        asked.append(path)
        found = known.get(path, NotFound("no such page"))
        if isinstance(found, Exception):
            raise found
        body, product = found
        return Answer(body, {"X-API-Product-Name": product} if product else {})

    return get, asked


def found(known: dict[str, Any]) -> Product:
    return probe(answers(known)[0], ENDPOINT)


def controller(version: str, product: str = "Red Hat Ansible Automation Platform") -> tuple[dict[str, Any], str]:
    return {"version": version, "active_node": "n", "instances": []}, product


def gateway(version: str, **more: Any) -> tuple[dict[str, Any], str]:
    return {"status": "good", "version": version, "pong": "x", "db_connected": True, **more}, "AAP gateway"


def test_the_recorded_aap_24_is_recognised() -> None:
    """The real one says 4.5.15, which no person knows as AAP 2.4."""
    body = json.loads((RECORDED / "aap_24" / "ping-24.json").read_text())["json_body"]
    product = found({"/api/v2/ping/": (body, "Red Hat Ansible Automation Platform")})
    assert product == Product("4.5.15", "AAP 2.4", "/api/v2")
    assert (product.token_path, product.behind_gateway) == ("/api/o/token/", False)
    assert job_url(HERE, product.label, 7) == f"{HERE}/#/jobs/playbook/7/output"


def test_the_recorded_aap_25_is_recognised_by_its_gateway() -> None:
    """Its /api/v2/ping/ is a 404 page, so a probe that starts there finds nothing."""
    body = json.loads((RECORDED / "aap_25" / "ping-25.json").read_text())["json_body"]
    product = found({GATEWAY: (body, "AAP gateway")})
    assert product == Product("2.5", "AAP 2.5", "/api/controller/v2")
    assert (product.token_path, product.behind_gateway) == ("/o/token/", True)
    assert job_url(HERE, product.label, 7) == f"{HERE}/execution/jobs/playbook/7/output"


def test_the_recorded_awx_is_recognised_under_both_prefixes() -> None:
    """AWX answers under /api/v2 and perhaps under /api/controller/v2; its tokens are under /api/o/token/ either way."""
    body = json.loads((RECORDED / "awx" / "ping_no_auth.json").read_text())["response"]["body"]
    for prefix in ("/api/v2", "/api/controller/v2"):
        product = found({f"{prefix}/ping/": (body, "AWX")})
        assert (product.label, product.api_prefix, product.token_path) == ("AWX 24.6.2", prefix, "/api/o/token/")


@pytest.mark.parametrize("release", ["2.5", "2.6", "2.7", "2.8", "3.0"])
def test_every_gateway_release_works(release: str) -> None:
    """A list of versions would lock people out on the day of their upgrade."""
    product = found({GATEWAY: gateway(f"{release}.20251201")})
    assert (product.label, product.api_prefix) == (f"AAP {release}", "/api/controller/v2")


@pytest.mark.parametrize(
    ("version", "label"),
    [("4.4.1", "AAP 2.4"), ("4.6.3", "AAP 2.5"), ("4.7.0", "AAP 2.6"), ("4.9.0", "AAP 2.8"), ("3.8.5", "Tower 3.8")],
)
def test_controller_versions_become_the_names_people_know(version: str, label: str) -> None:
    """clusters_cluster.aap_version holds AAP's version, and 15 characters."""
    assert found({"/api/v2/ping/": controller(version)}).label == label


@pytest.mark.parametrize("version", ["24.6.2.dev0+g123456789abcdef", "devel", "24.6.2", "1000000.1000000.1000000"])
def test_labels_fit_their_column(version: str) -> None:
    """A label of 16 characters would fail the whole registration."""
    assert len(found({"/api/v2/ping/": controller(version, "AWX")}).label) <= 15
    assert len(found({"/api/v2/ping/": controller(version)}).label) <= 15
    assert len(found({GATEWAY: gateway(version)}).label) <= 15


@pytest.mark.parametrize("prefix", ["/api/v2", "/api/controller/v2", "/awx/api/v2", "/awx/api/v2/"])
def test_the_prefix_that_was_found_last_time_is_asked_first(prefix: str) -> None:
    """A controller below a path, too, costs one request where it is known."""
    endpoint = replace(ENDPOINT, api_prefix=prefix)
    known = prefix.rstrip("/").removeprefix("/awx")
    get, asked = answers({f"{known}/ping/": controller("24.6.2", "AWX")})
    product = probe(get, endpoint)
    assert asked == [f"{known}/ping/"]
    assert endpoint.path + product.api_prefix == prefix.rstrip("/")


def test_an_upgrade_is_noticed_in_spite_of_the_prefix_that_was_found() -> None:
    """After 2.4 → 2.5 the stored prefix is a 404 page, and the cluster could not be read any more."""
    product = probe(answers({GATEWAY: gateway("2.5")})[0], replace(ENDPOINT, api_prefix="/api/v2"))
    assert (product.label, product.api_prefix) == ("AAP 2.5", "/api/controller/v2")


@pytest.mark.parametrize(
    ("known", "label", "prefix"),
    [
        ({"/api/v2/ping/": controller("24.6.2", "AWX")}, "AWX 24.6.2", "/api/v2"),
        ({GATEWAY: gateway("2.6")}, "AAP 2.6", "/api/controller/v2"),
        ({"/ping/": controller("24.6.2", "AWX")}, "AWX 24.6.2", ""),
    ],
)
def test_below_a_path_everything_is_looked_for_that_may_be_at_the_root(
    known: dict[str, Any], label: str, prefix: str
) -> None:
    """A proxy serves the whole controller below a path, or maps the path to the API."""
    product = probe(answers(known)[0], replace(ENDPOINT, api_prefix="/awx"))
    assert (product.label, product.api_prefix) == (label, prefix)


def test_an_upgrade_in_progress_is_maintenance_not_a_wrong_address() -> None:
    """ "Check the address" would send people looking for a fault that is not there."""
    with pytest.raises(Maintenance):
        found({GATEWAY: Maintenance("redirects to /migrations_notran/")})


def test_something_else_that_answers_is_not_a_controller() -> None:
    """A web application answers 200 with its page at any path, others with 401 or JSON of their own."""
    for other in (HtmlAnswer("a page"), NotFound("404"), ({"version": "1.0"}, ""), ({"status": "up"}, "")):
        with pytest.raises(NotAController, match="Correct address and port") as raised:
            found({GATEWAY: other, "/api/v2/ping/": other})
        assert not raised.value.transient


@pytest.mark.parametrize("error", [BadRequest("402"), PermissionDenied("403"), ServerError("501"), CorruptBody("x")])
def test_an_answer_that_explains_itself_is_reported_unless_the_api_is_elsewhere(error: ControllerError) -> None:
    """Guards against "not a controller, check the address" in place of what a proxy wrote of the true reason."""
    with pytest.raises(type(error)) as raised:
        found({GATEWAY: error})
    assert raised.value is error
    assert found({GATEWAY: error, "/api/v2/ping/": controller("4.5.1")}).label == "AAP 2.4"


def test_one_sick_endpoint_does_not_hide_a_healthy_one() -> None:
    """Proxies answer 503 for paths they do not know."""
    assert found({GATEWAY: ServerError("503"), "/api/v2/ping/": controller("4.5.1")}).label == "AAP 2.4"
    with pytest.raises(ServerError):
        found({GATEWAY: ServerError("503")})
    with pytest.raises(Unreachable):
        found({GATEWAY: Unreachable("refused")})
