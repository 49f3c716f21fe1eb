"""Identity is (cluster, external id): names change and collide, every column follows, no row is doubled or orphaned."""

from __future__ import annotations

from typing import Any

import pytest

from aap_pipeline.core.parse import parse
from aap_pipeline.database.connection import Connection
from aap_pipeline_tests.core.conftest import Store
from aap_pipeline_tests.core.helpers import add_cluster, add_raw, job, labels, summary, template, values


def test_a_rename_reaches_the_one_row_of_each_dimension(connection: Connection, store: Store) -> None:
    """Guards against a second row for a thing with a new name, and against a name that stays old."""
    store(job(1, launched_by={"id": 1, "name": "old", "type": "user"}))
    new = {key: {"id": identity, "name": "new"} for key, identity in
           {"organization": 1, "job_template": 11, "project": 8, "inventory": 2}.items()}  # fmt: skip
    store(
        job(2, summary_fields=new, launched_by={"id": 1, "name": "new", "type": "user"},
            job_host_summaries=[summary(1, 2, name="new")])
    )  # fmt: skip
    for table in ("organization", "jobtemplate", "project", "inventory", "aapuser", "host"):
        assert values(connection, f"SELECT name FROM clusters_{table}") == ["new"], table


def test_a_name_that_is_absent_blanks_nothing(connection: Connection, store: Store) -> None:
    """Guards against a controller's dropped keys erasing what is known."""
    known = {"project": {"id": 8, "name": "playbooks", "description": "all of them"}}
    store(job(1, summary_fields=known), job(4, summary_fields={"project": {"id": 8}}))
    store(job(2, summary_fields={"project": {"id": 8}}), job(3, summary_fields={"project": None}))
    assert values(connection, "SELECT name, description FROM clusters_project") == [("playbooks", "all of them")]
    assert values(connection, "SELECT count(*) FROM clusters_job WHERE project_id IS NOT NULL") == [4]


def test_a_reference_without_a_name_is_kept_under_its_number(connection: Connection, store: Store) -> None:
    """Guards against a job that loses its project because the summary was not there."""
    store(job(1, project=77, summary_fields={"project": None}))
    assert values(connection, "SELECT external_id, name FROM clusters_project") == [(77, "#77")]


def test_a_listed_template_names_its_organization_though_the_summary_has_no_id(
    connection: Connection, store: Store
) -> None:
    """Guards against a template and a job that are read by different rules."""
    store(job(1))
    store(template(11, "Patch", summary_fields={"organization": {"name": "Renamed"}}), kind="job_template")
    assert values(connection, "SELECT name FROM clusters_organization") == ["Renamed"]


def test_two_templates_of_one_name_in_two_organizations_stay_two(connection: Connection, store: Store) -> None:
    """Guards against identity by name."""
    store(template(11, "Patch", 1), template(12, "Patch", 2), kind="job_template")
    store(job(1), job(2, job_template=12, summary_fields={"job_template": {"id": 12, "name": "Patch"}}))
    found = values(
        connection,
        "SELECT t.external_id, o.external_id, count(j.id) FROM clusters_jobtemplate t "
        "JOIN clusters_organization o ON o.id = t.organization_id JOIN clusters_job j ON j.job_template_id = t.id "
        "GROUP BY 1, 2 ORDER BY 1",
    )
    assert found == [(11, 1, 1), (12, 2, 1)]


def test_a_template_deleted_and_created_again_is_another_one(connection: Connection, store: Store) -> None:
    """Guards against the history of the old template under the new one, and against minutes lost with the deletion."""
    store(template(11, "Patch"), kind="job_template")
    store(job(1))
    connection.execute("UPDATE clusters_jobtemplate SET time_taken_manually_execute_minutes = 7")
    connection.commit()
    store({"ids": [11]}, kind="job_template_gone")
    store(template(31, "Patch"), kind="job_template")
    store(job(2, job_template=31, summary_fields={"job_template": {"id": 31, "name": "Patch"}}))
    found = values(
        connection,
        "SELECT t.external_id, t.removed_at IS NOT NULL, t.time_taken_manually_execute_minutes, j.external_id "
        "FROM clusters_jobtemplate t JOIN clusters_job j ON j.job_template_id = t.id ORDER BY 1",
    )
    assert found == [(11, True, 7, 1), (31, False, 60, 2)]


