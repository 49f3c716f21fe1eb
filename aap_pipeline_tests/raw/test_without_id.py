"""Rows of a controller's lists that have no valid id: quarantined whole, counted, and no hindrance to any other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from aap_pipeline.raw.store import RawStore
from aap_pipeline.raw.window import Window
from aap_pipeline_tests.raw.rig import NOW, Rig, empty_world
from aap_pipeline_tests.raw.test_reconcile import reconciled
from aap_simulator.server import SimulatorServer
from aap_simulator.world import World

MINUTE = timedelta(minutes=1)
ABSENT = object()
ODD: list[Any] = [ABSENT, None, "17", 17.5, -17, 0, True, 2**40, 10**30, {"id": 17}, [17], "\0"]


def with_id(row: bytes, odd: object) -> bytes:
    """A row with another id, and with secrets."""
    document = {**orjson.loads(row), "artifacts": {"password": "planted"}, "extra_vars": "planted"}
    del document["id"]
    if odd is ABSENT:
        return orjson.dumps(document)
    text = orjson.dumps(document)
    return b'{"id":%b,' % (b"%d" % odd if type(odd) is int else orjson.dumps(odd)) + text[1:]


def show(world: World, kind: str, number: int, odd: object) -> None:
    """Have lists of `kind` show one row with another id; its place among the others stays."""
    table: Any = world.jobs if kind == "jobs" else world.objects[kind]
    table.rows[number].json = with_id(table.rows[number].json, odd)


def quarantined(rig: Rig, kind: str = "job") -> list[str]:
    """Documents of a kind in quarantine."""
    query = "SELECT document FROM pipeline.rejected_record WHERE kind = %s AND external_id IS NULL ORDER BY id"
    return [row[0] for row in rig.query(query, kind)]


@pytest.mark.parametrize("batch", [slice(None), *(slice(n, n + 1) for n in range(len(ODD)))])
def test_jobs_without_a_valid_id_are_quarantined_once_and_their_neighbours_go_through(
    batch: slice, rig: Rig, server: SimulatorServer
) -> None:
    """Guards against one listed job without an id that stops its cluster for good, at every sync."""
    world = empty_world()
    server.use(world)
    numbers = [world.add_job(finished=NOW - (500 - n) * MINUTE, hosts=1) for n in range(430)]
    # on both sides of the ends of pages of 200, at both ends of the list, and several side by side
    places = [0, 198, 199, 200, 201, 399, 400, 428, 429, 210, 211, 212][: len(ODD[batch])]
    if len(places) == 1:
        places = [199, 429]
    for place, odd in zip(places, ODD[batch] * 2, strict=False):
        show(world, "jobs", numbers[place], odd)
    lost = {numbers[place] for place in places}
    report = rig.sync()
    assert (report.jobs_counted, report.jobs_seen, report.jobs_stored) == (430, 430, 430)
    rig.parse()
    assert rig.watermark == world.newest_finished()
    assert {row[0] for row in rig.query("SELECT external_id FROM clusters_job")} == set(numbers) - lost
    documents = quarantined(rig)
    assert len(documents) == len(places)
    assert not [text for text in documents if "planted" in text or "extra_vars" in text or "artifacts" in text]
    again = rig.sync()
    rig.parse()
    assert again.jobs_stored == 0
    assert quarantined(rig) == documents
    window = Window(NOW - timedelta(days=1), NOW)
    assert sum(RawStore(rig.connection, rig.cluster.id).stored_by_day(window).values()) == 430
    assert reconciled(rig).differing == ()
    new = world.add_job(finished=NOW - MINUTE, hosts=1)
    rig.sync()
    rig.parse()
    assert rig.value("SELECT num_hosts FROM clusters_job WHERE external_id = %s", new) == 1


def test_whole_pages_of_jobs_without_a_valid_id_stop_no_other(rig: Rig, server: SimulatorServer) -> None:
    """Guards against a list in which paging by id cannot go on, which failed the slice at every sync."""
    world = empty_world()
    server.use(world)
    numbers = [world.add_job(finished=NOW - (900 - n) * MINUTE) for n in range(850)]
    odd = {*numbers[:230], *numbers[300:720]}
    for number in odd:
        show(world, "jobs", number, None)
    report = rig.sync()
    assert (report.jobs_seen, report.jobs_stored) == (850, 850)
    rig.parse()
    assert rig.watermark == world.newest_finished()
    assert {row[0] for row in rig.query("SELECT external_id FROM clusters_job")} == set(numbers) - odd
    assert len(quarantined(rig)) == len(odd)
    assert rig.sync().jobs_stored == 0


@pytest.mark.parametrize("odd", ODD)
def test_organizations_and_templates_without_a_valid_id_are_quarantined_once(
    odd: object, rig: Rig, server: SimulatorServer
) -> None:
    """Guards against an odd template that ends each sync, is copied by each, or makes the real one look deleted."""
    rig.list_each_time()
    world = empty_world(templates=4)
    server.use(world)
    world.add_job(finished=NOW)
    rig.sync()
    rig.parse()
    templates = rig.query("SELECT external_id, removed_at FROM clusters_jobtemplate ORDER BY 1")
    for kind in ("organizations", "job_templates"):
        show(world, kind, world.objects[kind].ids[0], odd)
    for _ in range(2):
        rig.sync()
        rig.parse()
        assert len(quarantined(rig, "organization")) == len(quarantined(rig, "job_template")) == 1
    assert rig.query("SELECT external_id, removed_at FROM clusters_jobtemplate ORDER BY 1") == templates


@pytest.mark.parametrize("odd", ODD)
def test_a_job_with_an_odd_host_summary_or_label_is_quarantined_whole(
    odd: object, rig: Rig, server: SimulatorServer
) -> None:
    """Guards against a job stored with fewer hosts or labels than it has, and against one that holds up the others."""
    world = empty_world()
    server.use(world)
    first, second, third = (world.add_job(finished=NOW - n * MINUTE, hosts=3) for n in (3, 2, 1))
    number, row = world.jobs.rows[first].arrived[2]
    world.jobs.rows[first].arrived[2] = (number, with_id(row, odd))
    labels = world.objects["labels"].ids[:12]
    world.set_labels(second, labels)
    show(world, "labels", labels[11], odd)
    for _ in range(2):
        rig.sync()
        rig.parse()
        assert {row[0] for row in rig.query("SELECT external_id FROM clusters_job")} == {third}
        records = rig.query("SELECT external_id, document FROM pipeline.rejected_record ORDER BY 1")
        assert [number for number, _ in records] == [first, second]
        assert "planted" not in records[0][1]
    assert rig.watermark == world.newest_finished()


@pytest.mark.parametrize(
    "finished", [None, 5, "yesterday", "2026-02-31T10:00:00Z", "9999-99-99T99:99:99Z", "2026-02-28"]
)
@pytest.mark.parametrize("parsed", [False, True])
def test_a_finish_that_cannot_be_read_is_counted_and_stops_no_count(
    finished: object, parsed: bool, rig: Rig, server: SimulatorServer
) -> None:
    """Guards against one odd date for which every count of the cluster fails, or which looks like a missing job. One
    that reads as a date counts for that day, though the calendar has none such."""
    world = empty_world()
    server.use(world)
    number, _ = (world.add_job(finished=NOW - n * MINUTE) for n in (30, 20))
    row = world.jobs.rows[number]
    row.json = orjson.dumps({**orjson.loads(row.json), "finished": finished})
    rig.sync()
    if parsed:
        rig.parse()
    rig.execute("UPDATE clusters_clustersyncdata SET internal_created = %s", NOW - 15 * MINUTE)
    rig.execute("UPDATE pipeline.rejected_record SET first_rejected = %s", NOW - 15 * MINUTE)
    window = Window(NOW - timedelta(hours=1), NOW)
    stored = RawStore(rig.connection, rig.cluster.id).stored_by_day(window)
    assert sum(stored.values()) == (1 if str(finished)[:10] in ("9999-99-99", "2026-02-31") else 2)
