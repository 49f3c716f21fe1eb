"""`clusters.yaml`: the clusters to import, checked line by line before any of them is stored."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from aap_pipeline.clusters.registry import ClusterError, NewCluster
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.errors import PipelineError

_ACCESS = ("access_token", "access_token_env", "access_token_file")
_TEXTS = ("name", "protocol", "address", "ca_bundle", *_ACCESS)
_SECRETS = ("refresh_token", "client_id", "client_secret")
_KEYS = (*_TEXTS, *_SECRETS, "port", "verify_ssl")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class ClustersFileError(PipelineError):
    """A clusters.yaml with mistakes: one line of the message for each, with its line in the file."""


def read_clusters_file(path: Path, environment: Mapping[str, str] = os.environ) -> list[NewCluster]:
    """The clusters that `path` describes; secrets in files are read relative to it.

    Raises ClustersFileError that names every mistake with its line. No value of a secret is repeated.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ClustersFileError(f"Cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ClustersFileError(f"{path} is no text in UTF-8.") from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ClustersFileError(f"{path}:{line}: not valid YAML: {error.problem}.") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ClustersFileError(f"{path}:{line}: not valid YAML: it holds a control character.") from None
    reader = _Reader(path, environment)
    found = reader.clusters(root)
    if reader.mistakes:
        raise ClustersFileError("\n".join(reader.mistakes))
    return found


def endpoint_of_url(url: str, *, verify_ssl: bool = True, ca_bundle: str | None = None) -> Endpoint:
    """The endpoint that `https://host[:port]` means. Raises ClusterError for anything else."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or port == 0 or parts.username or parts.query:
        raise ClusterError("The address of a controller looks like https://aap.company.com or http://10.0.0.1:8080.")
    if parts.path.strip("/"):
        raise ClusterError(
            f"Leave the path {parts.path!r} out: the API's place on {parts.hostname} is found by asking."
        )
    return Endpoint(
        protocol=parts.scheme,
        address=parts.hostname,
        port=port or _DEFAULT_PORTS[parts.scheme],
        verify_ssl=verify_ssl,
        ca_bundle=ca_bundle,
    )


class _Reader:
    """Walks the YAML nodes, which know their lines, and collects mistakes instead of stopping at the first."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.mistakes: list[str] = []
        self._path = path
        self._environment = environment

    def clusters(self, root: yaml.Node | None) -> list[NewCluster]:
        if not isinstance(root, yaml.MappingNode):
            self._mistake(root, "the file must begin with `clusters:` and a list")
            return []
        entries = [value for key, value in root.value if key.value == "clusters"]
        if not entries or not isinstance(entries[0], yaml.SequenceNode):
            self._mistake(root, "the file must begin with `clusters:` and a list")
            return []
        found: dict[str, NewCluster] = {}
        for node in entries[0].value:
            cluster = self._cluster(node)
            if cluster is not None and cluster.name in found:
                self._mistake(node, f"name {cluster.name!r} is there twice")
            elif cluster is not None:
                found[cluster.name] = cluster
        return list(found.values())

    def _cluster(self, node: yaml.Node) -> NewCluster | None:
        if not isinstance(node, yaml.MappingNode):
            self._mistake(node, "each cluster is a list entry with `name`, `address` and a token")
            return None
        before = len(self.mistakes)
        fields = self._fields(node)
        protocol = str(fields.get("protocol") or "https")
        for required in ("name", "address"):
            if fields.get(required, "") == "":
                self._mistake(node, f"`{required}` is missing")
        access = self._access_token(node, fields)
        if len(self.mistakes) > before:
            return None
        try:
            endpoint = Endpoint(
                protocol=protocol,
                address=str(fields["address"]),
                port=int(str(fields.get("port") or _DEFAULT_PORTS.get(protocol, 443))),
                verify_ssl=fields.get("verify_ssl") is not False,
                ca_bundle=str(fields["ca_bundle"]) if fields.get("ca_bundle") else None,
            )
            tokens = Tokens(access, *(str(fields.get(name) or "") for name in _SECRETS))
            return NewCluster(str(fields["name"]), endpoint, tokens)
        except PipelineError as error:
            self._mistake(node, str(error))
            return None

    def _fields(self, node: yaml.MappingNode) -> dict[str, object]:
        fields: dict[str, object] = {}
        seen: set[object] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is None:
                self._mistake(key, "a key must be a single word")
            elif name in seen:
                self._mistake(key, f"`{name}` is there twice")
            elif name not in _KEYS:
                self._mistake(key, f"unknown key {name!r}: there are {', '.join(_KEYS)}")
            elif not isinstance(value, yaml.ScalarNode):
                self._mistake(value, f"`{name}` must be a single value")
                fields[name] = None
            elif name == "port" and not (value.value.isdigit() and 1 <= int(value.value) <= 65535):
                self._mistake(value, f"port {value.value!r} is no whole number from 1 to 65535")
            elif name == "verify_ssl" and value.value not in ("true", "false"):
                self._mistake(value, f"verify_ssl {value.value!r} is neither true nor false")
            elif name == "verify_ssl":
                fields[name] = value.value == "true"
            else:
                fields[name] = value.value
            seen.add(name)
        return fields

    def _access_token(self, node: yaml.Node, fields: dict[str, object]) -> str:
        given = [name for name in _ACCESS if fields.get(name, "") != ""]
        if len(given) != 1:
            self._mistake(node, "give one of `access_token`, `access_token_env` or `access_token_file`")
            return ""
        if fields[given[0]] is None:
            return ""  # what is wrong with it was said already
        value = str(fields[given[0]])
        if given[0] == "access_token":
            return value
        if given[0] == "access_token_env":
            if not self._environment.get(value):
                self._mistake(node, f"the environment variable {value}, named by access_token_env, is not set")
            return self._environment.get(value, "").strip()
        try:
            token = (self._path.parent / value).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self._mistake(node, f"cannot read access_token_file {value}: {getattr(error, 'strerror', 'not text')}")
            return ""
        if not token:
            self._mistake(node, f"access_token_file {value} is empty")
        return token

    def _mistake(self, node: yaml.Node | None, sentence: str) -> None:
        line = node.start_mark.line + 1 if node is not None else 1
        self.mistakes.append(f"{self._path}:{line}: {sentence.rstrip('.')}.")
