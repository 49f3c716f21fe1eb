"""Detect the product at an address by its capabilities, not by a list of versions."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from aap_pipeline.controller import errors
from aap_pipeline.controller.answers import Answer
from aap_pipeline.controller.config import API_PREFIXES, Endpoint

GATEWAY_PING = "/api/gateway/v1/ping/"
_BEHIND_GATEWAY = "/api/controller/v2"
TESTED = ("AWX", "AAP 2.4", "AAP 2.5", "AAP 2.6", "AAP 2.7")
"""Beginnings of the labels of tested products."""
_LABEL_LENGTH = 15
_UNWELL = (
    errors.BadRequest,
    errors.PermissionDenied,
    errors.AuthenticationError,
    errors.ServerError,
    errors.CorruptBody,
)


@dataclass(frozen=True)
class Product:
    """A controller's product and the path of its API. `label` fits clusters_cluster.aap_version (15 characters)."""

    version: str
    label: str
    api_prefix: str

    @property
    def behind_gateway(self) -> bool:
        return self.api_prefix == _BEHIND_GATEWAY and not _has_no_gateway(self.label)

    @property
    def token_path(self) -> str:
        return "/o/token/" if self.behind_gateway else "/api/o/token/"


def probe(get: Callable[[str], Answer], endpoint: Endpoint) -> Product:
    """Return the product at `endpoint`. `get` reads a path below its base URL without a token.

    The stored prefix is tried first, so that a known controller costs one request.

    Raises Maintenance, NotAController, or the ControllerError of `get`.
    """
    unwell: errors.ControllerError | None = None
    paths = _paths(endpoint)
    for path in paths:
        try:
            answer = get(path)
        except errors.Maintenance:
            raise
        except (errors.NotFound, errors.HtmlAnswer):
            continue
        except _UNWELL as error:
            if error.retry_after:  # holds for the other paths, too
                raise
            unwell = unwell or error  # raised unless the API is at another path
            continue
        product = _gateway(answer) if path == GATEWAY_PING else _controller(answer, path.removesuffix("/ping/"))
        if product is not None:
            return product
    if unwell is not None:
        raise unwell
    below = "its path" if endpoint.path else "the path, if the controller has one"
    raise errors.NotAController(
        f"{endpoint.base_url} is not an AAP or AWX controller (requested: {', '.join(paths)}). Correct address and "
        f"port, and add {below}, with {endpoint.update('--url https://HOST/PATH')}."
    )


def _paths(endpoint: Endpoint) -> list[str]:
    """Return the ping paths to try, the most likely first."""
    known = (endpoint.api_prefix or "").rstrip("/").removeprefix(endpoint.path)
    first = [f"{known}/ping/"] if known else []
    last = ["/ping/"] if endpoint.path else []  # a proxy may map the path to the API itself
    return list(dict.fromkeys([*first, GATEWAY_PING, *(f"{prefix}/ping/" for prefix in API_PREFIXES), *last]))


def job_url(base_url: str, label: str, job: int) -> str:
    """Return the page of a job in the controller's web interface. AAP 2.5 and later have another path."""
    path = "#/jobs/playbook" if _has_no_gateway(label) else "execution/jobs/playbook"
    return f"{base_url}/{path}/{job}/output"


def _has_no_gateway(label: str) -> bool:
    return label.startswith("AWX") or label in ("AAP 2.1", "AAP 2.2", "AAP 2.3", "AAP 2.4")


def _gateway(answer: Answer) -> Product | None:
    version = answer.body.get("version")
    if not isinstance(version, str) or not ({"pong", "status", "db_connected"} & answer.body.keys()):
        return None
    return Product(version, f"AAP {_numbers(version, 2) or version}"[:_LABEL_LENGTH], _BEHIND_GATEWAY)


def _controller(answer: Answer, prefix: str) -> Product | None:
    version = answer.body.get("version")
    if not isinstance(version, str) or not ({"active_node", "instances", "install_uuid"} & answer.body.keys()):
        return None
    name = answer.headers.get("X-API-Product-Name") or ""
    major = _numbers(version, 1)
    if name == "AWX" or (not name and major.isdigit() and int(major) >= 9):
        label = f"AWX {_numbers(version, 3) or version}"
    elif four := re.match(r"4\.(\d+)", version):
        minor = int(four[1])
        label = f"AAP 2.{minor - (minor > 4)}"  # controllers 4.4 and 4.5 are both AAP 2.4
    else:
        label = f"Tower {_numbers(version, 2)}" if major == "3" else f"AAP ({version})"
    return Product(version, label[:_LABEL_LENGTH], prefix)


def _numbers(version: str, count: int) -> str:
    """Return the first `count` numbers of a version: ("24.6.2.dev0", 3) → "24.6.2"; empty if there are none."""
    found = re.match(rf"\d+(?:\.\d+){{0,{count - 1}}}", version)
    return found[0] if found else ""