def test_a_template_that_is_listed_again_is_not_removed_any_more(connection: Connection, store: Store) -> None:
    """Guards against a removal that a lost permission caused and that stays for ever; raw must read it again."""
    store(template(11, "Patch"), kind="job_template")
    store({"ids": [11, 999]}, kind="job_template_gone")
    first = values(connection, "SELECT removed_at FROM clusters_jobtemplate")
    store({"ids": [11]}, kind="job_template_gone")
    assert values(connection, "SELECT removed_at FROM clusters_jobtemplate") == first
    assert values(connection, "SELECT fingerprint FROM clusters_jobtemplate") == [None]
    store(template(11, "Patch"), kind="job_template")
    assert values(connection, "SELECT removed_at, fingerprint IS NULL FROM clusters_jobtemplate") == [(None, False)]


def test_a_new_template_takes_the_minutes_of_the_settings_and_keeps_them(connection: Connection, store: Store) -> None:
    """Guards against defaults that overwrite what a user set for a template."""
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('default_manual_minutes', '15')")
    connection.commit()
    store(job(1))
    connection.execute("UPDATE clusters_jobtemplate SET time_taken_create_automation_minutes = 240")
    connection.commit()
    store(job(2), job(1, summary_fields={"job_template": {"id": 11, "name": "Patch 2"}}))
    found = values(
        connection,
        "SELECT time_taken_manually_execute_minutes, time_taken_create_automation_minutes FROM clusters_jobtemplate",
    )
    assert found == [(15, 240)]


def test_a_host_deleted_and_added_again_is_another_host_of_the_same_name(connection: Connection, store: Store) -> None:
    """Guards against a unique violation on the name, and against two hosts counted as one."""
    store(
        job(1, job_host_summaries=[summary(1, 1, host=5, name="web1")]),
        job(2, job_host_summaries=[summary(2, 2, host=9, name="web1")]),
    )
    assert values(connection, "SELECT external_id, name FROM clusters_host ORDER BY 1") == [(5, "web1"), (9, "web1")]


def test_hosts_that_were_never_in_an_inventory_are_known_by_their_name(connection: Connection, store: Store) -> None:
    """Guards against one host row a run for an implicit localhost, and against long names that no index takes."""
    long = "ü" * 1024
    store(job(1, job_host_summaries=[summary(1, 1, None, "localhost"), summary(2, 1, None, long)]))
    store(job(2, job_host_summaries=[summary(3, 2, None, "localhost"), summary(4, 2, None, long)]))
    assert values(connection, "SELECT external_id, name FROM clusters_host ORDER BY name") == [
        (None, "localhost"),
        (None, long),
    ]
    assert values(connection, "SELECT DISTINCT length(host_name) FROM clusters_jobhostsummary ORDER BY 1") == [9, 255]


def test_a_constructed_inventory_counts_the_source_host(connection: Connection, store: Store) -> None:
    """Guards against the constructed twin as a second host."""
    constructed = summary(1, 1, host=5, constructed_host=203)
    constructed["summary_fields"]["constructed_host"] = {"id": 203, "name": "web1", "description": ""}
    store(job(1, job_host_summaries=[constructed]))
    assert values(connection, "SELECT external_id FROM clusters_host") == [5]


@pytest.mark.parametrize(
    ("launched_by", "stored"),
    [
        (
            {"id": 6, "name": "nightly Ü", "type": "schedule", "url": "/api/v2/schedules/6/"},
            (6, "nightly Ü", "schedule"),
        ),
        ({"id": 26, "name": "JT 12", "type": "job_template"}, (26, "JT 12", "job_template")),
        ({"id": None, "name": "Generated by AWX", "type": "Dependency"}, (None, "Generated by AWX", "Dependency")),
        ({"id": 3, "name": "jörg", "type": "user"}, (3, "jörg", "user")),
        ({"id": 4, "name": "x", "type": "something_new"}, (4, "x", "something_new")),
    ],
)
def test_launchers_of_every_type_are_stored_once(
    connection: Connection, store: Store, launched_by: dict[str, object], stored: tuple[object, ...]
) -> None:
    """Guards against launchers without an id that violate or evade uniqueness."""
    store(job(1, launched_by=launched_by))
    store(job(2, launched_by=launched_by))
    assert values(connection, "SELECT external_id, name, type FROM clusters_aapuser") == [stored]


