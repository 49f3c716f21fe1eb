"""Read `clusters.yaml`, and check it as a whole before any cluster is stored."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aap_pipeline.clusters.registry import NewCluster, name_faults
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import DEFAULT_PORTS, Endpoint, read_ca_bundle
from aap_pipeline.controller.secret_text import COPY_AGAIN, cleaned, read_secret
from aap_pipeline.errors import BadInput, PipelineError

T = TypeVar("T")
_SECRETS = ("access_token", "refresh_token", "client_id", "client_secret")
_ADDRESS = {"protocol", "address", "port", "api_prefix"}
_NEEDED = {"name", "address", "access_token"}
_LIMITS = {"max_concurrent_requests", "max_requests_per_second", "sync_window"}


class _Entry(BaseModel):
    """One entry of the list `clusters:`. An empty text means: not set."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    url: str = ""
    address: str = ""
    protocol: str = "https"
    port: int | None = Field(None, ge=1, le=65535)
    api_prefix: str = ""
    verify_ssl: bool = True
    ca_bundle: str = ""
    access_token: str = ""
    access_token_env: str = ""
    access_token_file: str = ""
    refresh_token: str = ""
    refresh_token_file: str = ""
    client_id: str = ""
    client_secret: str = ""
    client_secret_file: str = ""
    max_concurrent_requests: int | None = None
    max_requests_per_second: float | None = None
    sync_window: str | None = None


class _Loader(yaml.BaseLoader):
    """Loads every scalar as text, so that a token of digits is not changed, and rejects duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        for position, (key, _) in enumerate(node.value):
            if any(key.value == earlier.value for earlier, _ in node.value[:position]):
                problem = f"duplicate key `{key.value}`"
                raise yaml.constructor.ConstructorError(problem=problem, problem_mark=key.start_mark)
        return super().construct_mapping(node, deep)


def read_clusters_file(path: Path, environment: Mapping[str, str] = os.environ) -> list[NewCluster]:
    """Return the clusters in `path`. Paths of secret files are relative to it.

    Raises BadInput, which names the cluster and the key of every mistake and repeats no secret.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - constructs text only
    except OSError as error:
        raise BadInput(f"Cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8 text.") from None
    except RecursionError:
        raise BadInput(f"{path}: not valid: its lists or mappings are nested too deeply.") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{path}{_not_yaml(error)}.") from None
    if not isinstance(content, dict) or list(content) != ["clusters"] or not isinstance(content["clusters"], list):
        raise BadInput(f"{path}: the file must be a mapping with the list `clusters:` and no other key.")
    found: list[NewCluster] = []
    mistakes = [] if content["clusters"] else ["the list `clusters:` is empty."]
    for number, entry in enumerate(content["clusters"], start=1):
        fields = entry if isinstance(entry, dict) else {}
        who = f"cluster {name}" if isinstance(name := fields.get("name"), str) and name else f"entry {number}"
        if fields.get("url") and fields.keys() & _ADDRESS:
            mistakes.append(f"{who}: Use url, or protocol, address, port and api_prefix, not both.")
        try:
            found.append(described(fields, path.parent, environment))
        except PipelineError as error:
            mistakes += [f"{who}: {line}" for line in str(error).splitlines()]
        else:
            if any(found[-1].name == other.name for other in found[:-1]):
                mistakes.append(f"{who}: the name occurs twice.")
    if mistakes:
        raise BadInput("\n".join(f"{path}: {mistake}" for mistake in mistakes))
    return found


def described(
    fields: Any, folder: Path = Path(), environment: Mapping[str, str] = os.environ, *, token_needed: bool = True
) -> NewCluster:
    """Return the cluster that `fields` {key of an entry: value} describe. Paths of secret files are below `folder`.

    Raises BadInput, with one line per fault and without secrets; PipelineError if only secrets are faulty.
    """
    faults: list[str] = []
    try:
        entry = _Entry.model_validate(fields)
    except ValidationError as error:  # check the other keys as well
        faults += _sentences(error)
        faulty = {str(fault["loc"][0]) for fault in error.errors()}
        rest = {key: value for key, value in fields.items() if key not in faulty}
        entry = _Entry.model_validate(rest | dict.fromkeys(faulty & _NEEDED, "x"))

    def noted(make: Callable[..., T], *arguments: Any) -> T | None:
        try:
            return make(*arguments)
        except PipelineError as error:
            faults.append(str(error))
            return None

    endpoint = noted(_endpoint, entry, noted(_authorities, entry))
    access, refresh, secret = (
        noted(_secret, entry, name, folder, environment) for name in ("access_token", "refresh_token", "client_secret")
    )
    if access == "" and token_needed:
        faults.append("Use access_token, access_token_file or access_token_env.")
    tokens = Tokens(access or "", refresh or "", cleaned(entry.client_id), secret or "")
    unusable = [f"{fault}: {COPY_AGAIN}." for fault in tokens.faults()]
    limits = entry.model_dump(include=_LIMITS, exclude_unset=True)
    if entry.sync_window == "always":
        limits["sync_window"] = None
    if endpoint is None:
        raise BadInput("\n".join([*name_faults(entry.name), *faults, *unusable]))
    cluster = noted(NewCluster, entry.name, endpoint, tokens, limits)
    if faults or cluster is None:
        raise BadInput("\n".join(faults + unusable))
    if unusable:  # the command line is valid, so exit with 1
        raise PipelineError("\n".join(unusable))
    return cluster


