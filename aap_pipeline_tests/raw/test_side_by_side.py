"""Several syncs at once: of one cluster, and of clusters of which one is dead."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from threading import Event

import pytest

from aap_pipeline.controller.errors import ControllerError
from aap_pipeline_tests.raw.rig import Rig, assert_raw_is_truth, filled_world, patient
from aap_simulator.server import SimulatorServer


def test_two_syncs_of_one_cluster_take_turns(rig: Rig, server: SimulatorServer) -> None:
    """Guards against two writers of one watermark, and against jobs that are stored twice."""
    server.use(filled_world(jobs=100))
    begun, waits = Event(), Event()

    def first_holds(_: object) -> None:
        begun.set()
        waits.wait(20)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(rig.sync, progress=first_holds)
        assert begun.wait(20)
        second = pool.submit(rig.sync, notify=lambda _: waits.set())
        reports = [first.result(60), second.result(60)]
    assert_raw_is_truth(rig)
    total = len(server.world.truth().jobs)
    assert sorted(report.jobs_stored for report in reports) == [0, total]
    assert rig.value("SELECT count(*) FROM clusters_clustersyncdata WHERE kind = 'job'") == total


@contextmanager
def dead_address() -> Iterator[int]:
    """A port on which nobody ever answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        yield int(listener.getsockname()[1])


def test_a_dead_cluster_does_not_hold_up_nine_healthy_ones(database_url: str) -> None:
    """Guards against one lock, one pool or one queue for all clusters."""
    with ExitStack() as stack:
        rigs = []
        for number in range(9):
            server = stack.enter_context(SimulatorServer(filled_world(jobs=40, seed=number + 1)))
            rigs.append(stack.enter_context(closing(Rig(database_url, server, name=f"healthy{number}"))))
        dead = stack.enter_context(
            closing(Rig(database_url, SimulatorServer(filled_world(jobs=5), port=9), name="nobody"))
        )
        port = stack.enter_context(dead_address())
        dead.execute("UPDATE clusters_cluster SET port = %s WHERE name = 'nobody'", port)
        released = Event()

        def patience(_: float) -> None:
            released.wait(30)  # the dead one's retries wait until the others are done

        for rig in rigs[1:]:
            rig.cipher = rigs[0].cipher
            rig.register()
        with ThreadPoolExecutor(10) as pool:
            dead.settings = patient(read_timeout=0.3, connect_timeout=0.3, sleep=patience)
            failing = pool.submit(dead.sync)
            healthy = [pool.submit(rig.sync) for rig in rigs]
            stored = [future.result(60).jobs_stored for future in healthy]
            assert not failing.done()
            released.set()
            with pytest.raises(ControllerError, match=str(port)):
                failing.result(60)
        assert stored == [len(rig.world.truth().jobs) for rig in rigs]
