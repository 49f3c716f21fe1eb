"""A token that a controller refuses, or will soon, is told; where nobody can know, nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from dagster import SensorResult, SkipReason, build_sensor_context

from aap_pipeline.alerts.token_sensor import tokens_sensor
from aap_pipeline.definitions import defs
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.raw.sensors import new_jobs_sensor
from aap_pipeline_tests.controller.conftest import aap_24
from aap_pipeline_tests.controller.server import Reply, always, serving
from aap_pipeline_tests.site import Site
from aap_simulator.faults import Fault
from aap_simulator.server import SimulatorServer
from aap_simulator.tokens import AUDITOR, PLAIN

DAY = timedelta(days=1).total_seconds()
OPEN = "SELECT kind, subject FROM pipeline.alert WHERE resolved_at IS NULL"


@pytest.fixture
def site(site: Site, controller: SimulatorServer) -> Iterator[Site]:
    """With cluster prod, whose token is the only one and lives for five days."""
    controller.tokens.revoke_all()
    controller.tokens.set_lifetimes(access=5 * DAY)
    controller.token = controller.tokens.issue()
    site.register("prod", controller)
    yield site
    controller.tokens.set_lifetimes()


def tick() -> str:
    answer = tokens_sensor(warehouse=Warehouse())
    assert isinstance(answer, SkipReason)
    return str(answer.skip_message)


@pytest.mark.parametrize("token", ["\ufefftok_abc", "tok_abc\ndefgh", "tok_…"])
def test_a_token_that_cannot_be_sent_is_told_and_the_others_are_looked_at(
    site: Site, controller: SimulatorServer, token: str
) -> None:
    """Guards against one cluster's token that makes every tick fail, and so hides the end of all others."""
    with serving(aap_24(always(Reply({"results": []})))) as other:
        site.register("bad", other, access=token)
        without_refresh_token(site)
        assert tick() == "2 clusters checked; tokens rejected by: bad; expiring soon: prod."
    ((message,),) = site.query("SELECT message FROM pipeline.alert WHERE kind = 'token_refused'")
    assert "The access token contains a" in message
    assert "tok_" not in message


@pytest.mark.parametrize("body", [{}, {"results": [{"id": 1}]}, {"results": None}, [], {"results": [None]}])
def test_an_odd_answer_of_one_controller_is_no_word_about_its_token(
    site: Site, controller: SimulatorServer, body: object
) -> None:
    """Guards against a document that makes every tick fail."""
    with serving(aap_24(always(Reply(body)))) as odd:
        site.register("odd", odd)
        without_refresh_token(site)
        assert tick() == "2 clusters checked; tokens rejected by: none; expiring soon: prod."


def without_refresh_token(site: Site) -> None:
    site.query("UPDATE clusters_cluster SET refresh_token = NULL RETURNING 1")


def a_day_later(site: Site) -> None:
    site.query("UPDATE clusters_cluster SET token_asked_at = token_asked_at - interval '1 day' RETURNING 1")


def asked_for_tokens(controller: SimulatorServer) -> int:
    return controller.log.by_kind["tokens"]


def made_long_ago(controller: SimulatorServer) -> None:
    """The controller's tokens have most of their lives behind them."""
    for token in controller.tokens.access_tokens():
        token.created = datetime.now(UTC) - timedelta(days=360)


def test_a_token_that_ends_soon_is_told_once_and_so_is_its_successor(site: Site, controller: SimulatorServer) -> None:
    """Guards against a cluster that is silent from one day to the next, and against a message a tick."""
    without_refresh_token(site)
    assert tick().endswith("expiring soon: prod.")
    tick()
    a_day_later(site)
    tick()
    [(kind, message, occurrences)] = site.query("SELECT kind, message, occurrences FROM pipeline.alert")
    assert (kind, occurrences) == ("token_expiring", 1)
    [token] = controller.tokens.access_tokens()
    assert token.expires is not None
    assert message.startswith(
        f"The access token expires on {token.expires:%Y-%m-%d %H:%M} UTC. Syncs will fail from then on."
    )
    assert "aap-pipeline clusters update prod --token-file FILE" in message
    assert asked_for_tokens(controller) == 2
    [found] = site.run("prod").asset_materializations_for_node("raw__sync_data")
    assert found.metadata["token_ends"].value == token.expires.isoformat()
    controller.tokens.access_lifetime = timedelta(days=365)
    controller.token = controller.tokens.issue()
    site.register("prod", controller, refresh="", client_id="")
    assert tick().endswith("expiring soon: none.")
    assert site.query(OPEN) == []
    assert asked_for_tokens(controller) == 3


def test_a_controller_that_does_not_tell_is_asked_once_a_day_and_nothing_is_made_of_it(
    site: Site, controller: SimulatorServer
) -> None:
    """Guards against a guess, against a failed tick, and against a question every quarter of an hour."""
    without_refresh_token(site)
    controller.faults.add(Fault("status", paths=frozenset({"tokens"}), statuses=(403,)))
    for _ in range(3):
        assert tick() == "1 cluster checked; tokens rejected by: none; expiring soon: none."
    assert asked_for_tokens(controller) == 1
    a_day_later(site)
    tick()
    assert asked_for_tokens(controller) == 2
    assert site.query("SELECT token_ends_at FROM clusters_cluster") == [(None,)]
    assert site.query("SELECT 1 FROM pipeline.alert") == []


