"""Raw rows leave with the parse that stored them; archive, rebuild, clean-up, quarantine and its replay."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from aap_pipeline.core import rejected
from aap_pipeline.core.checks import nothing_unparsed
from aap_pipeline.core.parse import parse, rebuild
from aap_pipeline.database.connection import Connection
from aap_pipeline.errors import PipelineError
from aap_pipeline.upkeep.clean_up import clean_up
from aap_pipeline_tests.core.conftest import Store
from aap_pipeline_tests.core.helpers import add_raw, job, labels, summary, template, values
from aap_pipeline_tests.core.tables import assert_same, tables_of
from aap_pipeline_tests.recorded import job_documents, organization_documents, template_documents

_CORE = ("job", "jobhostsummary", "joblabel", "jobtemplate", "organization", "project", "inventory",
         "executionenvironment", "instancegroup", "aapuser", "host", "label")  # fmt: skip


def _keep_raw(connection: Connection, days: int) -> None:
    connection.execute(
        "INSERT INTO common_settings (type, value) VALUES ('raw_retention_days', %s) "
        "ON CONFLICT (type) DO UPDATE SET value = EXCLUDED.value",
        [str(days)],
    )
    connection.commit()


def _rows(connection: Connection) -> dict[str, list[Any]]:
    """Every core table, ids included, without our own clock."""
    query = "SELECT to_jsonb(t) - 'internal_created' - 'internal_modified' FROM clusters_{} t ORDER BY t.id"
    return {table: values(connection, query.format(table)) for table in _CORE}


def test_nothing_is_archived_by_default(connection: Connection, store: Store) -> None:
    """Guards against a database that doubles in size unasked."""
    store(job(1))
    assert values(connection, "SELECT count(*) FROM pipeline.raw_archive") == [0]
    assert values(connection, "SELECT count(*) FROM clusters_clustersyncdata") == [0]


def _store_history(connection: Connection, store: Store) -> None:
    store(*organization_documents("awx"), kind="organization")
    store(*template_documents("awx"), template(77, "Gone"), kind="job_template")
    store(*job_documents("awx"), job(70_000, finished=None))
    store({"ids": [77]}, kind="job_template_gone")
    store(job(70_001, job_host_summaries=[]), provisional=True)
    store(job(70_001, summary_fields={"labels": labels((1, "new name"))}))
    connection.execute("UPDATE clusters_jobtemplate SET time_taken_manually_execute_minutes = 5 WHERE external_id = 77")
    connection.commit()


def test_a_rebuild_over_intact_tables_changes_no_row(
    connection: Connection, store: Store, database_url: str, cluster: int
) -> None:
    """Guards against a rebuild that renumbers, revives removed templates or loses minutes."""
    _keep_raw(connection, 30)
    _store_history(connection, store)
    before = {table: rows for table, rows in _rows(connection).items() if table != "jobhostsummary"}
    result = rebuild(database_url, cluster)
    assert result.rejected == 0
    assert {table: rows for table, rows in _rows(connection).items() if table != "jobhostsummary"} == before
    assert values(connection, "SELECT count(*) FROM pipeline.rejected_record") == [1]


def test_a_rebuild_of_emptied_tables_gives_the_same_rows(
    connection: Connection, store: Store, database_url: str, cluster: int
) -> None:
    """Guards against an archive that does not hold all that core is made of."""
    _keep_raw(connection, 30)
    _store_history(connection, store)
    before = tables_of(connection, cluster)
    removed = values(connection, "SELECT external_id, removed_at, fingerprint FROM clusters_jobtemplate ORDER BY 1")
    connection.execute("DELETE FROM clusters_job")
    connection.execute("DELETE FROM clusters_jobtemplate")
    for table in _CORE[4:]:
        connection.execute(f"DELETE FROM clusters_{table}".encode())
    connection.commit()
    rebuild(database_url, cluster)
    before.templates[77]["time_taken_manually_execute_minutes"] = 60  # the user's 5 went with the row
    assert_same(tables_of(connection, cluster), before)
    now = values(connection, "SELECT external_id, removed_at, fingerprint FROM clusters_jobtemplate ORDER BY 1")
    assert now == removed


def test_a_rebuild_repairs_damaged_rows(connection: Connection, store: Store, database_url: str, cluster: int) -> None:
    """Guards against a rebuild that skips jobs which exist."""
    _keep_raw(connection, 30)
    store(job(1))
    connection.execute("UPDATE clusters_job SET name = 'damaged', num_hosts = 99")
    connection.execute("DELETE FROM clusters_jobhostsummary")
    connection.commit()
    rebuild(database_url, cluster)
    assert values(connection, "SELECT name, num_hosts FROM clusters_job") == [("Patch", 1)]
    assert values(connection, "SELECT count(*) FROM clusters_jobhostsummary") == [1]


def test_a_rebuild_without_an_archive_says_what_to_do(database_url: str, cluster: int) -> None:
    """Guards against a rebuild that does nothing and says nothing."""
    with pytest.raises(PipelineError, match="raw_retention_days"):
        rebuild(database_url, cluster)


def test_an_archive_with_a_gap_is_dropped(connection: Connection, store: Store) -> None:
    """Guards against a rebuild that brings back values older than what core has."""
    _keep_raw(connection, 30)
    store(job(1, name="old"))
    _keep_raw(connection, 0)
    store(job(1, name="new"))
    assert values(connection, "SELECT count(*) FROM pipeline.raw_archive") == [0]


def test_the_clean_up_deletes_what_is_past_its_time(connection: Connection, store: Store, cluster: int) -> None:
    """Guards against an archive that grows for ever."""
    _keep_raw(connection, 30)
    store(job(1), job(2))
    connection.execute("UPDATE pipeline.raw_archive SET parsed_at = now() - interval '31 days' WHERE external_id = 1")
    assert clean_up(connection)["archived_documents"] == 1
    assert values(connection, "SELECT external_id FROM pipeline.raw_archive") == [2]


def test_the_clean_up_leaves_unparsed_rows_however_old(connection: Connection, store: Store, cluster: int) -> None:
    """Guards against the specification's own clean-up, which loses rows after a day; the check names them."""
    store(job(1, status="exploded"))
    quarantined = values(connection, "SELECT raw_id FROM pipeline.rejected_record")[0]
    add_raw(connection, cluster, [job(2)])
    connection.execute(
        "INSERT INTO clusters_clustersyncdata (id, cluster_id, data) VALUES (%s, %s, '{}')", [quarantined, cluster]
    )
    connection.execute("UPDATE clusters_clustersyncdata SET internal_created = now() - interval '30 hours'")
    assert nothing_unparsed(connection, cluster).figures == {"rows": 2}
    assert clean_up(connection)["raw_rows"] == 1
    assert values(connection, "SELECT external_id FROM clusters_clustersyncdata") == [2]


