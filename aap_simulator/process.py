"""A simulator as a child process that dies with its parent: for benchmarks, which must not share an interpreter with
what they measure.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aap_pipeline.errors import PipelineError


@dataclass(frozen=True)
class Address:
    """Where a child simulator listens and what opens it."""

    product: str
    url: str
    jobs: int
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)


class SimulatorProcess:
    """`python -m aap_simulator ARGUMENTS` as a context manager; `addresses` has one entry per server.

    The child ends when its standard input is closed, which the kernel does if this process is killed.
    """

    def __init__(self, *arguments: str, servers: int = 1) -> None:
        self._command = [sys.executable, "-m", "aap_simulator", "--json", "--until-stdin-closes", *arguments]
        self._servers = servers
        self._child: subprocess.Popen[str] | None = None
        self.addresses: list[Address] = []

    @property
    def pid(self) -> int:
        """The child's process id."""
        if self._child is None:
            raise PipelineError("The simulator process is not running; enter it as a context manager first.")
        return self._child.pid

    def __enter__(self) -> Self:
        self._child = subprocess.Popen(  # noqa: S603 - our own command
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._child.stdout is not None  # noqa: S101 - a pipe was asked for
        for _ in range(self._servers):
            line = self._child.stdout.readline()
            if not line:
                self.__exit__(None, None, None)
                raise PipelineError("The simulator process exited before it listened. See its message above.")
            self.addresses.append(Address(**json.loads(line)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with child:
            if child.stdin:
                child.stdin.close()
            child.wait()
