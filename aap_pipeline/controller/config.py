"""Where a controller is, and how patiently to talk to it."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aap_pipeline import __version__
from aap_pipeline.controller.errors import BadEndpoint

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?:[A-Za-z0-9]([A-Za-z0-9_.\-]*[A-Za-z0-9])?\.?|\[?[0-9A-Fa-f:.]+\]?)")


@dataclass(frozen=True)
class Endpoint:
    """A controller's address. `ca_bundle` is a PEM file or a folder of CAs; `api_prefix` None means: find out.

    Whether it can be used, `check` says, when somebody enters it and before each use: not when a stored one is read,
    or a CA bundle that is gone would keep all clusters from being read.
    """

    protocol: str
    address: str
    port: int
    verify_ssl: bool = True
    ca_bundle: str | None = None
    api_prefix: str | None = None

    def check(self) -> None:
        """Raise BadEndpoint, which says what to correct."""
        if self.protocol not in _DEFAULT_PORTS:
            raise BadEndpoint(f"Protocol {self.protocol!r} of {self.address}: use http or https.")
        if not _HOST.fullmatch(self.address):
            raise BadEndpoint(
                f"Address {self.address!r} is no host name or IP address: give it without protocol, port, path and "
                "user."
            )
        if not 1 <= self.port <= 65535:
            raise BadEndpoint(f"Port {self.port} of {self.address}: use 1 to 65535.")
        if self.verify_ssl and self.ca_bundle and not Path(self.ca_bundle).exists():
            raise BadEndpoint(
                f"CA bundle {self.ca_bundle} of {self.address} does not exist: correct ca_bundle, or leave it out "
                "to trust the usual CAs."
            )

    @property
    def base_url(self) -> str:
        """`https://host[:port]`, without a slash at the end; the protocol's own port is left out."""
        host = f"[{self.address.strip('[]')}]" if ":" in self.address else self.address
        port = "" if self.port == _DEFAULT_PORTS[self.protocol] else f":{self.port}"
        return f"{self.protocol}://{host}{port}"


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class ClientSettings:
    """Limits of one client. All times in seconds; `clock`, `monotonic`, `sleep` and `uniform` are replaced in tests."""

    connect_timeout: float = 10.0
    read_timeout: float = 120.0  # the controller kills a worker's request after 115 s
    workers: int = 8
    retries: int = 8
    backoff_base: float = 0.5
    backoff_cap: float = 30.0
    retry_budget: float = 600.0
    budget_refund: float = 0.25  # what each answered request gives back to the budget, up to its full size
    max_body_bytes: int = 64 * 1024 * 1024
    circuit_threshold: int = 100  # failures in a row over all workers
    circuit_reset: float = 60.0
    user_agent: str = f"aap-pipeline/{__version__}"
    clock: Callable[[], datetime] = field(default=_utc_now, repr=False)
    monotonic: Callable[[], float] = field(default=time.monotonic, repr=False)
    sleep: Callable[[float], object] = field(default=time.sleep, repr=False)
    uniform: Callable[[float, float], float] = field(default=random.uniform, repr=False)