@pytest.mark.parametrize(
    ("received_hours", "refused_hours", "deleted"), [(23, 1, 0), (30, 40, 0), (30, 30, 1), (25, 1, 1)]
)
def test_the_clean_up_waits_a_day_and_takes_only_what_came_before_its_refusal(
    connection: Connection, store: Store, cluster: int, received_hours: int, refused_hours: int, deleted: int
) -> None:
    """Guards against a row that goes while somebody looks at it, and against one that has a refused row's number."""
    store(job(1, status="exploded"))
    ago = "date_trunc('hour', now()) - %s * interval '1 hour'"
    connection.execute(
        f"INSERT INTO clusters_clustersyncdata (id, cluster_id, data, internal_created) "
        f"SELECT raw_id, cluster_id, '{{}}', {ago} FROM pipeline.rejected_record".encode(),
        [received_hours],
    )
    connection.execute(f"UPDATE pipeline.rejected_record SET last_rejected = {ago}".encode(), [refused_hours])
    assert clean_up(connection)["raw_rows"] == deleted


def test_a_replay_stores_what_an_upgrade_understands(connection: Connection, store: Store, database_url: str) -> None:
    """Guards against quarantine as a one-way street."""
    store(job(1, status="exploded"), job(2, status="exploded"))
    assert rejected.replay(database_url).rejected == 2
    assert {record["attempts"] for record in rejected.list_rejected(connection)} == {2}
    connection.execute("UPDATE pipeline.rejected_record SET document = replace(document, 'exploded', 'failed')")
    connection.commit()
    first = min(record["id"] for record in rejected.list_rejected(connection))
    assert rejected.replay(database_url, [first]).jobs == 1
    assert values(connection, "SELECT external_id, status FROM clusters_job") == [(1, "failed")]
    assert rejected.replay(database_url).jobs == 1
    assert rejected.list_rejected(connection) == []