def test_launchers_without_an_id_are_told_apart_by_their_type(connection: Connection, store: Store) -> None:
    """Guards against a dependency and a webhook of one name that become one launcher."""
    for number in (1, 2, 3):  # the third finds both there
        kind = "Dependency" if number % 2 else "Webhook"
        store(job(number, launched_by={"id": None, "name": "Generated by AWX", "type": kind}))
    assert values(
        connection,
        "SELECT u.type FROM clusters_job j JOIN clusters_aapuser u ON u.id = launched_by_id ORDER BY j.external_id",
    ) == ["Dependency", "Webhook", "Dependency"]


@pytest.mark.parametrize("launched_by", [{}, None, {"id": None, "name": None, "type": None}])
def test_a_job_without_a_launcher_has_none(connection: Connection, store: Store, launched_by: object) -> None:
    """Guards against a nameless launcher for callbacks and for launchers that are gone."""
    store(job(1, launched_by=launched_by))
    assert values(connection, "SELECT launched_by_id FROM clusters_job") == [None]
    assert values(connection, "SELECT count(*) FROM clusters_aapuser") == [0]


def test_a_job_read_again_follows_in_every_column(connection: Connection, store: Store) -> None:
    """Guards against a re-read that updates some columns, doubles host summaries or leaves labels that were removed;
    what the job refers to is another test's."""
    many = labels(*((n, f"label {n}") for n in range(1, 16)))
    store(job(1, summary_fields={"labels": many}, job_host_summaries=[summary(1, 1), summary(2, 1, 6, "web2")]),
          provisional=True)  # fmt: skip
    assert values(connection, "SELECT count(*) FROM clusters_joblabel") == [15]
    before = values(connection, "SELECT id FROM clusters_job")
    again = job(
        1, name="Renamed", description="d", status="failed", failed=True, started="2026-03-02T00:00:00Z",
        finished="2026-03-02T00:00:01Z", elapsed=1, created=None, modified=None, organization=9, job_template=99,
        project=98, inventory=97, execution_environment=4, instance_group=5, type="job",
        launched_by={"id": 3, "name": "n", "type": "schedule"}, job_type="check", launch_type="scheduled",
        summary_fields={"organization": None, "job_template": None, "project": None, "inventory": None,
                        "labels": labels((3, "label 3"), (77, "new"))},
        job_host_summaries=[summary(3, 1, 7, "web3", dark=2, ok=0, changed=0, failed=True)],
    )  # fmt: skip
    store(again)
    row = values(
        connection,
        "SELECT id, name, description, status, failed, elapsed::text, created, job_type, launch_type, provisional, "
        "num_hosts, dark_hosts_count, ok_hosts_count, failed_hosts_count "
        "FROM clusters_job",
    )
    assert row == [
        (before[0], "Renamed", "d", "failed", True, "1.000", None, "check", "scheduled", False, 1, 1, 0, 1)
    ]  # fmt: skip
    assert values(connection, "SELECT host_name FROM clusters_jobhostsummary") == ["web3"]
    joined = "SELECT l.external_id FROM clusters_joblabel j JOIN clusters_label l ON l.id = j.label_id ORDER BY 1"
    assert values(connection, joined) == [3, 77]


_REFERRED = """
    SELECT o.external_id, t.external_id, p.external_id, i.external_id, e.external_id, g.external_id, u.type, u.name
    FROM archive.all_jobs j
    LEFT JOIN clusters_organization o ON o.id = organization_id
    LEFT JOIN clusters_jobtemplate t ON t.id = job_template_id LEFT JOIN clusters_project p ON p.id = project_id
    LEFT JOIN clusters_inventory i ON i.id = inventory_id
    LEFT JOIN clusters_executionenvironment e ON e.id = execution_environment_id
    LEFT JOIN clusters_instancegroup g ON g.id = instance_group_id LEFT JOIN clusters_aapuser u ON u.id = launched_by_id
    WHERE j.external_id = 1
"""
_ABSENT = object()
_WITHOUT: dict[str, Any] = {
    "organization": None, "job_template": None, "project": None, "inventory": None, "launched_by": _ABSENT,
    "summary_fields": {"organization": None, "job_template": None, "project": None, "inventory": None},
}  # fmt: skip