def test_what_was_known_stays_known_when_the_controller_no_longer_tells(
    site: Site, controller: SimulatorServer
) -> None:
    """Guards against "resolved" because somebody took a permission away."""
    without_refresh_token(site)
    controller.tokens.account_of(f"Bearer {controller.tokens.issue(AUDITOR).access_token}")
    tick()
    controller.faults.add(Fault("status", paths=frozenset({"tokens"}), statuses=(403,)))
    a_day_later(site)
    tick()
    assert asked_for_tokens(controller) == 2
    assert site.query(OPEN) == [("token_expiring", "prod")]


def test_an_entry_that_is_imported_again_while_nobody_answers_ends_no_incident(
    site: Site, controller: SimulatorServer
) -> None:
    """Guards against "resolved" each night where clusters.yaml is imported by a schedule."""
    without_refresh_token(site)
    tick()
    site.register("prod", controller, refresh="", client_id="")
    controller.faults.add(Fault("status", statuses=(503,)))
    assert tick().endswith("expiring soon: none.")
    assert site.query(OPEN) == [("token_expiring", "prod")]
    controller.faults.clear()
    assert tick().endswith("expiring soon: prod.")
    assert site.query("SELECT count(*) FROM pipeline.alert") == [(1,)]


@pytest.mark.parametrize(
    "spoilt",
    [
        "protocol = 'https', ca_bundle = '/nowhere/ca.pem'",
        "protocol = 'https', ca_bundle = '/etc/hostname'",
        "address = 'https://a/b'",
        "address = 'localhost', port = {port}, access_token = '\\x00'",
    ],
)
def test_a_cluster_whose_entry_is_spoilt_holds_up_no_other(
    site: Site, controller: SimulatorServer, spoilt: str
) -> None:
    """Guards against one CA bundle that somebody deleted, with which all clusters went unsynced and unwatched."""
    without_refresh_token(site)
    site.register("spoilt", None)
    change = spoilt.format(port=controller.port)
    site.query(f"UPDATE clusters_cluster SET {change} WHERE name = 'spoilt' RETURNING 1")
    assert tick() == "2 clusters checked; tokens rejected by: none; expiring soon: prod."
    with build_sensor_context(instance=site.instance, definitions=defs) as context:
        answer = new_jobs_sensor(context, warehouse=Warehouse())
    assert isinstance(answer, SensorResult)
    assert [request.partition_key for request in answer.run_requests or []] == ["prod"]


def test_a_token_with_a_refresh_token_is_renewed_in_time(site: Site, controller: SimulatorServer) -> None:
    """Guards against an alarm over what renews itself, and against renewing again what was just renewed."""
    made_long_ago(controller)
    before = controller.tokens.refreshes
    for _ in range(3):
        tick()
        a_day_later(site)
    assert controller.tokens.refreshes == before + 1
    assert site.query("SELECT 1 FROM pipeline.alert") == []
    assert site.run("prod").success


def test_a_refresh_token_that_is_refused_is_told_while_the_access_token_works(
    site: Site, controller: SimulatorServer
) -> None:
    """Guards against a pair whose refresh token died long before the access token: a month and a year by default."""
    made_long_ago(controller)
    controller.tokens.expire_refresh()
    tick()
    a_day_later(site)
    tick()
    [(message, occurrences)] = site.query("SELECT message, occurrences FROM pipeline.alert")
    assert "It cannot be renewed: " in message
    assert "forbids the token refresh (HTTP 403): the refresh token has expired. Create a new token" in message
    assert occurrences == 1
    assert site.run("prod").success
    controller.tokens.access_lifetime = timedelta(days=365)
    controller.token = controller.tokens.issue()
    site.register("prod", controller)
    tick()
    assert site.query(OPEN) == []


def test_a_user_who_lost_the_role_that_shows_jobs_is_an_incident(site: Site, controller: SimulatorServer) -> None:
    """Guards against syncs that succeed with nothing from the day on which somebody took a role away: no error is
    raised then, the controller just shows an empty list."""
    controller.tokens.set_lifetimes()
    assert site.run("prod").success
    tick()
    assert site.query(OPEN) == []
    controller.tokens.belong_to(PLAIN)
    assert site.run("prod").success
    tick()
    assert site.query(OPEN) == [("token_refused", "prod")]
    [(message,)] = site.query("SELECT message FROM pipeline.alert")
    assert "the token's user lacks a role. Give it the role System Auditor" in message
    controller.tokens.belong_to(AUDITOR)
    tick()
    assert site.query(OPEN) == []


def test_a_controller_whose_jobs_are_all_deleted_is_no_incident_while_the_user_sees_everything(
    site: Site, controller: SimulatorServer
) -> None:
    """Guards against an incident for good over a controller on which nothing has run for three months."""
    controller.tokens.set_lifetimes()
    assert site.run("prod").success
    for number in list(controller.world.jobs.rows):
        controller.world.delete_job(number)
    tick()
    assert site.query(OPEN) == []


def test_a_refused_token_is_an_incident_and_a_dead_controller_is_not(site: Site, controller: SimulatorServer) -> None:
    """Guards against a revoked token that looks like a slow controller."""
    without_refresh_token(site)
    controller.tokens.set_lifetimes()
    tick()
    assert site.query("SELECT subject FROM pipeline.alert") == []
    good = site.query("SELECT access_token FROM clusters_cluster")[0][0]
    site.query("UPDATE clusters_cluster SET access_token = %s RETURNING 1", site.cipher.encrypt("revoked"))
    tick()
    assert site.query(OPEN) == [("token_refused", "prod")]
    site.query("UPDATE clusters_cluster SET port = 9 RETURNING 1")
    tick()
    assert site.query(OPEN) == [("token_refused", "prod")]
    site.query("UPDATE clusters_cluster SET port = %s, access_token = %s RETURNING 1", controller.port, good)
    tick()
    assert site.query(OPEN) == []
