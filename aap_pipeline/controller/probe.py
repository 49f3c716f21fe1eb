"""Detect the product at an address by its capabilities, not by a list of versions."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from aap_pipeline.controller import errors
from aap_pipeline.controller.answers import Answer
from aap_pipeline.controller.config import API_PREFIXES, Endpoint

GATEWAY_PING = "/api/gateway/v1/ping/"
_TESTED_AAP = ("2.4", "2.5", "2.6", "2.7")
_AAP_OF_CONTROLLER = {
    "4.1": "2.1",
    "4.2": "2.2",
    "4.3": "2.3",
    "4.4": "2.4",
    "4.5": "2.4",
    "4.6": "2.5",
    "4.7": "2.6",
    "4.8": "2.7",
}
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
    """A controller's product and its paths. `label` fits clusters_cluster.aap_version (15 characters)."""

    name: str
    version: str
    label: str
    api_prefix: str
    token_path: str
    behind_gateway: bool
    warnings: tuple[str, ...] = ()


def probe(get: Callable[[str], Answer], endpoint: Endpoint, hint: str | None = None) -> Product:
    """Return the product at `endpoint`. `get` reads a path below its base URL without a token.

    The stored prefix and `hint`, the stored label, decide what to try first, so that a known controller costs one
    request. Raises Maintenance, NotAController, or the ControllerError of `get`.
    """
    unwell: errors.ControllerError | None = None
    paths = _paths(endpoint, hint)
    for path in paths:
        try:
            answer = get(path)
        except errors.Maintenance:
            raise
        except (errors.NotFound, errors.HtmlAnswer):
            continue
        except _UNWELL as error:
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


def remembered(label: str, version: str, api_prefix: str) -> Product:
    """Return a product found earlier, from its `label`, its `version` and the path of its API below the base URL."""
    gateway = not _has_no_gateway(label)
    name = "AWX" if label.startswith("AWX") else "AAP"
    return Product(name, version, label, api_prefix, "/o/token/" if gateway else "/api/o/token/", gateway)


def _paths(endpoint: Endpoint, hint: str | None) -> list[str]:
    """Return the ping paths to try, the most likely first."""
    v2, behind_gateway = (f"{prefix}/ping/" for prefix in API_PREFIXES)
    usual = [v2, GATEWAY_PING, behind_gateway] if hint and _has_no_gateway(hint) else [GATEWAY_PING, v2, behind_gateway]
    known = (endpoint.api_prefix or "").rstrip("/").removeprefix(endpoint.path)
    first = [f"{known}/ping/"] if known else []
    last = ["/ping/"] if endpoint.path else []  # a proxy may map the path to the API itself
    return list(dict.fromkeys([*first, *usual, *last]))


def job_url(base_url: str, label: str, job: int) -> str:
    """Return the page of a job in the controller's web interface. AAP 2.5 and later have another path."""
    path = "#/jobs/playbook" if _has_no_gateway(label) else "execution/jobs/playbook"
    return f"{base_url}/{path}/{job}/output"


def _has_no_gateway(label: str) -> bool:
    return label.startswith("AWX") or label in ("AAP 2.1", "AAP 2.2", "AAP 2.3", "AAP 2.4")


def _gateway(answer: Answer) -> Product | None:
    body = answer.body
    version = body.get("version")
    if not isinstance(version, str) or not ({"pong", "status", "db_connected"} & body.keys()):
        return None
    release = _numbers(version, 2) or version
    warnings = [*_untested(release)]
    warnings += [
        f"The gateway reports {name} = false, so parts of the platform are down."
        for name in ("db_connected", "proxy_connected")
        if body.get(name) is False
    ]
    return Product(
        "AAP", version, f"AAP {release}"[:_LABEL_LENGTH], "/api/controller/v2", "/o/token/", True, tuple(warnings)
    )


def _controller(answer: Answer, prefix: str) -> Product | None:
    version = answer.body.get("version")
    if not isinstance(version, str) or not ({"active_node", "instances", "install_uuid"} & answer.body.keys()):
        return None
    name = answer.headers.get("X-API-Product-Name") or ""
    major = _numbers(version, 1)
    if name == "AWX" or (not name and major.isdigit() and int(major) >= 9):
        release = _numbers(version, 3) or version
        return Product("AWX", version, f"AWX {release}"[:_LABEL_LENGTH], prefix, "/api/o/token/", False)
    release = _aap_release(_numbers(version, 2))
    if not release:
        label = f"Tower {_numbers(version, 2)}" if major == "3" else f"AAP ({version})"
        warning = f"Controller version {version} is unknown and treated like AAP 2.4."
        return Product("AAP", version, label[:_LABEL_LENGTH], prefix, "/api/o/token/", False, (warning,))
    gateway = prefix == "/api/controller/v2"
    token_path = "/o/token/" if gateway else "/api/o/token/"
    return Product("AAP", version, f"AAP {release}", prefix, token_path, gateway, tuple(_untested(release)))


def _aap_release(controller: str) -> str:
    """Return the AAP release of controller `controller`: "4.5" → "2.4". Since 4.5 the minor is one ahead."""
    known = _AAP_OF_CONTROLLER.get(controller)
    if known is None and re.fullmatch(r"4\.\d+", controller) and int(controller[2:]) > 8:
        return f"2.{int(controller[2:]) - 1}"
    return known or ""


def _untested(release: str) -> list[str]:
    if release in _TESTED_AAP:
        return []
    tested = ", ".join(_TESTED_AAP)
    return [f"AAP {release} is not a tested release ({tested}), but its API looks the same."]


def _numbers(version: str, count: int) -> str:
    """Return the first `count` numbers of a version: ("24.6.2.dev0", 3) → "24.6.2"; empty if there are none."""
    found = re.match(rf"\d+(?:\.\d+){{0,{count - 1}}}", version)
    return found[0] if found else ""
