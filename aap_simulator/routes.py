"""The controller's URLs over a world, without faults and HTTP."""

import json
from dataclasses import dataclass
from typing import Any

from aap_simulator import cost
from aap_simulator.answers import (
    FORBIDDEN,
    HTML_404,
    NO_SUCH_URL,
    NOT_AUTHENTICATED,
    NOT_FOUND,
    Answer,
    html_answer,
    json_answer,
)
from aap_simulator.clock import wire
from aap_simulator.pages import UNTOUCHED, Tampering, page
from aap_simulator.products import Product
from aap_simulator.rows import Job
from aap_simulator.schema import JOBS, LABELS, OBJECTS
from aap_simulator.table import RowT, Table
from aap_simulator.token_rows import gateway_user, token_table
from aap_simulator.tokens import Account, TokenStore
from aap_simulator.world import World

CHALLENGE = [(b"www-authenticate", b"Bearer realm=api authorization_url=/api/o/authorize/")]
VARY_COOKIE = b"Accept, Accept-Language, origin, Cookie"
NO_STORE = [(b"cache-control", b"no-store"), (b"pragma", b"no-cache")]
GATEWAY = {
    "/api/gateway/v1/ping/": "gateway_ping",
    "/api/gateway/v1/me/": "gateway_me",
    "/api/gateway/v1/tokens/": "tokens",
}
DETAIL_ALLOWS = b"GET, DELETE, HEAD, OPTIONS"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: what kind of endpoint (for logs and faults), under which prefix, with which id."""

    kind: str
    prefix: str = ""
    id: int = 0


def place(path: str, product: Product) -> Place:
    """Read a path.

    Kinds beside those of endpoints: "missing_slash" (only the last slash is missing), "unknown" (no such URL below the
    API), "outside" (not below the API), and "LIST/" for one object of a list ("organizations/").
    """
    if path == product.token_path:
        return Place("token")
    if path in GATEWAY and product.gateway_version:
        return Place(GATEWAY[path])
    for prefix in product.prefixes:
        if path == f"{prefix}/tokens/" and not product.gateway_version:
            return Place("tokens", prefix)
        if path.startswith(prefix + "/"):
            return _under(path[len(prefix) + 1 :], prefix)
    return Place("outside")


def _under(rest: str, prefix: str) -> Place:
    parts = rest.split("/")
    if parts[-1] != "":
        return Place("missing_slash" if _under(rest + "/", prefix).kind != "unknown" else "unknown", prefix)
    match parts[:-1]:
        case ["ping" | "me" | "jobs" as name]:
            return Place(name, prefix)
        case [name] if name in OBJECTS:
            return Place(name, prefix)
        case ["jobs", number] if number.isdecimal():
            return Place("job", prefix, int(number))
        case ["jobs", number, "job_host_summaries"] if number.isdecimal():
            return Place("host_summaries", prefix, int(number))
        case ["hosts", number, "job_host_summaries"] if number.isdecimal():
            return Place("summaries_of_host", prefix, int(number))
        case ["jobs", number, "labels"] if number.isdecimal():
            return Place("job_labels", prefix, int(number))
        case [name, number] if name in OBJECTS and number.isdecimal():
            return Place(f"{name}/", prefix, int(number))
    return Place("unknown", prefix)


class Controller:
    """Answers requests from a world and a token store; the world's lock is held meanwhile."""

    def __init__(self, world: World, tokens: TokenStore) -> None:
        self.world = world
        self.tokens = tokens
        self.product = world.product
        self._nothing: Table[Job] = Table(JOBS)

    def get(self, where: Place, path: str, query: str, authorization: str, tampering: Tampering = UNTOUCHED) -> Answer:
        """Answer a GET."""
        if where.kind == "missing_slash":
            location = f"{path}/?{query}" if query else f"{path}/"
            return html_answer(301, "", extra=[(b"location", location.encode())])
        if where.kind == "outside":
            gateway = bool(self.product.gateway_version)
            return html_answer(404, HTML_404) if gateway else json_answer(404, NO_SUCH_URL, known_url=False)
        if where.kind == "unknown":
            return json_answer(404, NO_SUCH_URL, known_url=False)
        if where.kind in ("ping", "gateway_ping"):
            return self._ping() if where.kind == "ping" else self._gateway_ping()
        if where.kind == "token":
            return json_answer(405, {"detail": 'Method "GET" not allowed.'}, known_url=False)
        account = self.tokens.account_of(authorization)
        if account is None:
            return json_answer(401, NOT_AUTHENTICATED, authenticated=False, extra=CHALLENGE, vary=VARY_COOKIE)
        with self.world.lock:
            self.world.advance()
            answer = self._authenticated(where, path, query, account, tampering)
        if authorization[:6].lower() == "basic ":
            answer.vary = VARY_COOKIE
        if where.prefix not in ("", self.product.prefix) and answer.status == 200:
            answer.body = answer.body.replace(f'"{self.product.prefix}/'.encode(), f'"{where.prefix}/'.encode())
        return answer

    def _authenticated(self, where: Place, path: str, query: str, account: Account, tampering: Tampering) -> Answer:
        world = self.world
        if where.kind == "jobs":
            return self._page(world.jobs if account.sees_jobs else self._nothing, path, query, tampering)
        if where.kind == "me":
            return self._me(account, where.prefix)
        if where.kind == "gateway_me":
            return json_answer(200, {"count": 1, "next": None, "previous": None, "results": [gateway_user(account)]})
        if where.kind == "tokens":
            return self._page(token_table(self.tokens, self.product, account), path, query, tampering)
        if where.kind in world.objects:
            table = world.objects[where.kind]
            return self._page(table if account.sees_jobs else Table(table.schema), path, query, tampering)
        if where.kind.endswith("/"):
            return self._object(where)
        if where.kind == "summaries_of_host":
            if where.id not in world.objects["hosts"].rows:
                return json_answer(404, NOT_FOUND)
            if not account.sees_jobs:
                return json_answer(403, FORBIDDEN)
            return self._page(world.summaries_of_host(where.id), path, query, tampering)
        return self._of_job(where, path, query, account, tampering)

    def _page(self, table: Table[RowT], path: str, query: str, tampering: Tampering) -> Answer:
        return page(table, path, query, tampering, self.world.max_page_size)

    def _of_job(self, where: Place, path: str, query: str, account: Account, tampering: Tampering) -> Answer:
        job = self.world.jobs.rows.get(where.id)
        detail = where.kind == "job"
        allow = DETAIL_ALLOWS if detail else b"GET, HEAD, OPTIONS"
        if job is None:
            body = {"detail": "No Job matches the given query."} if detail else NOT_FOUND
            return json_answer(404, body, allow=allow)
        if not account.sees_jobs:
            return json_answer(403, FORBIDDEN, allow=allow)
        if detail:
            return json_answer(200, job.detail_document(), allow=allow)
        if where.kind == "job_labels":
            known = self.world.objects["labels"].rows
            return self._page(Table(LABELS, (known[id_] for id_ in job.labels if id_ in known)), path, query, tampering)
        return self._page(job.summary_table(), path, query, tampering)

    def _object(self, where: Place) -> Answer:
        table = self.world.objects[where.kind[:-1]]
        row = table.rows.get(where.id)
        if row is None:
            return json_answer(
                404, {"detail": f"No {table.schema.model} matches the given query."}, allow=DETAIL_ALLOWS
            )
        return Answer(200, row.json, allow=DETAIL_ALLOWS)

    def _me(self, account: Account, prefix: str) -> Answer:
        user = {
            "id": account.id,
            "type": "user",
            "url": f"{prefix}/users/{account.id}/",
            "related": {},
            "summary_fields": {"user_capabilities": {"edit": True, "delete": False}},
            "created": "2024-01-02T08:30:15.250000Z",
            "modified": "2024-01-02T08:30:15.250000Z",
            "username": account.username,
            "first_name": "",
            "last_name": "",
            "email": "",
            "is_superuser": account.is_superuser,
            "is_system_auditor": account.is_system_auditor,
            "last_login": None,
        }
        page = {"count": 1, "next": None, "previous": None, "results": [user]}
        return json_answer(200, page, cost=cost.ACCOUNT)

    def _ping(self) -> Answer:
        product = self.product
        node = product.node
        instance = {
            "node": node,
            "node_type": "hybrid",
            "uuid": "eba627ff-78dd-4aaa-8b46-6e539880b808",
            "heartbeat": wire(self.world.clock.now()),
        }
        groups = [{"name": name, "capacity": 136, "instances": [node]} for name in ("controlplane", "default")]
        body = {
            "ha": False,
            "version": product.controller_version,
            "active_node": node,
            "install_uuid": product.install_uuid,
            "instances": [{**instance, "capacity": 136, "version": product.controller_version}],
            "instance_groups": groups,
        }
        return json_answer(200, body, authenticated=False, cost=cost.PING)

    def _gateway_ping(self) -> Answer:
        now = self.world.clock.now().replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
        version = self.product.gateway_version
        body = {"status": "good", "version": version, "pong": now, "db_connected": True, "proxy_connected": True}
        return json_answer(200, body, known_url=False, extra=[(b"x-api-product-name", b"AAP gateway")], cost=cost.PING)

    def refresh(self, authorization: str, form: str) -> Answer:
        """Answer a POST to the token endpoint."""
        outcome = self.tokens.refresh(authorization, form)
        if outcome.error == "expired":
            return html_answer(403, "The refresh token has expired.")
        if outcome.pair is None:
            status = 401 if outcome.error == "invalid_client" else 400
            challenge = [(b"www-authenticate", b'Bearer error="invalid_client"')] if status == 401 else []
            return _oauth(status, {"error": outcome.error}, challenge)
        body = {
            "access_token": outcome.pair.access_token,
            "expires_in": self.product.expires_in,
            "token_type": "Bearer",
            "scope": outcome.scope,
            "refresh_token": outcome.pair.refresh_token,
        }
        return _oauth(self.product.refresh_status, body, [])


def _oauth(status: int, body: dict[str, Any], extra: list[tuple[bytes, bytes]]) -> Answer:
    vary = b"Accept-Language, origin" + (b", Cookie" if status < 400 else b"")
    return Answer(status, json.dumps(body).encode(), known_url=False, extra=NO_STORE + extra, vary=vary)
