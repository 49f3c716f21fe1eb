"""Each thing that goes wrong at a controller, alone: a clear error, nothing half-written, the next sync completes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from aap_pipeline.clusters.registry import set_enabled
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.errors import (
    AuthenticationError,
    BodyTooLarge,
    ControllerError,
    HtmlAnswer,
    IncompleteAnswer,
    Maintenance,
    PermissionDenied,
    RedirectedElsewhere,
    ServerError,
    Unreachable,
)
from aap_pipeline.controller.manners import UNLIMITED
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import Cipher, EncryptionKeyError, new_key
from aap_pipeline.database.errors import DatabaseUnreachable
from aap_pipeline.raw.tally import Tally
from aap_pipeline_tests.raw.rig import (
    NOW,
    WITHIN_ALL_LIMITS,
    Rig,
    as_raw,
    assert_raw_is_truth,
    empty_world,
    patient,
    stored_jobs,
)
from aap_simulator.faults import Fault
from aap_simulator.server import SimulatorServer
from aap_simulator.tokens import PLAIN

MINUTE = timedelta(minutes=1)
pytestmark = WITHIN_ALL_LIMITS


def with_slices(rig: Rig, jobs: int) -> None:
    """Cut slices of so many jobs, of which two workers have 16 in flight, so that one ends long before the next."""
    rig.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', %s), ('sync_workers', '2')", str(jobs))


def with_jobs(server: SimulatorServer, count: int = 40) -> None:
    world = empty_world()
    server.use(world)
    for index in range(count):
        world.add_job(finished=NOW - index * MINUTE, hosts=2)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "statuses": (500,)}, ServerError),
        ({"kind": "status", "statuses": (502,)}, ServerError),
        ({"kind": "status", "statuses": (503,), "retry_after": 1}, ServerError),
        ({"kind": "status", "statuses": (429,), "retry_after": 2}, ServerError),
        ({"kind": "reset"}, ControllerError),
        ({"kind": "truncate"}, ControllerError),
        ({"kind": "hang", "seconds": 30}, Unreachable),
        ({"kind": "html"}, HtmlAnswer),
        ({"kind": "maintenance"}, Maintenance),
        ({"kind": "html_404"}, ControllerError),
        ({"kind": "count_too_high"}, IncompleteAnswer),
        ({"kind": "foreign_redirect", "host": "https://elsewhere.example.com"}, RedirectedElsewhere),
        ({"kind": "oversized", "size": 3_000_000}, BodyTooLarge),
    ],
    ids=lambda value: value["kind"] + str(value.get("statuses", [""])[0]) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("path", ["jobs", "host_summaries"])
def test_a_fault_that_stays_fails_its_slice_and_the_next_sync_completes(
    fault: dict[str, Any], error: type[ControllerError], path: str, rig: Rig, server: SimulatorServer
) -> None:
    """Guards against the failed page that is swallowed while the watermark moves on."""
    with_jobs(server)
    with_slices(rig, 10)
    patience = 0.2 if fault["kind"] == "hang" else 5.0
    rig.settings = patient(retries=2, read_timeout=patience, max_body_bytes=1_000_000)

    def begin(tally: Tally) -> None:
        if tally.jobs_stored and not server.faults.faults:  # the first slice came through
            server.faults.add(Fault(**{"paths": frozenset({path}), **fault}))

    with pytest.raises(error) as caught:
        rig.sync(progress=begin)
    assert server.url in str(caught.value) or "counts" in str(caught.value) or "lists" in str(caught.value)
    assert "\n" not in str(caught.value)
    truth = server.world.truth().jobs
    stored, reached = rig.raw_jobs(), rig.watermark
    assert 0 < len(stored) < len(truth)
    for number, (document, provisional) in stored.items():
        assert not provisional
        assert document == as_raw(truth[number])
    assert reached is not None
    older = {n for n, job in truth.items() if job.job["finished"] <= reached.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    assert older <= stored.keys()
    run = rig.last_run()
    assert run["outcome"] == "failed"
    assert run["error"] == str(caught.value)
    server.faults.clear()
    rig.sync()
    assert_raw_is_truth(rig)
    assert rig.watermark == NOW


@pytest.mark.parametrize("kind", ["status", "reset", "truncate", "html", "maintenance", "drop_row"])
def test_a_fault_that_passes_is_retried_within_the_sync(kind: Any, rig: Rig, server: SimulatorServer) -> None:
    """Guards against giving up, or losing a row, at the first hiccup."""
    with_jobs(server)
    server.faults.add(Fault(kind, probability=0.2, times=12))
    report = rig.sync()
    assert_raw_is_truth(rig)
    assert server.faults.applied_by_kind[kind] > 0
    if kind != "drop_row":  # the slice is read once more, which is no retry of a request
        assert sum(report.retries.values()) > 0


def test_pages_beyond_the_bound_on_bodies_are_read_in_parts(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a cluster that stands still because its jobs have long extra_vars."""
    with_jobs(server, 120)
    rig.settings = patient(max_body_bytes=300_000)
    report = rig.sync()
    assert_raw_is_truth(rig)
    assert report.retries.keys() == {"too large"}


