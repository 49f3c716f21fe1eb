"""Read `clusters.yaml`, and check it as a whole before any cluster is stored."""

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from aap_pipeline.clusters.registry import NewCluster, name_faults
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint, read_ca_bundle
from aap_pipeline.controller.errors import BadEndpoint
from aap_pipeline.controller.manners import Manners
from aap_pipeline.controller.secret_text import COPY_AGAIN, cleaned, read_secret
from aap_pipeline.errors import BadInput, PipelineError

_ACCESS = ("access_token", "access_token_env", "access_token_file")
_TEXTS = ("name", "protocol", "address", "api_prefix", "ca_bundle", *_ACCESS)
_SECRETS = ("refresh_token", "client_id", "client_secret")
_LIMITS = ("max_concurrent_requests", "max_requests_per_second", "sync_window")
_KEYS = (*_TEXTS, *_SECRETS, "port", "verify_ssl", *_LIMITS)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def read_clusters_file(path: Path, environment: Mapping[str, str] = os.environ) -> list[NewCluster]:
    """Return the clusters in `path`. Paths of secret files are relative to it.

    Raises BadInput, which lists every mistake with its line and repeats no secret.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"Cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8 text.") from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        line, problem = _not_yaml(text, error)
        raise BadInput(f"{path}:{line}: not valid YAML: {problem}.") from None
    reader = _Reader(path, environment)
    found = reader.clusters(root)
    if reader.mistakes:
        raise BadInput("\n".join(reader.mistakes))
    return found


def endpoint_of_url(url: str, *, verify_ssl: bool = True, ca_bundle: str | None = None) -> Endpoint:
    """Parse `https://host[:port][/path]`. Raises BadInput for anything else."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        port = parts.port
    except ValueError:  # a port that is not a number, a bracket that is not closed
        parts, port = urlsplit(""), None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or port == 0 or parts.username or parts.query:
        raise BadInput(
            "The address of the controller is not valid. Use https://aap.company.com, http://10.0.0.1:8080 or "
            "https://tools.company.com/awx."
        )
    return Endpoint(
        protocol=parts.scheme,
        address=parts.hostname,
        port=port or _DEFAULT_PORTS[parts.scheme],
        verify_ssl=verify_ssl,
        ca_bundle=ca_bundle,
        api_prefix=path_of(parts.path),
    )


def path_of(text: str) -> str | None:
    """Normalize a path as it is stored: "awx/" to "/awx", the root to None."""
    stripped = text.strip("/")
    return f"/{stripped}" if stripped else None


def _not_yaml(text: str, error: yaml.YAMLError) -> tuple[int, str]:
    """Return the line of the YAML error in `text`, and a reason without parts that may quote a secret."""
    if isinstance(error, yaml.reader.ReaderError):
        return text.count("\n", 0, error.position) + 1, "it contains a control character"
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    line = mark.line + 1 if mark else 1
    if isinstance(error, yaml.composer.ComposerError):
        return line, "a value that begins with * or & must be quoted"
    return line, str(getattr(error, "problem", error))