def test_a_replay_brings_no_old_names_back(connection: Connection, store: Store, database_url: str) -> None:
    """Guards against a document from last month that renames today's template."""
    kept = {"organization": 1, "job_template": 11, "inventory": 2, "execution_environment": 3, "instance_group": 4}
    old = {kind: {"id": identity, "name": "Old name"} for kind, identity in kept.items()}
    new = {kind: {"id": identity, "name": "New name"} for kind, identity in kept.items()}
    store(
        job(
            1,
            status="exploded",
            project=9,
            summary_fields={**old, "project": {"id": 9, "name": "only there"}, "labels": labels((1, "Old name"))},
            launched_by={"id": 1, "name": "Old name", "type": "user"},
            job_host_summaries=[summary(1, 1, name="Old name")],
        )
    )
    store(
        job(
            2,
            summary_fields={**new, "labels": labels((1, "New name"))},
            launched_by={"id": 1, "name": "New name", "type": "user"},
            job_host_summaries=[summary(2, 2, name="New name")],
        )
    )
    connection.execute("UPDATE pipeline.rejected_record SET document = replace(document, 'exploded', 'failed')")
    connection.commit()
    rejected.replay(database_url)
    for table in (
        *("organization", "jobtemplate", "inventory", "executionenvironment", "instancegroup", "aapuser", "host"),
        "label",
    ):
        assert values(connection, f"SELECT name FROM clusters_{table}") == ["New name"], table
    assert values(connection, "SELECT name FROM clusters_project ORDER BY 1") == ["only there", "playbooks"]


def test_a_newer_document_takes_the_place_of_a_refused_one(connection: Connection, store: Store) -> None:
    """Guards against a replay that overwrites a job with an older answer."""
    store(job(1, status="exploded"))
    store(job(1, status="imploded"))
    [record] = rejected.list_rejected(connection)
    assert record["attempts"] == 2
    assert "imploded" in rejected.show(connection, record["id"])["document"]
    store(job(1))
    assert rejected.list_rejected(connection) == []


def test_a_record_that_is_not_there_is_named(connection: Connection, database_url: str) -> None:
    """Guards against a replay of a mistyped id that seems to have worked."""
    with pytest.raises(PipelineError, match="id 77"):
        rejected.replay(database_url, [77])
    with pytest.raises(PipelineError, match="id 77"):
        rejected.show(connection, 77)


def test_changed_days_are_the_old_and_the_new_one_in_the_reports_time_zone(
    connection: Connection, store: Store
) -> None:
    """Guards against a day of the marts that keeps a run which moved to another."""
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('reporting_timezone', '\"Asia/Tokyo\"')")
    connection.execute("DELETE FROM pipeline.changed_day")  # the change of the setting notes all days
    connection.commit()
    store(job(1, started="2026-03-01T10:00:00Z", finished="2026-03-01T16:00:00Z"))
    assert values(connection, "SELECT day FROM pipeline.changed_day") == [date(2026, 3, 2)]
    result = store(job(1, started="2026-03-01T10:00:00Z", finished="2026-03-05T01:00:00Z"))
    assert result.changed_days == {date(2026, 3, 2), date(2026, 3, 5)}
    assert len(values(connection, "SELECT day FROM pipeline.changed_day")) == 3


def test_a_provisional_job_becomes_final_with_its_host_summaries(connection: Connection, store: Store) -> None:
    """Guards against a run that stays provisional after its summaries came."""
    store(job(1, job_host_summaries=[]), provisional=True)
    assert values(connection, "SELECT provisional, num_hosts FROM clusters_job") == [(True, 0)]
    store(job(1, job_host_summaries=[summary(1, 1), summary(2, 1, 6, "web2"), summary(2, 1, 6, "web2")]))
    assert values(connection, "SELECT provisional, num_hosts FROM clusters_job") == [(False, 2)]


def test_fingerprints_reach_the_tables(connection: Connection, store: Store) -> None:
    """Guards against every known job that looks changed to stage raw."""
    store(job(1))
    store(template(11, "Patch"), kind="job_template")
    store({"id": 1, "name": "Default"}, kind="organization")
    for table in ("job", "jobtemplate", "organization"):
        assert values(connection, f"SELECT length(fingerprint) FROM clusters_{table}") == [16], table


def test_an_empty_raw_table_is_no_work(database_url: str, cluster: int) -> None:
    """Guards against an idle parse that writes."""
    assert parse(database_url, cluster).batches == 0


def test_a_job_deleted_while_its_host_summaries_were_awaited_becomes_final(
    connection: Connection, store: Store
) -> None:
    """Guards against runs that stay provisional for ever because the controller has no answer about them any more."""
    store(job(1), job(2), provisional=True)
    connection.execute("DELETE FROM pipeline.changed_day")
    connection.commit()
    result = store({"ids": [1, 999]}, kind="job_settled")
    assert result.rejected == 0
    assert values(connection, "SELECT provisional FROM clusters_job ORDER BY external_id") == [False, True]
    assert len(values(connection, "SELECT day FROM pipeline.changed_day")) == 1
