"""The process that serves this code location to Dagster's web server and daemon (ADR 16).

By default the web server and the daemon each start a code server, and the daemon restarts its own every minute.
"""

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.jobs import LOCATION

_LONGEST_SOCKET_PATH = 107 if sys.platform.startswith("linux") else 103


@dataclass(frozen=True)
class CodeServer:
    """Dagster's gRPC server on a Unix socket in `folder`, which the caller creates with mode 0700.

    The server runs code for any client without a login, so a port on loopback would admit every local account. Raises
    PipelineError.
    """

    folder: Path

    def __post_init__(self) -> None:
        if (length := len(os.fsencode(self.socket))) > _LONGEST_SOCKET_PATH:
            raise PipelineError(
                f"{self.socket} is too long for a socket ({length} bytes of at most {_LONGEST_SOCKET_PATH}). Set "
                "AAP_PIPELINE_HOME to a shorter path."
            )

    @property
    def socket(self) -> Path:
        """The path of the socket, the same at each start, because Dagster's storage keeps it."""
        return self.folder.absolute() / "code-server.socket"

    @property
    def command(self) -> list[str]:
        """The command of the server, which listens once it has imported everything, or exits with an error."""
        code = ["--module-name", "aap_pipeline.definitions", "--location-name", LOCATION]
        python = ["--empty-working-directory", "--use-python-environment-entry-point"]  # as Dagster starts its own
        options = ["--socket", str(self.socket), "--log-level", "warning"]
        return [sys.executable, "-m", "dagster", "api", "grpc", *options, *code, *python]

    def write_workspace(self) -> Path:
        """Write the workspace.yaml for Dagster's other processes, and return its path."""
        entry = {"grpc_server": {"socket": str(self.socket), "location_name": LOCATION}}
        file = self.folder / "workspace.yaml"
        file.write_text(yaml.safe_dump({"load_from": [entry]}), encoding="utf-8")
        return file

    def listens(self) -> bool:
        """Return whether it accepts connections."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0
