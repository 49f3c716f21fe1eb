"""The demo's controllers: three that replay recordings of real ones, and a synthetic one with a year of history."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from aap_pipeline.errors import PipelineError
from aap_simulator import DEMO_CLUSTERS
from aap_simulator.server import SimulatorServer, replay
from aap_simulator.synthetic import SyntheticWorld, synthetic

RECORDED_SINCE = datetime(2025, 8, 1, tzinfo=UTC)
"""A time before the first recorded job, from which Red Hat's own recording begins."""

*_REPLAYING, _SYNTHETIC = DEMO_CLUSTERS
_RECORDED = dict(zip(_REPLAYING, ("aap24", "aap25", "awx"), strict=True))
_NEW_JOBS_PER_MINUTE = 0.2


@dataclass(frozen=True)
class DemoController:
    """A running controller of the demo and the name of its cluster."""

    name: str
    server: SimulatorServer
    recorded: bool


@contextmanager
def demo_controllers(state_file: Path, ports: Mapping[str, int]) -> Iterator[list[DemoController]]:
    """Run all controllers of the demo for the block, each on its port in `ports` if that is still free.

    `state_file` stores where the synthetic history ends: later runs have the same history, and the jobs since.
    """
    world = _synthetic_world(state_file)
    starters: dict[str, Callable[..., SimulatorServer]] = {
        name: partial(replay, product) for name, product in _RECORDED.items()
    }
    starters[_SYNTHETIC] = partial(SimulatorServer, world)
    with ExitStack() as stack:
        yield [
            DemoController(name, _start(stack, starter, ports.get(name, 0)), recorded=name in _RECORDED)
            for name, starter in starters.items()
        ]


def _start(stack: ExitStack, starter: Callable[..., SimulatorServer], port: int) -> SimulatorServer:
    try:
        return stack.enter_context(starter(port=port))
    except PipelineError:
        if not port:
            raise
        return stack.enter_context(starter(port=0))  # another program uses the last port


def _synthetic_world(state_file: Path) -> SyntheticWorld:
    end = _history_end(state_file)
    # The odd cases in proportion to six jobs a day: a gap of weeks and a job of 1,000 hosts would dominate every chart.
    world = synthetic("awx", until=end, equal_finished=8, big_job_hosts=40)
    # The jobs after the history follow from its seed too, so a later run finds those of an earlier one, and more.
    world.live(_NEW_JOBS_PER_MINUTE, since=end)
    return world


def _history_end(state_file: Path) -> datetime:
    try:
        return datetime.fromisoformat(json.loads(state_file.read_text(encoding="utf-8"))["history_end"])
    except (FileNotFoundError, ValueError, KeyError):
        end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        state_file.parent.mkdir(parents=True, exist_ok=True)
        state_file.write_text(json.dumps({"history_end": end.isoformat()}), encoding="utf-8")
        return end