class _Reader:
    """Walk the YAML nodes, which have line numbers, and collect all mistakes."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.mistakes: list[str] = []
        self._path = path
        self._environment = environment

    def clusters(self, root: yaml.Node | None) -> list[NewCluster]:
        keyed = isinstance(root, yaml.MappingNode) and any(key.value == "clusters" for key, _ in root.value)
        entries = self._once(root, ("clusters",))["clusters"] if isinstance(root, yaml.MappingNode) and keyed else None
        if not isinstance(entries, yaml.SequenceNode):
            self._mistake(root, "the file must be a mapping with the list `clusters:`")
            return []
        if not entries.value:
            self._mistake(entries, "the list `clusters:` is empty")
        found: list[NewCluster] = []
        for node in entries.value:
            if (cluster := self._cluster(node)) is not None:
                if any(cluster.name == other.name for other in found):
                    self._mistake(node, f"duplicate name {cluster.name!r}")
                found.append(cluster)
        return found

    def _once(self, node: yaml.MappingNode, known: Collection[str]) -> dict[str, yaml.Node]:
        """Return the values of a mapping by key. Unknown and duplicate keys are mistakes."""
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if not isinstance(key, yaml.ScalarNode):
                self._mistake(key, "a key must be a single word")
            elif name not in known:
                self._mistake(key, f"unknown key {name!r}. Valid keys: {', '.join(known)}")
            elif name in found:
                self._mistake(key, f"duplicate key `{name}`")
            else:
                found[name] = value
        return found

    def _cluster(self, node: yaml.Node) -> NewCluster | None:
        if not isinstance(node, yaml.MappingNode):
            self._mistake(node, "each cluster must be a mapping with `name`, `address` and a token")
            return None
        before = len(self.mistakes)
        fields = self._fields(node)
        text = {key: str(fields.get(key) or "") for key in (*_TEXTS, *_SECRETS)}
        for required in ("name", "address"):
            if fields.get(required, "") == "":
                self._mistake(node, f"`{required}` is missing")
        tokens = Tokens(self._access_token(node, fields), *(cleaned(text[key]) for key in _SECRETS))
        faults = [f"{fault}: {COPY_AGAIN}" for fault in tokens.faults()]
        faults += name_faults(text["name"]) if text["name"] else ()
        authorities = text["ca_bundle"] or None
        try:
            if authorities and not authorities.startswith("-----BEGIN"):
                authorities = read_ca_bundle(Path(authorities))
        except BadEndpoint as error:
            faults.append(str(error))
            authorities = None
        protocol = text["protocol"] or "https"
        endpoint = Endpoint(
            protocol=protocol,
            address=text["address"],
            port=int(str(fields.get("port") or _DEFAULT_PORTS.get(protocol, 443))),
            verify_ssl=fields.get("verify_ssl") != "false",
            ca_bundle=authorities,
            api_prefix=path_of(text["api_prefix"]),
        )
        faults += endpoint.faults() if endpoint.address else ()
        limits: dict[str, Any] = {key: fields[key] for key in _LIMITS if key in fields}
        manners = Manners(**limits) if limits else None
        faults += manners.faults() if manners else ()
        for fault in faults:
            self._mistake(node, fault)
        if len(self.mistakes) > before:
            return None
        try:
            return NewCluster(text["name"], endpoint, tokens, manners)
        except PipelineError as error:
            self._mistake(node, str(error))
            return None

    def _fields(self, node: yaml.MappingNode) -> dict[str, object]:
        fields: dict[str, object] = {}
        for name, value in self._once(node, _KEYS).items():
            if not isinstance(value, yaml.ScalarNode):
                self._mistake(value, f"`{name}` must be a single value")
                fields[name] = None
            elif name == "port" and not (re.fullmatch("[0-9]{1,5}", value.value) and 1 <= int(value.value) <= 65535):
                self._mistake(value, f"port {value.value!r} is not a whole number from 1 to 65535")
            elif name == "verify_ssl" and value.value not in ("true", "false"):
                self._mistake(value, f"verify_ssl {value.value!r} is neither true nor false")
            elif name in _LIMITS[:2]:
                try:
                    fields[name] = int(value.value) if name == _LIMITS[0] else float(value.value)
                except ValueError:
                    self._mistake(value, f"{name} {value.value!r} is not a number")
            else:
                fields[name] = value.value
        return fields

    def _access_token(self, node: yaml.Node, fields: dict[str, object]) -> str:
        given = [name for name in _ACCESS if fields.get(name, "") != ""]
        if len(given) != 1:
            self._mistake(node, "use exactly one of `access_token`, `access_token_env` and `access_token_file`")
            return ""
        if fields[given[0]] is None:
            return ""  # `_fields` has noted the mistake
        value = str(fields[given[0]])
        empty = "`access_token` is empty"
        try:
            if given[0] == "access_token":
                token = cleaned(value)
            elif given[0] == "access_token_env":
                token = cleaned(self._environment.get(value, ""))
                empty = f"the environment variable {value}, named by access_token_env, is not set or is empty"
            else:
                token = read_secret(self._path.parent / value)
                empty = f"access_token_file {value} is empty"
        except (OSError, UnicodeDecodeError) as error:
            self._mistake(node, f"cannot read access_token_file {value}: {getattr(error, 'strerror', 'not text')}")
            return ""
        if not token:
            self._mistake(node, empty)
        return token

    def _mistake(self, node: yaml.Node | None, sentence: str) -> None:
        line = node.start_mark.line + 1 if node is not None else 1
        self.mistakes.append(f"{self._path}:{line}: {sentence.rstrip('.')}.")