@pytest.mark.parametrize("kind", ["status", "html", "html_404", "drop_row", "count_too_high", "truncate"])
def test_a_listing_that_fails_deletes_and_renames_nothing(kind: Any, rig: Rig, server: SimulatorServer) -> None:
    """Guards against templates that are marked as removed because a page did not arrive."""
    rig.list_each_time()
    with_jobs(server, 3)
    rig.sync()
    rig.parse()
    before = rig.query("SELECT external_id, name, removed_at FROM clusters_jobtemplate ORDER BY 1")
    rig.settings = patient(retries=1)
    server.faults.add(Fault(kind, paths=frozenset({"job_templates", "organizations"})))
    with pytest.raises(ControllerError):
        rig.sync()
    assert rig.query("SELECT kind FROM clusters_clustersyncdata") == []
    rig.parse()
    assert rig.query("SELECT external_id, name, removed_at FROM clusters_jobtemplate ORDER BY 1") == before


def test_jobs_deleted_during_the_sweep_are_no_failure(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a sync that cannot get past a clean-up that runs at the controller."""
    with_jobs(server, 120)
    with_slices(rig, 30)
    server.faults.add(Fault("delete_job", probability=0.3, times=25, paths=frozenset({"jobs", "host_summaries"})))
    rig.sync()
    found, truth = rig.raw_jobs(), server.world.truth()
    assert len(truth.deleted) >= 20
    assert truth.jobs.keys() <= found.keys() <= truth.jobs.keys() | truth.deleted.keys()


def test_jobs_that_appear_during_the_sweep_come_now_or_next_time(rig: Rig, server: SimulatorServer) -> None:
    """Guards against rows that slip in behind the page that is read."""
    with_jobs(server, 60)
    server.faults.add(Fault("insert_behind", probability=0.2, times=20))
    rig.sync()
    server.faults.clear()
    rig.sync()
    assert_raw_is_truth(rig)


def test_a_wrong_key_is_told_before_any_request(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a controller that is asked with nothing to show."""
    server.log.clear()
    rig.cipher = Cipher([new_key()])
    with pytest.raises(EncryptionKeyError):
        rig.sync()
    assert server.log.total == 0
    assert rig.last_run()["outcome"] == "failed"


def test_a_token_that_expires_in_the_middle_is_renewed_once(rig: Rig, server: SimulatorServer) -> None:
    """Guards against eight workers that each spend the refresh token, and against a new pair that is not stored."""
    with_jobs(server, 60)
    server.tokens.refreshes = 0
    server.faults.add(Fault("expire_token", paths=frozenset({"host_summaries"}), skip=20, times=1))
    report = rig.sync()
    assert_raw_is_truth(rig)
    assert server.tokens.refreshes == 1
    assert report.jobs_stored == 60
    server.log.clear()
    rig.sync()
    assert server.tokens.refreshes == 1
    assert server.log.by_status[401] == 0


def test_a_token_that_cannot_be_renewed_says_what_to_do(rig: Rig, server: SimulatorServer) -> None:
    """Guards against retrying for ever what nobody but a person can mend."""
    with_jobs(server)
    for expire in (server.tokens.expire_access, server.tokens.expire_refresh):
        expire()
    with pytest.raises(AuthenticationError, match="new token"):
        rig.sync()
    rig.register(Tokens("mistyped"))
    with pytest.raises(AuthenticationError, match="new token"):
        rig.sync()
    assert rig.watermark is None


def test_a_user_without_permission_loses_nothing_that_is_here(rig: Rig, server: SimulatorServer) -> None:
    """Guards against taking what a user may not see for deleted."""
    with_jobs(server, 5)
    rig.sync()
    rig.parse()
    pair = server.tokens.issue(PLAIN)
    rig.register(Tokens(pair.access_token))
    said: list[str] = []
    report = rig.sync(notify=said.append)
    rig.parse()
    assert (report.jobs_counted, rig.watermark) == (0, NOW)
    assert "System Auditor" in said[-1]
    assert report.warnings == (said[-1],)
    assert rig.value("SELECT count(*) FROM clusters_jobtemplate WHERE removed_at IS NOT NULL") == 0
    assert len(stored_jobs(rig)) == 5


def test_visible_jobs_with_forbidden_host_summaries_are_an_error_that_says_so(
    rig: Rig, server: SimulatorServer
) -> None:
    """Guards against jobs that are stored without hosts because a role is missing."""
    with_jobs(server, 5)
    server.faults.add(Fault("status", statuses=(403,), paths=frozenset({"host_summaries"})))
    with pytest.raises(PermissionDenied, match=r"job_host_summaries.*System Auditor"):
        rig.sync()
    assert rig.raw_jobs() == {}
    assert rig.watermark is None


def test_a_controller_that_is_down_is_left_alone_soon(rig: Rig, server: SimulatorServer) -> None:
    """Guards against hammering a controller with every worker's full set of retries."""
    with_jobs(server, 200)
    server.log.clear()
    server.faults.add(Fault("status", statuses=(503,), paths=frozenset({"host_summaries"}), skip=30))
    rig.settings = patient(retries=2)
    with pytest.raises(ServerError):
        rig.sync()
    assert server.log.by_status[503] < 60


def test_retry_after_beyond_the_limit_fails_at_once(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a sync that sleeps for an hour because a proxy says so."""
    with_jobs(server)
    waits: list[float] = []
    rig.settings = patient(sleep=waits.append, longest_pause=60.0)
    server.faults.add(Fault("status", statuses=(429,), retry_after=3600, paths=frozenset({"jobs"})))
    with pytest.raises(ServerError, match="3600"):
        rig.sync()
    assert sum(waits) <= (60 if rig.manners is UNLIMITED else 3600)  # with limits, threads wait for their turns, too


def test_nothing_asks_a_controller_before_the_end_of_the_pause_that_it_asked_for(
    rig: Rig, server: SimulatorServer
) -> None:
    """Guards against a proxy that asked for an hour, and is asked again by each path, thread, run and process."""
    with_jobs(server)
    server.faults.add(Fault("status", statuses=(429,), retry_after=36_000))
    with pytest.raises(ServerError, match="requests another 36000 s"):
        rig.sync()
    assert server.log.total == 1
    with pytest.raises(ServerError, match=r"requested a pause until .* UTC .*clusters enable prod`"):
        rig.sync()
    assert server.log.total == 1
    within_an_hour = "SELECT no_requests_before BETWEEN NOW() + INTERVAL '50 min' AND NOW() + INTERVAL '1 hour' "
    assert rig.value(within_an_hour + "FROM clusters_cluster")
    server.faults.clear()
    set_enabled(rig.connection, rig.name, enabled=True)
    rig.sync()
    assert_raw_is_truth(rig)


def test_no_thread_goes_on_after_a_pause_was_requested(rig: Rig, server: SimulatorServer) -> None:
    """Guards against the other requests of a sync, each of which earns another 429 within the pause."""
    with_jobs(server, 60)
    rig.settings = patient(retries=2)
    server.faults.add(Fault("status", statuses=(429,), retry_after=3600, paths=frozenset({"host_summaries"}), skip=10))
    with pytest.raises(ServerError, match="3600"):
        rig.sync()
    assert server.log.by_status[429] <= 8, "those that were sent before the first response"
    asked = server.log.total
    with pytest.raises(ServerError, match="requested a pause"):
        rig.sync()
    assert server.log.total == asked
    server.faults.clear()
    set_enabled(rig.connection, rig.name, enabled=True)
    rig.sync()
    assert_raw_is_truth(rig)


def test_host_summaries_that_are_not_found_although_the_job_is_there_are_an_error(
    rig: Rig, server: SimulatorServer
) -> None:
    """Guards against taking a job for deleted because one answer says so."""
    with_jobs(server, 3)
    server.faults.add(Fault("status", statuses=(404,), paths=frozenset({"host_summaries"})))
    with pytest.raises(IncompleteAnswer, match="HTTP 404"):
        rig.sync()
    assert rig.watermark is None


def test_a_database_that_goes_away_is_a_clear_error(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a traceback of psycopg, and against a lock that outlives its owner."""
    with_jobs(server, 30)

    def cut(_: object) -> None:
        with connect(rig.database_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'aap_pipeline sync' AND datname = current_database()"
            )

    with pytest.raises(DatabaseUnreachable, match="Committed data is safe"):
        rig.sync(progress=cut)
    rig.sync()
    assert_raw_is_truth(rig)
    outcomes = rig.query("SELECT outcome FROM pipeline.sync_run ORDER BY id")
    assert outcomes == [("interrupted",), ("succeeded",)]
