"""Read `clusters.yaml`, and check it as a whole before any cluster is stored."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aap_pipeline.clusters.registry import NewCluster
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import Endpoint, read_ca_bundle
from aap_pipeline.controller.manners import Manners
from aap_pipeline.controller.secret_text import COPY_AGAIN, cleaned, read_secret
from aap_pipeline.errors import BadInput, PipelineError

_DEFAULT_PORTS = {"http": 80, "https": 443}


class _Entry(BaseModel):
    """One entry of the list `clusters:`. An empty text means: not set."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    address: str = Field(min_length=1)
    protocol: str = "https"
    port: int | None = Field(None, ge=1, le=65535)
    api_prefix: str = ""
    verify_ssl: bool = True
    ca_bundle: str = ""
    access_token: str = ""
    access_token_env: str = ""
    access_token_file: str = ""
    refresh_token: str = ""
    client_id: str = ""
    client_secret: str = ""
    max_concurrent_requests: int | None = None
    max_requests_per_second: float | None = None
    sync_window: str | None = None


class _Loader(yaml.BaseLoader):
    """Load every scalar as text, so that a token of digits stays as it is, and reject duplicate keys."""

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
    except yaml.YAMLError as error:
        raise BadInput(f"{path}{_not_yaml(error)}.") from None
    if not isinstance(content, dict) or list(content) != ["clusters"] or not isinstance(content["clusters"], list):
        raise BadInput(f"{path}: the file must be a mapping with the list `clusters:` and no other key.")
    found: list[NewCluster] = []
    mistakes = [] if content["clusters"] else ["the list `clusters:` is empty."]
    for number, entry in enumerate(content["clusters"], start=1):
        fields = entry if isinstance(entry, dict) else {}
        who = f"cluster {name}" if isinstance(name := fields.get("name"), str) and name else f"entry {number}"
        try:
            found.append(_cluster(_Entry.model_validate(fields), path.parent, environment))
        except ValidationError as error:
            faults = error.errors(include_input=False, include_url=False)
            mistakes += [f"{who}: {': '.join([*map(str, each['loc']), each['msg']])}." for each in faults]
        except PipelineError as error:
            mistakes += [f"{who}: {line}" for line in str(error).splitlines()]
        else:
            if any(found[-1].name == other.name for other in found[:-1]):
                mistakes.append(f"{who}: the name occurs twice.")
    if mistakes:
        raise BadInput("\n".join(f"{path}: {mistake}" for mistake in mistakes))
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


def _not_yaml(error: yaml.YAMLError) -> str:
    """Return the line of the error, and its reason without parts that may quote a secret."""
    mark = getattr(error, "problem_mark", None)
    line = f":{mark.line + 1}" if mark else ""
    if isinstance(error, yaml.composer.ComposerError):
        return f"{line}: not valid YAML: a value that begins with * or & must be quoted"
    return f"{line}: not valid YAML: {getattr(error, 'problem', 'it contains a control character')}"


def _cluster(entry: _Entry, folder: Path, environment: Mapping[str, str]) -> NewCluster:
    """Return the cluster of an entry, with the secrets and certificates that it names. Raises PipelineError."""
    secrets = map(cleaned, (entry.refresh_token, entry.client_id, entry.client_secret))
    tokens = Tokens(_access_token(entry, folder, environment), *secrets)
    if faults := [f"{fault}: {COPY_AGAIN}." for fault in tokens.faults()]:
        raise BadInput("\n".join(faults))
    authorities = entry.ca_bundle or None
    if authorities and not authorities.startswith("-----BEGIN"):
        authorities = read_ca_bundle(Path(authorities))
    endpoint = Endpoint(
        protocol=entry.protocol,
        address=entry.address,
        port=entry.port or _DEFAULT_PORTS.get(entry.protocol, 443),
        verify_ssl=entry.verify_ssl,
        ca_bundle=authorities,
        api_prefix=path_of(entry.api_prefix),
    )
    limits = entry.model_dump(
        include={"max_concurrent_requests", "max_requests_per_second", "sync_window"}, exclude_unset=True
    )
    return NewCluster(entry.name, endpoint, tokens, Manners(**limits) if limits else None)


def _access_token(entry: _Entry, folder: Path, environment: Mapping[str, str]) -> str:
    if sum(map(bool, (entry.access_token, entry.access_token_env, entry.access_token_file))) != 1:
        raise BadInput("use exactly one of `access_token`, `access_token_env` and `access_token_file`.")
    if entry.access_token_file:
        return read_secret(folder / entry.access_token_file)
    token = cleaned(entry.access_token or environment.get(entry.access_token_env, ""))
    if not token:
        source = f"the environment variable {entry.access_token_env}" if entry.access_token_env else "`access_token`"
        raise BadInput(f"{source} is not set or is empty.")
    return token
