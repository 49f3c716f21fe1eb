"""The recorded answers of real controllers, as documents that tests parse."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import aap_simulator

Document = dict[str, Any]
FOLDER = Path(aap_simulator.__file__).parent / "recorded"


@cache
def _bodies(product: str, pattern: str) -> tuple[Any, ...]:
    answers = [json.loads(path.read_text()) for path in sorted((FOLDER / product).glob(pattern))]
    return tuple(answer.get("json_body") or answer.get("response", answer).get("body") for answer in answers)


def _results(product: str, pattern: str) -> list[Document]:
    listed = [body["results"] for body in _bodies(product, pattern) if isinstance(body, dict) and "results" in body]
    return [json.loads(json.dumps(row)) for rows in listed for row in rows]


def job_documents(product: str) -> list[Document]:
    """Every recorded job of `product` (aap_24, aap_25, awx) with its recorded host summaries, as raw rows hold them."""
    summaries: dict[int, dict[int, Document]] = {}
    for summary in _results(product, "job*host_summar*.json"):
        summaries.setdefault(summary["job"], {})[summary["id"]] = summary
    jobs = _results(product, "jobs*.json" if product == "awx" else "jobs-1.json")
    complete = _results(product, "job_labels_15.json")
    for job in jobs:
        job["job_host_summaries"] = list(summaries.get(job["id"], {}).values())
        labels = job["summary_fields"]["labels"]
        if labels["count"] > len(labels["results"]):
            known = {label["id"] for label in labels["results"]}
            labels["results"] += [
                {"id": each["id"], "name": each["name"]} for each in complete if each["id"] not in known
            ]
    return jobs


def template_documents(product: str) -> list[Document]:
    """Every recorded job template."""
    return _results(product, "job_templates*.json")


def organization_documents(product: str) -> list[Document]:
    """Every recorded organization."""
    return _results(product, "organizations.json")
