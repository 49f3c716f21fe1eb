"""The fast parser and a slow, obvious one agree on every column."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from aap_pipeline.core.parse import parse
from aap_pipeline.core.rejected import replay
from aap_pipeline.database.connection import Connection
from aap_pipeline_tests.core.helpers import add_cluster, add_raw, quarantine
from aap_pipeline_tests.core.mutations import mutate
from aap_pipeline_tests.core.oracle import Oracle
from aap_pipeline_tests.core.tables import assert_same, tables_of
from aap_pipeline_tests.recorded import job_documents, organization_documents, template_documents
from aap_simulator.generate import generate

Document = dict[str, Any]
FUZZ_DOCUMENTS = int(os.environ.get("AAP_PIPELINE_FUZZ_DOCUMENTS", "1500"))
"""How many mutated documents to try: about 600 a second and core."""
_FIRST_SEED = int(os.environ.get("AAP_PIPELINE_FUZZ_SEED", "1"))
SEEDS = range(_FIRST_SEED, _FIRST_SEED + 3)
"""Other seeds try other documents."""


def generated(jobs: int, seed: int = 1) -> Iterator[Document]:
    """Raw documents of the simulator's generator, odd cases included, labels complete; the same at any time."""
    until = datetime(2026, 3, 1, tzinfo=UTC)
    generator = generate(jobs=jobs, seed=seed, until=until, hosts=200, hosts_per_job=3.0, days=30)
    for spec, (document, summaries) in zip(generator.specs(), generator.documents(), strict=False):
        labels = document["summary_fields"]["labels"]
        labels["results"] = [{"id": label.id, "name": label.name} for label in spec.labels]
        yield {**document, "job_host_summaries": summaries}


@pytest.mark.parametrize("product", ["aap_24", "aap_25", "awx"])
def test_recorded_documents_become_the_same_rows_in_both_parsers(
    connection: Connection, database_url: str, product: str
) -> None:
    """Guards against a column that takes the wrong field of what real controllers sent."""
    cluster_id, oracle = add_cluster(connection), Oracle()
    for kind, documents in (
        ("organization", organization_documents(product)),
        ("job_template", template_documents(product)),
        ("job", job_documents(product)),
    ):
        add_raw(connection, cluster_id, documents, kind)
        for document in documents:
            oracle.take(document, kind)
    parse(database_url, cluster_id)
    assert not oracle.rejected
    assert_same(tables_of(connection, cluster_id), oracle)


def test_generated_documents_become_the_same_rows_in_both_parsers(connection: Connection, database_url: str) -> None:
    """Guards against odd but legal documents (no template, no start, many labels, lost hosts) stored wrong."""
    cluster_id, oracle = add_cluster(connection), Oracle()
    documents = list(generated(1_500))
    add_raw(connection, cluster_id, documents)
    for document in documents:
        oracle.take(document)
    parse(database_url, cluster_id, batch_size=400)
    assert not oracle.rejected
    assert_same(tables_of(connection, cluster_id), oracle)


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
def test_mutated_documents_are_stored_right_or_quarantined(
    connection: Connection, database_url: str, seed: int
) -> None:
    """Guards against a document that crashes the parse, sinks its neighbours or is dropped; known jobs come again."""
    rng, cluster_id, oracle = random.Random(seed), add_cluster(connection), Oracle()
    originals = {
        "job": [*job_documents("awx"), *generated(150, seed)],
        "job_template": template_documents("awx"),
        "organization": organization_documents("awx"),
        "job_template_gone": [{"ids": [7, 9]}, {"ids": [26]}],
    }
    originals["job_settled"] = [{"ids": [job["id"] for job in rng.sample(originals["job"], 5)]} for _ in range(20)]
    kinds = [*["job"] * 15, "job_template", "job_template", "organization", "job_template_gone", "job_settled"]
    for _ in range(FUZZ_DOCUMENTS // 1_500 or 1):
        for kind in rng.choices(kinds, k=min(FUZZ_DOCUMENTS, 1_500) // 3):
            document = mutate(rng.choice(originals[kind]), rng)
            provisional = rng.random() < 0.1
            oracle.take(document, kind, provisional=provisional)
            add_raw(connection, cluster_id, [document], kind, provisional=provisional)
        parse(database_url, cluster_id, batch_size=rng.choice([1, 7, 100, 1_000]))
        assert_same(tables_of(connection, cluster_id), oracle)
    assert oracle.rejected
    assert oracle.jobs


def test_documents_with_nul_characters_are_stored_where_core_does_not_need_them(
    connection: Connection, database_url: str
) -> None:
    """Guards against a NUL in extra_vars that loses a job, and one in a name that sinks the batch."""
    rng, cluster_id, oracle = random.Random(4), add_cluster(connection), Oracle()
    for original in generated(150, 4):
        document = mutate({**original, "extra_vars": "{}"}, rng, nul=True)
        if "\\u0000" not in json.dumps(document):
            continue
        identity = document.get("id")
        quarantine(
            connection,
            cluster_id,
            external_id=identity if type(identity) is int and abs(identity) < 2**63 else None,
            reason="nul_character",
            message="JSONB takes no NUL character.",
            document=json.dumps(document),
        )
        oracle.take(document, replayed=True)
    connection.commit()
    replay(database_url)
    assert oracle.rejected
    assert oracle.jobs
    assert_same(tables_of(connection, cluster_id), oracle)
