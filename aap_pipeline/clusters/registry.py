"""The registry of controllers: table clusters_cluster, one row per cluster. The name is its partition key."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from psycopg.errors import UniqueViolation

from aap_pipeline.controller.auth import TokenEnd, Tokens
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.manners import Manners
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.encryption import Cipher
from aap_pipeline.database.locks import LockKind, advisory_xact_lock
from aap_pipeline.database.statements import select, statement
from aap_pipeline.errors import BadInput, PipelineError

# Dagster splits partition keys at commas and ranges of keys at three dots, and shows keys in paths and URLs. Dots must
# be single and not at the end, so that a range is unambiguous. SQL has the same rule: function clusters_cluster_name.
_NAME = re.compile(r"(?=.{1,100}\Z)[A-Za-z0-9](?:[A-Za-z0-9_:-]|\.(?=[A-Za-z0-9_:-]))*")


@dataclass(frozen=True)
class Cluster:
    """A stored cluster without its secrets (`clusters/tokens.py` reads them)."""

    id: int
    name: str
    endpoint: Endpoint
    product: str
    product_version: str | None
    enabled: bool
    removed_at: datetime | None
    token_end: TokenEnd | None = None
    """When its access token expires, if the controller reports it."""
    manners: Manners = field(default_factory=Manners)
    listed_at: datetime | None = field(default=None, compare=False)
    """When product, organizations and job templates were last read; None: never, or the last sync failed."""


@dataclass(frozen=True)
class NewCluster:
    """A cluster as a user describes it."""

    name: str
    endpoint: Endpoint
    tokens: Tokens = field(repr=False)
    limits: Mapping[str, Any] = field(default_factory=dict)
    """Fields of Manners. A cluster keeps its other limits; a new one gets the defaults."""

    def __post_init__(self) -> None:
        faults = [*name_faults(self.name), *self.endpoint.faults()]
        faults += Manners(**self.limits).faults()
        if self.tokens.refresh and not self.tokens.client_id:
            faults.append(_useless_refresh_token(self.name))
        if faults:
            raise BadInput("\n".join(faults))


def name_faults(name: str) -> Iterator[str]:
    """Yield a sentence if `name` is not a valid cluster name."""
    if not _NAME.fullmatch(name):
        yield (
            f"{name!r} is not a valid cluster name. Use 1 to 100 letters, digits, colons, hyphens, underscores and "
            "single dots; begin with a letter or digit and do not end with a dot. The name is the cluster's partition "
            "key and cannot be changed later."
        )


def _useless_refresh_token(name: str) -> str:
    return (
        f"The refresh token of cluster {name!r} needs client_id (and client_secret, if the OAuth application has one). "
        "Add them, or omit the refresh token."
    )


def clusters(connection: Connection, *, only_enabled: bool = False) -> list[Cluster]:
    """Return all clusters, or only the enabled ones, by name."""
    found = [_cluster(row) for row in connection.execute(statement("clusters/list_clusters"), {"name": None})]
    return [cluster for cluster in found if cluster.enabled] if only_enabled else found


def cluster_named(connection: Connection, name: str) -> Cluster:
    """Return the cluster `name`. Raises PipelineError, which lists the existing clusters."""
    row = connection.execute(statement("clusters/list_clusters"), {"name": name}).fetchone()
    if row is None:
        there = ", ".join(cluster.name for cluster in clusters(connection)) or "none yet"
        raise PipelineError(
            f"There is no cluster {name!r}. Clusters: {there}. To add one, run `aap-pipeline clusters add URL --name "
            "NAME`."
        )
    return _cluster(row)


def chosen_clusters(connection: Connection, names: Sequence[str], what_for: str) -> list[Cluster]:
    """Return the clusters `names`, or all enabled ones without names. Raises PipelineError if there are none."""
    chosen = [cluster_named(connection, name) for name in dict.fromkeys(names)] or clusters(
        connection, only_enabled=True
    )
    for cluster in chosen:
        require_registered(cluster)
    if not chosen:
        there = ", ".join(cluster.name for cluster in clusters(connection))
        enable = f" Clusters: {there}. To enable one, run `aap-pipeline clusters enable NAME`." if there else ""
        raise PipelineError(
            f"There is no enabled cluster to {what_for}.{enable} To add one, run `aap-pipeline clusters add URL --name "
            "NAME`."
        )
    return chosen


def require_registered(cluster: Cluster) -> None:
    """Raise PipelineError for a removed cluster, whose controller must not get requests."""
    if cluster.removed_at is not None:
        raise PipelineError(
            f"Cluster {cluster.name} was removed on {cluster.removed_at:%Y-%m-%d} and is no longer synced. To restore "
            f"it, run `aap-pipeline clusters enable {cluster.name}`."
        )


def save_clusters(connection: Connection, cipher: Cipher, entries: Sequence[NewCluster]) -> dict[str, bool]:
    """Add or update all `entries` in one transaction, and return {name: whether it was added}.

    Raises PipelineError and stores nothing if two names share an address.
    """
    added = {}
    with connection.transaction():
        for entry in entries:
            with _one_cluster_per_address(connection, entry.name, entry.endpoint), connection.transaction():
                values = _parameters(entry.name, entry.endpoint, entry.tokens, cipher, entry.limits)
                row = connection.execute(statement("clusters/save_cluster"), values).fetchone()
            added[entry.name] = bool(row and row[1])
    return added


def change_cluster(
    connection: Connection,
    cipher: Cipher | None,
    name: str,
    endpoint: Endpoint,
    tokens: Tokens,
    limits: Mapping[str, Any] | None = None,
) -> None:
    """Replace a cluster's `endpoint`, the `tokens` that are not empty, and the given `limits` (fields of Manners).

    `cipher` may be None if `tokens` has no secrets. A new access token also replaces the refresh token, client id and
    client secret. Raises PipelineError and stores nothing for an unknown or removed cluster, the address of another
    cluster or a refresh token without a client id.
    """
    require_registered(cluster_named(connection, name))
    endpoint.check()
    with _one_cluster_per_address(connection, name, endpoint), connection.transaction():
        values = _parameters(name, endpoint, tokens, cipher, limits or {})
        row = connection.execute(statement("clusters/update_cluster"), values).fetchone()
        if row and row[0]:
            raise BadInput(_useless_refresh_token(name))


@contextmanager
def _one_cluster_per_address(connection: Connection, name: str, endpoint: Endpoint) -> Iterator[None]:
    try:
        yield
    except UniqueViolation:
        url = replace(endpoint, api_prefix=None).base_url
        there = (other for other in clusters(connection) if replace(other.endpoint, api_prefix=None).base_url == url)
        other = next((each.name for each in there if each.name != name), "NAME")
        raise PipelineError(
            f"Cluster {name!r} has the address {url} of cluster {other!r}. A controller (host and port) can be "
            f"registered once. Use {other}, or delete it and its history with `aap-pipeline clusters remove {other} "
            "--purge`."
        ) from None


def set_enabled(connection: Connection, name: str, *, enabled: bool, removed: bool = False) -> None:
    """Enable or disable a cluster. `removed` also hides it from the registry. Its history stays."""
    cluster_named(connection, name)
    with connection.transaction():
        connection.execute(statement("clusters/enable_cluster"), {"name": name, "enabled": enabled, "removed": removed})


def purge(connection: Connection, name: str) -> int:
    """Delete a cluster and its whole history in one transaction, and return the number of jobs deleted.

    A lock serializes it with core's batches of the same cluster.
    """
    cluster = cluster_named(connection, name)
    with connection.transaction():
        advisory_xact_lock(connection, LockKind.PARSE, cluster.id)
        connection.execute(statement("clusters/purge_host_summaries"), {"name": name})
        jobs = connection.execute(statement("clusters/purge_jobs"), {"name": name}).rowcount
        connection.execute(statement("clusters/purge_cluster"), {"name": name})
        connection.execute(statement("alerts/resolve_of_clusters"), {"clusters": [name]})
    return jobs


def rotate_key(connection: Connection, cipher: Cipher) -> int:
    """Encrypt every stored secret with the first key of `cipher`, all or none. Returns the number of clusters."""
    with connection.transaction():
        rows = select(connection, "clusters/all_secrets")
        for row in rows:
            secrets = {
                name: row[name] and cipher.encrypt(cipher.decrypt(row[name]))
                for name in ("access_token", "refresh_token", "client_secret")
            }
            connection.execute(statement("clusters/save_secrets"), row | secrets)
    return len(rows)


def _parameters(
    name: str, endpoint: Endpoint, tokens: Tokens, cipher: Cipher | None, limits: Mapping[str, Any]
) -> dict[str, object]:
    access, refresh, secret = (
        cipher.encrypt(value) if cipher and value else None
        for value in (tokens.access, tokens.refresh, tokens.client_secret)
    )
    changed = {key: "" if value is None else value for key, value in limits.items()}  # "": no sync window
    return {
        **vars(endpoint),
        **dict.fromkeys(vars(Manners())),
        **changed,
        "name": name,
        "access_token": access,
        "refresh_token": refresh,
        "client_id": tokens.client_id or None,
        "client_secret": secret,
    }


def _cluster(row: tuple[Any, ...]) -> Cluster:
    number, name, protocol, address, port, verify_ssl, ca_bundle, api_prefix, product, version, *rest = row
    enabled, removed_at, ends_at, end_exact, at_once, per_second, hours, listed_at = rest
    return Cluster(
        id=number,
        name=name,
        endpoint=Endpoint(protocol, address, port, verify_ssl, ca_bundle or None, api_prefix or None, cluster=name),
        product=product,
        product_version=version or None,
        enabled=enabled,
        removed_at=removed_at,
        token_end=TokenEnd(ends_at, bool(end_exact)) if ends_at else None,
        manners=Manners(at_once, float(per_second), hours or None),
        listed_at=listed_at,
    )