def _job_1(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in job(1, **changes).items() if value is not _ABSENT}


_BY_NIGHT = {"id": 6, "name": "nightly", "type": "schedule"}
_REFERS: dict[str, Any] = {"execution_environment": 4, "instance_group": 5, "launched_by": _BY_NIGHT}
_BY_EVE: dict[str, Any] = {"created_by": {"id": 9, "username": "eve"}}


@pytest.mark.parametrize("launched_by", [_ABSENT, None, {}, {"id": None, "name": None}])
@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize("batches", [1, 2])
def test_a_job_keeps_what_it_referred_to_when_that_is_gone_at_the_controller(
    connection: Connection, store: Store, launched_by: Any, archived: bool, batches: int
) -> None:
    """Guards against a history that loses launchers, templates or organizations, which the controller has deleted."""
    gone = _job_1(
        **{**_WITHOUT, "launched_by": launched_by, "summary_fields": {**_WITHOUT["summary_fields"], **_BY_EVE}}
    )
    known = (1, 11, 8, 2, 4, 5, "schedule", "nightly")
    if batches == 1:
        store(_job_1(**_REFERS), gone)
    else:
        store(_job_1(**_REFERS))
        if archived:
            connection.execute("INSERT INTO archive.clusters_job SELECT * FROM clusters_job")
            connection.execute("DELETE FROM clusters_job")
            connection.commit()
        store(gone)
    assert values(connection, _REFERRED) == [known]
    store(_job_1(launched_by={"id": 7, "name": "mallory", "type": "user"}, organization=3, summary_fields={}))
    assert values(connection, _REFERRED) == [(3, 11, 8, 2, 4, 5, "user", "mallory")]


def test_what_a_job_keeps_has_its_newest_name(connection: Connection, store: Store) -> None:
    """Guards against a name taken from the document before the last, though another job's has a newer one."""
    renamed = {
        "launched_by": {**_BY_NIGHT, "name": "by night"},
        "summary_fields": {"project": {"id": 8, "name": "new"}},
    }
    store(_job_1(**_REFERS), job(2, **renamed), _job_1(**_WITHOUT))
    assert values(connection, _REFERRED)[0][-1] == "by night"
    assert values(connection, "SELECT name FROM clusters_project") == ["new"]


def test_a_job_first_seen_without_its_launcher_has_who_created_it_until_one_is_named(
    connection: Connection, store: Store
) -> None:
    """Guards against a guess that counts for more than what the controller says."""
    store(_job_1(launched_by=_ABSENT, summary_fields=_BY_EVE))
    assert values(connection, _REFERRED)[0][-2:] == ("user", "eve")
    store(_job_1(launched_by=_BY_NIGHT, summary_fields=_BY_EVE))
    assert values(connection, _REFERRED)[0][-2:] == ("schedule", "nightly")


def test_of_several_raw_rows_of_a_job_the_newest_wins(connection: Connection, store: Store) -> None:
    """Guards against an older answer that overwrites a newer one of the same batch."""
    result = store(job(1, name="first"), job(2), job(1, name="second"))
    assert values(connection, "SELECT name FROM clusters_job WHERE external_id = 1") == ["second"]
    assert result.jobs == 2


def test_the_same_ids_at_two_controllers_are_different_things(
    connection: Connection, database_url: str, cluster: int
) -> None:
    """Guards against identity without the cluster."""
    other = add_cluster(connection, "other.example.com")
    for each in (cluster, other):
        add_raw(connection, each, [job(1)])
        parse(database_url, each)
    for table in ("job", "organization", "jobtemplate", "project", "inventory", "aapuser", "host"):
        assert values(connection, f"SELECT count(DISTINCT cluster_id) FROM clusters_{table}") == [2], table


def test_names_longer_than_the_column_are_cut_and_kept_whole(connection: Connection, store: Store) -> None:
    """Guards against a controller's 512 characters that fail in VARCHAR(255)."""
    long = "é" * 512
    store(job(1, name=long, summary_fields={"job_template": {"id": 11, "name": long}}))
    for table in ("job", "jobtemplate"):
        assert values(connection, f"SELECT name, full_name FROM clusters_{table}") == [(long[:255], long)], table
