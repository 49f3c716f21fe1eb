"""A second parser, slow and obvious: one document at a time, plain dictionaries, written from the rules and not from
the code under test. What it holds at the end is what `tables_of` must read from the database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, get_type_hints

from aap_pipeline.documents.fingerprint import fingerprint
from aap_pipeline.documents.records import DatabaseColumn, ListedJob

Document = dict[str, Any]
STATUSES = {"new", "pending", "waiting", "running", "successful", "failed", "error", "canceled"}
FINISHED = {"successful", "failed", "error", "canceled"}
COUNTERS = ("changed", "dark", "failures", "ok", "processed", "skipped", "ignored", "rescued")
PLAIN = ("project", "inventory", "execution_environment", "instance_group")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")


class Bad(Exception):
    """The document must be quarantined."""


def check(condition: bool) -> None:
    if not condition:
        raise Bad


def text(value: Any, longest: int | None = None) -> str:
    check(isinstance(value, str) and "\0" not in value and (longest is None or len(value) <= longest))
    return str(value)


def identity(value: Any) -> int:
    check(type(value) is int and 1 <= value < 2**31)
    return int(value)


def counter(value: Any) -> int:
    check(type(value) is int and 0 <= value < 2**31)
    return int(value)


def flag(value: Any) -> bool:
    check(isinstance(value, bool))
    return bool(value)


def moment(value: Any) -> datetime:
    check(isinstance(value, str) and _MOMENT.fullmatch(value) is not None)
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise Bad from None
    check(1970 <= parsed.year < 2200)
    return parsed.astimezone(UTC)


def number(value: Any) -> Decimal:
    check(isinstance(value, int | Decimal | str) and not isinstance(value, bool))
    try:
        parsed = Decimal(value)
    except InvalidOperation:
        raise Bad from None
    check(parsed.is_finite() and parsed < Decimal(10) ** 12 - 1)
    return parsed


def maybe(document: Any, key: str, rule: Callable[[Any], Any]) -> Any:
    """The value of an optional key, null when absent."""
    value = document.get(key)
    return None if value is None else rule(value)


BY_TYPE: dict[str, Callable[[Any], Any]] = {
    "int4": counter,
    "text": text,
    "bool": flag,
    "timestamptz": moment,
    "numeric": number,
}


def part(document: Document, key: str, *, nullable: bool = True) -> Document | None:
    value: Any = document.get(key)
    if value is None and (nullable or key not in document):
        return None
    check(isinstance(value, dict))
    return dict(value)


def named(document: Any, key: str, longest: int = 512) -> Document | None:
    found = part(document, key)
    if found is None:
        return None
    return {
        "id": maybe(found, "id", identity),
        "name": maybe(found, "name", lambda value: text(value, longest)),
        "description": maybe(found, "description", text),
    }


def canonical(document: str) -> str:
    """JSON with its keys in order and its numbers written in one way, as jsonb may write them in another."""

    def exact(number: str) -> str:
        return f"number {Decimal(number).normalize()}"

    return json.dumps(json.loads(document, parse_int=exact, parse_float=exact), sort_keys=True)


@dataclass
class Oracle:
    """The tables of one cluster, by natural keys; minutes are those of new templates."""

    named: dict[str, dict[int, Document]] = field(
        default_factory=lambda: {name: {} for name in ("organization", "label", *PLAIN)}
    )
    templates: dict[int, Document] = field(default_factory=dict)
    hosts: dict[int | str, Document] = field(default_factory=dict)
    launchers: dict[tuple[str, int | str], str] = field(default_factory=dict)
    jobs: dict[int, Document] = field(default_factory=dict)
    summaries: dict[int, list[Document]] = field(default_factory=dict)
    rejected: dict[tuple[str, int | None], list[tuple[str, bool]]] = field(default_factory=dict)
    replaying: bool = field(default=False, compare=False)
    digest: bytes = field(default=b"", compare=False)

    def take(self, document: Any, kind: str = "job", *, provisional: bool = False, replayed: bool = False) -> None:
        """Store one raw document, or reject it. What a replayed one says of known things is out of date."""
        external_id = document.get("id") if isinstance(document, dict) else None
        key = (kind, external_id if type(external_id) is int and 0 < external_id < 2**31 else None)
        exact = json.loads(json.dumps(document), parse_float=Decimal)
        try:
            check(isinstance(exact, dict))
            copy = Oracle()  # a document is checked whole before anything of it is stored
            getattr(copy, f"_{kind}")(exact, provisional)
        except Bad:
            others = self.rejected.get(key, []) if key[1] is None else []
            self.rejected[key] = sorted([*others, (canonical(json.dumps(document)), provisional)])
            return
        self.replaying, self.digest = replayed, fingerprint(json.dumps(document).encode(), kind)
        getattr(self, f"_{kind}")(exact, provisional)
        if key[1] is not None:  # a refused record without an id is never known to be outdated
            self.rejected.pop(key, None)

    def _organization(self, document: Document, _: bool) -> None:
        external_id = identity(document.get("id"))
        name, description = text(document.get("name"), 512), maybe(document, "description", text)
        self._mention("organization", external_id, name, description)
        if not self.replaying:
            self.named["organization"][external_id]["fingerprint"] = self.digest

    def _job_template(self, document: Document, _: bool) -> None:
        external_id, name = identity(document.get("id")), text(document.get("name"), 512)
        description = maybe(document, "description", text)
        fields = part(document, "summary_fields", nullable=False) or {}
        organization = self._reference(document, fields, "organization")
        self._template(external_id, name, description)
        if self.templates[external_id]["organization"] is None:
            self.templates[external_id]["organization"] = organization
        if not self.replaying:
            self.templates[external_id] |= {"organization": organization, "removed": False, "fingerprint": self.digest}

    def _job_template_gone(self, document: Document, _: bool) -> None:
        check(isinstance(document.get("ids"), list))
        for external_id in [identity(value) for value in document["ids"]]:
            if external_id in self.templates:
                self.templates[external_id] |= {"removed": True, "fingerprint": None}

    def _job_settled(self, document: Document, _: bool) -> None:
        check(isinstance(document.get("ids"), list))
        for external_id in [identity(value) for value in document["ids"]]:
            if external_id in self.jobs:
                self.jobs[external_id]["provisional"] = False

    def _job(self, document: Document, provisional: bool) -> None:
        external_id = identity(document.get("id"))
        name = text(document.get("name"), 512)
        status = text(document.get("status"))
        check(status in STATUSES)
        fields = part(document, "summary_fields", nullable=False) or {}
        started, finished = maybe(document, "started", moment), maybe(document, "finished", moment)
        created, modified = maybe(document, "created", moment), maybe(document, "modified", moment)
        elapsed = maybe(document, "elapsed", number)
        check(status not in FINISHED or (finished is not None and elapsed is not None))
        check((started or finished or created) is not None if status in FINISHED else (started or created) is not None)
        backwards = (elapsed or 0) < 0 or (started is not None and finished is not None and finished < started)
        check(status in FINISHED or not backwards)
        failed = maybe(document, "failed", flag)
        created_by = part(fields, "created_by")
        user = created_by and {
            "id": maybe(created_by, "id", identity),
            "name": maybe(created_by, "username", lambda value: text(value, 512)),
            "type": "user",
        }
        job = {
            "type": maybe(document, "type", lambda value: text(value, 20)) or "job",
            "job_type": maybe(document, "job_type", lambda value: text(value, 20)) or "run",
            "launch_type": maybe(document, "launch_type", lambda value: text(value, 20)) or "manual",
            "job_slice_number": maybe(document, "job_slice_number", counter),
            "job_slice_count": maybe(document, "job_slice_count", counter),
            "name": name[:255],
            "full_name": name if len(name) > 255 else None,
            "description": maybe(document, "description", text),
            "status": status,
            "started": finished if backwards else started or finished or created,
            "never_started": started is None,
            "finished": finished,
            "clock_ran_backwards": backwards,
            "elapsed": Decimal(0 if backwards else elapsed or 0).quantize(Decimal("0.001"), ROUND_HALF_UP),
            "failed": status in FINISHED - {"successful"} if failed is None else failed,
            "created": created,
            "modified": modified,
            "provisional": provisional,
            "fingerprint": self.digest,
            "organization": self._reference(document, fields, "organization"),
            "job_template": self._reference(document, fields, "job_template"),
            **{key: self._reference(document, fields, key) for key in PLAIN},
            "launched_by": self._launcher(part(document, "launched_by"), user),
            "labels": self._labels(fields),
        }
        for key, hint in get_type_hints(ListedJob, include_extras=True).items():
            for column in getattr(hint, "__metadata__", ()):
                if (
                    isinstance(column, DatabaseColumn) and key not in job and key != "id"
                ):  # a field without a rule of its own
                    job[column.name or key] = maybe(document, key, BY_TYPE[column.type])
        before = self.jobs.get(external_id, {})  # what is gone at the controller stays here
        job |= {key: before.get(key) for key in ("organization", "job_template", *PLAIN) if job[key] is None}
        if (document.get("launched_by") is None or job["launched_by"] is None) and before.get("launched_by"):
            job["launched_by"] = before["launched_by"]
        summaries = self._summaries(document, external_id)
        job["num_hosts"] = len(summaries)
        for key in (*COUNTERS, "failed"):
            job[f"{key}_hosts_count"] = sum(1 for each in summaries if each[key] > 0)
        self.jobs[external_id] = job
        self.summaries[external_id] = summaries

    def _reference(self, document: Document, fields: Document, key: str) -> int | None:
        found, external_id = named(fields, key), maybe(document, key, identity)
        if external_id is None and found is not None:
            external_id = found["id"]
        if external_id is None:
            return None
        own = found is not None and found["id"] in (None, external_id)
        name, description = (found["name"], found["description"]) if own and found else (None, None)
        if key == "job_template":
            self._template(external_id, name, description)
        else:
            self._mention(key, external_id, name, description)
        return int(external_id)

    def _mention(self, kind: str, external_id: int, name: str | None, description: str | None) -> None:
        fresh: Document = {"name": f"#{external_id}"}
        if kind != "label":
            fresh["description"] = None
        if kind == "organization":
            fresh["fingerprint"] = None
        if self.replaying and external_id in self.named[kind]:
            return
        stored = self.named[kind].setdefault(external_id, fresh)
        stored["name"] = stored["name"] if name is None else name
        if kind == "label":
            return
        stored["description"] = stored["description"] if description is None else description

    def _template(self, external_id: int, name: str | None, description: str | None) -> None:
        fresh = {
            "name": f"#{external_id}",
            "full_name": None,
            "description": None,
            "organization": None,
            "removed": False,
            "fingerprint": None,
            "time_taken_manually_execute_minutes": 60,
            "time_taken_create_automation_minutes": 60,
        }
        if self.replaying and external_id in self.templates:
            return
        stored = self.templates.setdefault(external_id, fresh)
        if name is not None:
            stored["name"], stored["full_name"] = name[:255], name if len(name) > 255 else None
        stored["description"] = stored["description"] if description is None else description

    def _launcher(self, launcher: Document | None, user: Document | None) -> tuple[str, int | str] | None:
        found = launcher if launcher is not None else user
        if found is None:
            return None
        type_ = maybe(found, "type", lambda value: text(value, 50)) or "user"
        external_id, name = maybe(found, "id", identity), maybe(found, "name", lambda value: text(value, 512))
        if external_id is None and name is None:
            return None
        key = (type_, name if external_id is None else external_id)
        if (name is not None and not self.replaying) or key not in self.launchers:
            self.launchers[key] = name if name is not None else f"#{external_id}"
        return key

    def _labels(self, fields: Document) -> frozenset[int]:
        labels = part(fields, "labels")
        if labels is None:
            return frozenset()
        count, results = maybe(labels, "count", counter), labels.get("results", [])
        check(isinstance(results, list) and all(isinstance(each, dict) for each in results))
        found = [(identity(each.get("id")), text(each.get("name"), 512)) for each in results]
        check(not (len(found) <= 10 < (count or 0)))
        for external_id, name in found:
            self._mention("label", external_id, name, None)
        return frozenset(external_id for external_id, _ in found)

    def _summaries(self, document: Document, job: int) -> list[Document]:
        listed = document.get("job_host_summaries")
        check(isinstance(listed, list))
        found: dict[int, Document] = {}
        for each in listed or []:
            check(isinstance(each, dict))
            of_job = maybe(each, "job", identity)
            check(of_job is None or of_job == job)
            row: Document = {key: counter(each.get(key, 0)) for key in COUNTERS}
            row |= {"failed": flag(each.get("failed", False)), "created": moment(each.get("created"))}
            row["modified"] = moment(each.get("modified"))
            host_name = maybe(each, "host_name", lambda value: text(value, 1024))
            row["host_name"] = (host_name or "")[:255]
            fields = part(each, "summary_fields") or {}
            row["host"] = self._host(maybe(each, "host", identity), host_name, named(fields, "host", 1024))
            found[identity(each.get("id"))] = row
        return sorted(found.values(), key=repr)

    def _host(self, external_id: int | None, host_name: str | None, known: Document | None) -> int | str:
        if external_id is None and known is not None:
            external_id = known["id"]
        if external_id is None:
            self.hosts.setdefault(host_name or "", {"name": host_name or "", "description": None})
            return host_name or ""
        own = known is not None and known["id"] in (None, external_id)
        name = (known["name"] if own and known else None) or host_name
        if self.replaying and external_id in self.hosts:
            return external_id
        stored = self.hosts.setdefault(external_id, {"name": f"#{external_id}", "description": None})
        stored["name"] = stored["name"] if name is None else name
        if own and known and known["description"] is not None:
            stored["description"] = known["description"]
        return external_id
