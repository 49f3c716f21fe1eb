"""The one process that serves this code location to Dagster's web server and daemon: see ADR 16.

Left to themselves each would start its own, and the daemon would replace its one every minute.
"""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.jobs import LOCATION

_LONGEST_SOCKET_PATH = 107 if sys.platform.startswith("linux") else 103


class SocketPathTooLong(PipelineError):
    """The kernel cannot name the code server's socket."""


@dataclass(frozen=True)
class CodeServer:
    """Dagster's gRPC server over a Unix socket in `folder`, which must be its user's alone.

    Whoever reaches it may have it run code, and it asks for no password: a port on loopback would let everyone in who
    has an account on this machine. Raises SocketPathTooLong.
    """

    folder: Path

    def __post_init__(self) -> None:
        if (length := len(os.fsencode(self.socket))) > _LONGEST_SOCKET_PATH:
            raise SocketPathTooLong(
                f"{self.socket} is too long for a socket ({length} bytes of at most {_LONGEST_SOCKET_PATH}): set "
                "AAP_PIPELINE_HOME to a shorter path."
            )

    @property
    def socket(self) -> Path:
        """The same at each start, since Dagster's storage keeps where it found a code location."""
        return self.folder.absolute() / "code-server.socket"

    @property
    def command(self) -> list[str]:
        """What runs it. It listens once it has imported everything, and ends with an error where it cannot."""
        code = ["--module-name", "aap_pipeline.definitions", "--location-name", LOCATION]
        python = ["--empty-working-directory", "--use-python-environment-entry-point"]  # as Dagster starts its own
        options = ["--socket", str(self.socket), "--log-level", "warning"]
        return [sys.executable, "-m", "dagster", "api", "grpc", *options, *code, *python]

    def write_workspace(self) -> Path:
        """Write the workspace.yaml that leads Dagster's other processes to it; where that is."""
        entry = {"grpc_server": {"socket": str(self.socket), "location_name": LOCATION}}
        file = self.folder / "workspace.yaml"
        file.write_text(yaml.safe_dump({"load_from": [entry]}), encoding="utf-8")
        return file

    def listens(self) -> bool:
        """Whether it takes connections."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0
