"""The address of a controller, and the limits of its client."""

import ipaddress
import random
import re
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from aap_pipeline import __version__
from aap_pipeline.controller.errors import BadEndpoint

API_PREFIXES = ("/api/v2", "/api/controller/v2")
DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?:[A-Za-z0-9]([A-Za-z0-9_.\-]*[A-Za-z0-9])?\.?|\[?[0-9A-Fa-f:.]+\]?)")
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~!$&'()*+,;=:@%\-]+)*/?")
_CERTIFICATE = re.compile(r"-----BEGIN (?P<kind>(?:TRUSTED )?CERTIFICATE)-----.*?-----END (?P=kind)-----", re.DOTALL)


def read_ca_bundle(path: Path) -> str:
    """Return the certificates in the PEM file `path`, or in all files of the folder `path`. Raises BadEndpoint."""
    try:
        files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
        found = [each.group() for file in files for each in _CERTIFICATE.finditer(file.read_text(errors="replace"))]
    except OSError as error:
        raise BadEndpoint(f"CA bundle {path}: {error.strerror}. Name an existing PEM file.") from error
    if not found:
        raise BadEndpoint(f"CA bundle {path} contains no certificate in PEM format. Use another file.")
    return "\n".join(dict.fromkeys(found)) + "\n"


@dataclass(frozen=True)
class Endpoint:
    """A controller's address. `ca_bundle` is the PEM text of the CAs to trust; None: the usual ones.

    `api_prefix` is the path of its API ("/awx/api/v2"), or a path below which it is detected ("/awx"); None: the root.

    Call `check` on user input and before each use. Reading a stored endpoint does not call it, so that one
    invalid entry does not prevent reading the other clusters.
    """

    protocol: str
    address: str
    port: int
    verify_ssl: bool = True
    ca_bundle: str | None = field(default=None, repr=False)
    api_prefix: str | None = None
    cluster: str = field(default="", compare=False)
    """Name of its cluster, for messages; empty: not stored."""

    def faults(self) -> Iterator[str]:
        """Yield a sentence per value that is not valid."""
        if self.protocol not in DEFAULT_PORTS:
            yield f"Protocol {self.protocol!r} of {self.address} is not valid. Use http or https."
        if not _HOST.fullmatch(self.address):
            yield (f"Address {self.address!r} is not a host name or IP address. Omit protocol, port, path and user.")
        if not 1 <= self.port <= 65535:
            yield f"Port {self.port} of {self.address} is not valid. Use 1 to 65535."
        if not _PATH.fullmatch(self.api_prefix or ""):
            yield f"Path {self.api_prefix!r} of {self.address} is not valid. Use a path like /awx, without a query."
        if self.verify_ssl and self.ca_bundle:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=self.ca_bundle)
            except (ssl.SSLError, ValueError) as error:
                yield f"The CA bundle of {self.address} is not valid ({error}). Use {self.update('--ca-bundle FILE')}."

    def check(self) -> None:
        if found := list(self.faults()):
            raise BadEndpoint("\n".join(found))

    def update(self, options: str) -> str:
        """Return the command that updates the cluster with `options`, for messages."""
        return f"`aap-pipeline clusters update {self.cluster or 'NAME'} {options}`"

    @property
    def encrypted_url(self) -> str:
        return replace(self, protocol="https", port=DEFAULT_PORTS["https"]).base_url

    @property
    def exposes_token(self) -> bool:
        """Whether the token would cross a network in clear text."""
        try:
            loopback = ipaddress.ip_address(self.address.strip("[]")).is_loopback
        except ValueError:
            loopback = self.address.lower().rstrip(".") == "localhost"
        return self.protocol == "http" and not loopback

    @property
    def path(self) -> str:
        """The path of the controller, /awx of /awx/api/v2; usually empty."""
        prefix = (self.api_prefix or "").rstrip("/")
        return next((prefix.removesuffix(api) for api in API_PREFIXES if prefix.endswith(api)), prefix)

    @property
    def base_url(self) -> str:
        """`https://host[:port][/path]`, without a slash at the end and without the default port."""
        host = f"[{self.address.strip('[]')}]" if ":" in self.address else self.address
        port = "" if self.port == DEFAULT_PORTS[self.protocol] else f":{self.port}"
        return f"{self.protocol}://{host}{port}{self.path}"


@dataclass(frozen=True)
class ClientSettings:
    """Limits of one client, in seconds. Tests replace `clock`, `monotonic`, `sleep` and `uniform`."""

    connect_timeout: float = 10.0
    read_timeout: float = 120.0  # for a whole response; the controller aborts requests after 115 s
    workers: int = 8
    retries: int = 8
    backoff_base: float = 0.5
    backoff_cap: float = 30.0
    longest_pause: float = 600.0  # a controller that requests a longer one (Retry-After) is given up
    max_body_bytes: int = 64 * 1024 * 1024
    user_agent: str = f"aap-pipeline/{__version__}"
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), repr=False)
    monotonic: Callable[[], float] = field(default=time.monotonic, repr=False)
    sleep: Callable[[float], object] = field(default=time.sleep, repr=False)
    uniform: Callable[[float, float], float] = field(default=random.uniform, repr=False)