def endpoint_of_url(url: str, *, verify_ssl: bool = True, ca_bundle: str | None = None) -> Endpoint:
    """Parse `https://host[:port][/path]`. Raises BadInput for anything else."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        port = parts.port
    except ValueError:  # a port that is not a number, a bracket that is not closed
        parts, port = urlsplit(""), None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or port == 0 or parts.username or parts.query:
        raise BadInput(
            "The address of the controller is not valid. Use https://aap.company.com, http://10.0.0.1:8080 or "
            "https://tools.company.com/awx."
        )
    return Endpoint(
        protocol=parts.scheme,
        address=parts.hostname,
        port=port or DEFAULT_PORTS[parts.scheme],
        verify_ssl=verify_ssl,
        ca_bundle=ca_bundle,
        api_prefix=path_of(parts.path),
    )


def path_of(text: str) -> str | None:
    """Normalize a path as it is stored: "awx/" to "/awx", the root to None."""
    stripped = text.strip("/")
    return f"/{stripped}" if stripped else None


def _sentences(error: ValidationError) -> Iterator[str]:
    """Describe the mistakes that pydantic found. Only values of keys that hold no secret are repeated."""
    for fault in error.errors():
        key = ".".join(map(str, fault["loc"]))
        match fault["type"]:
            case "missing" | "string_too_short":
                yield f"`{key}` is missing."
            case "extra_forbidden":
                yield f"unknown key {key!r}. Valid keys: {', '.join(_Entry.model_fields)}."
            case _:
                value = "" if key in _SECRETS else f" {fault['input']!r}"
                yield f"{key}{value} {fault['msg'].removeprefix('Input ').partition(',')[0]}."


def _not_yaml(error: yaml.YAMLError) -> str:
    """Return the line of the error, and its reason without parts that may quote a secret."""
    mark = getattr(error, "problem_mark", None)
    line = f":{mark.line + 1}" if mark else ""
    if isinstance(error, yaml.composer.ComposerError) and "document" not in (error.problem or ""):
        return f"{line}: not valid YAML: a value that begins with * or & must be quoted"
    return f"{line}: not valid YAML: {getattr(error, 'problem', 'it contains a control character')}"


def _endpoint(entry: _Entry, authorities: str | None) -> Endpoint:
    if entry.url:
        return endpoint_of_url(entry.url, verify_ssl=entry.verify_ssl, ca_bundle=authorities)
    if not entry.address:
        raise BadInput("`address` is missing.")
    port = entry.port or DEFAULT_PORTS.get(entry.protocol, 443)
    return Endpoint(entry.protocol, entry.address, port, entry.verify_ssl, authorities, path_of(entry.api_prefix))


def _authorities(entry: _Entry) -> str | None:
    if not entry.ca_bundle or entry.ca_bundle.startswith("-----BEGIN"):
        return entry.ca_bundle or None
    return read_ca_bundle(Path(entry.ca_bundle))


def _secret(entry: _Entry, name: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Return the secret `name` of the entry: its text, or the content of the file or variable that it names."""
    text, file, variable = (getattr(entry, name + source, "") for source in ("", "_file", "_env"))
    if sum(map(bool, (text, file, variable))) > 1:
        raise BadInput(f"Use only one of {name}, {name}_file and {name}_env.")
    if file:
        return read_secret(folder / file)
    found = cleaned(environment.get(variable, "") if variable else text)
    if variable and not found:
        raise BadInput(f"The environment variable {variable} is not set or is empty.")
    return found
