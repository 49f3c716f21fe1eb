"""Recorded responses of real controllers: replayed verbatim, and their rows served to any other query."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from aap_simulator.answers import Answer
from aap_simulator.clock import Clock
from aap_simulator.products import PRODUCTS, Product
from aap_simulator.routes import Controller, place
from aap_simulator.world import World

RECORDED = Path(__file__).with_name("recorded")
FOLDERS = {"aap24": "aap_24", "aap25": "aap_25", "awx": "awx"}
# Left to the server, which knows the length it sends; `Date` is the simulator's clock.
OURS = frozenset({"content-length", "date"})
Key = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Exchange:
    """One recorded request with its answer; `body` is decoded JSON, or text."""

    file: str
    method: str
    path: str
    query: str
    authorization: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: Any

    @property
    def key(self) -> Key:
        """What makes two requests the same: the order and the escaping of the query do not matter."""
        return _key(self.method, self.path, self.query)

    def sent(self) -> bytes:
        """The body as bytes on the wire (the recorded lengths prove the compact form, and the spaced one for OAuth)."""
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body).encode() if "oauth" in self.file else orjson.dumps(self.body)


def _key(method: str, path: str, query: str) -> Key:
    return method, path, tuple(sorted(parse_qsl(query, keep_blank_values=True)))


def exchanges(product: str) -> list[Exchange]:
    """All recordings of a product ("aap24", "aap25" or "awx"), by file name."""
    return [_exchange(file) for file in sorted((RECORDED / FOLDERS[product]).glob("*.json"))]


def _exchange(file: Path) -> Exchange:
    recorded = json.loads(file.read_text())
    if "request" in recorded:
        request, response = recorded["request"], recorded["response"]
        headers = tuple((name, value) for name, value in response["headers"])
        authorization = request["headers"].get("Authorization", "")
        method, url, status, body = request["method"], request["url"], response["status"], response["body"]
    else:
        method, url, status = recorded.get("method", "GET"), recorded["url"], recorded["status"]
        headers = tuple(recorded["headers"].items())
        authorization = "" if status == 401 else "Bearer"
        body = recorded["json_body"] if "json_body" in recorded else recorded["body"]
    parts = urlsplit(url)
    return Exchange(file.name, method, parts.path, parts.query, authorization.split(" ")[0], status, headers, body)


@dataclass
class Recording:
    """Answers the exact recorded requests. What depends on the caller or on a token's life (401, 403, refresh) is
    left to the controller,
    whose answers are the recorded ones."""

    product: Product
    by_key: dict[Key, Exchange] = field(default_factory=dict)

    def answer(self, method: str, path: str, query: str, authorization: str, controller: Controller) -> Answer | None:
        """The recorded answer to a request, or None when the engine has to answer."""
        exchange = self.by_key.get(_key(method, path, query))
        if exchange is None or controller.world.changed:
            return None
        where = place(path, self.product)
        if where.kind not in ("ping", "gateway_ping", "outside", "unknown"):
            account = controller.tokens.account_of(authorization)
            if account is None or not account.sees_jobs:
                return None
            job = controller.world.jobs.rows.get(where.id)
            if where.kind == "job" and (job is None or orjson.dumps(job.detail_document()) != exchange.sent()):
                return None
        names = {name.lower(): value for name, value in exchange.headers if name.lower() not in OURS}
        names.setdefault(
            "content-type", "application/json" if not isinstance(exchange.body, str) else "text/html; charset=utf-8"
        )
        return Answer(
            exchange.status,
            exchange.sent(),
            verbatim=[(name.encode(), value.encode()) for name, value in names.items()],
        )


class ReplayWorld(World):
    """The recorded rows of a product.

    AAP 2.4 and 2.5: 4 jobs with one host summary each, complete. AWX: the 35 job rows that were recorded in lists and
    details. Host
    summaries were recorded for jobs 12 (all 16), 5011 (three of 450, its row was not recorded, so it is not a job
    here) and 5017 (likewise
    not here); all other jobs have none. Job 5012 was recorded before and after its stats event: it waits for
    `deliver_summaries(5012)`,
    after which its detail is the later recording (its host summaries were recorded only before, when there were
    none). Counts are those of
    the rows that are here, except in a verbatim answer to an exact recorded request. A changed world answers from its
    state alone: see `Recording`.
    """

    def __init__(self, name: str, clock: Clock | None = None) -> None:
        super().__init__(PRODUCTS[name], clock)
        recorded = [
            exchange for exchange in exchanges(name) if exchange.status == 200 and isinstance(exchange.body, dict)
        ]
        lists: dict[str, dict[int, dict[str, Any]]] = {}
        summaries: dict[int, dict[int, dict[str, Any]]] = {}
        details: dict[int, list[dict[str, Any]]] = {}
        labels: dict[int, tuple[int, ...]] = {}
        for exchange in recorded:
            where = place(exchange.path.rstrip("/") + "/", self.product)
            rows = {row["id"]: row for row in exchange.body.get("results", ())}
            if where.kind == "job":
                details.setdefault(where.id, []).append(exchange.body)
            elif where.kind == "host_summaries":
                summaries.setdefault(where.id, {}).update(rows)
            elif where.kind == "job_labels":
                labels[where.id] = tuple(rows)
            elif where.prefix == self.product.prefix:
                lists.setdefault(where.kind, {}).update(rows)
        for kind, found in lists.items():
            if kind in self.objects:
                self.load_objects(kind, found.values())
        self._known_labels(lists)
        for id_, row in lists["jobs"].items():
            self._load(row, list(summaries.get(id_, {}).values()), labels.get(id_), details.get(id_, []))

    def _known_labels(self, lists: dict[str, dict[int, dict[str, Any]]]) -> None:
        """Labels that jobs show but that no list recorded, so that `/jobs/ID/labels/` agrees with the job."""
        known = dict(lists.get("labels", {}))
        for row in lists["jobs"].values():
            for label in row["summary_fields"]["labels"]["results"]:
                if label["id"] not in known:
                    known[label["id"]] = self._label(label, row)
        self.load_objects("labels", known.values())

    def _label(self, label: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
        prefix, org = self.product.prefix, job["summary_fields"]["organization"]
        return {
            "id": label["id"],
            "type": "label",
            "url": f"{prefix}/labels/{label['id']}/",
            "related": {"organization": f"{prefix}/organizations/{org['id']}/"},
            "summary_fields": {"organization": org},
            "created": job["created"],
            "modified": job["created"],
            "name": label["name"],
            "organization": org["id"],
        }

    def _load(
        self,
        row: dict[str, Any],
        summaries: list[dict[str, Any]],
        labels: tuple[int, ...] | None,
        details: list[dict[str, Any]],
    ) -> None:
        shown = tuple(label["id"] for label in row["summary_fields"]["labels"]["results"])
        waits = row["finished"] is None or any(detail["host_status_counts"] is None for detail in details)
        job = self.load_job(row, summaries, labels or shown, stats=not waits)
        job.details = sorted(details, key=lambda detail: detail["host_status_counts"] is not None)


def recording(name: str) -> Recording:
    """The verbatim answers of a product."""
    found = exchanges(name)
    kept = {
        exchange.key: exchange for exchange in found if exchange.status not in (401, 403) and exchange.method == "GET"
    }
    for exchange in found:
        if exchange.file.endswith("_before_stats_event.json"):
            kept[exchange.key] = exchange
    return Recording(PRODUCTS[name], kept)
