"""Metrics for Prometheus: true, complete, and honest about a database that is gone."""

from __future__ import annotations

import socket
import urllib.request

import pytest

from aap_pipeline.database.connection import connect
from aap_pipeline.errors import PipelineError
from aap_pipeline.health import metrics

_CLUSTERS = """
INSERT INTO clusters_cluster (protocol, address, port, access_token, name)
    VALUES ('https', 'a', 443, '', 'a:b-c.d_e'), ('https', 'b', 443, '', 'new');
INSERT INTO clusters_clustersyncstatus (cluster_id, last_job_finished_date) VALUES (1, to_timestamp(1000));
INSERT INTO pipeline.sync_run (cluster_id, outcome, finished_at, jobs_stored, lag_seconds)
    VALUES (1, 'succeeded', to_timestamp(2000), 7, 12.5);
INSERT INTO pipeline.sync_run (cluster_id, kind, outcome, finished_at) VALUES (1, 'backfill', 'succeeded', now());
INSERT INTO pipeline.sync_run (cluster_id, outcome, retries) VALUES (1, 'failed', '{"503": 2, "timeout": 1}');
INSERT INTO pipeline.rejected_record (cluster_id, reason, message, document) VALUES (1, 'x', 'x', '{}');
INSERT INTO pipeline.pending_summaries (cluster_id, external_id, finished, given_up)
    VALUES (1, 7, now(), false), (1, 8, now(), true);
"""


def _get(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


@pytest.fixture
def port(starts_server: None) -> int:
    """A port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_each_cluster_has_its_samples(database_url: str, port: int) -> None:
    """Guards against a failing cluster that looks well, and labels that Prometheus refuses."""
    with connect(database_url) as connection:
        connection.execute(_CLUSTERS)
        connection.execute("UPDATE clusters_cluster SET token_ends_at = to_timestamp(5000) WHERE id = 1")
    with metrics.serving(database_url, port):
        lines = _get(port).splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    label = '{cluster="a:b-c.d_e"}'
    assert found["aap_pipeline_up"] == "1.0"
    for name, value in {
        "watermark_timestamp_seconds": 1000,
        "last_success_timestamp_seconds": 2000,
        "token_expires_timestamp_seconds": 5000,
        "last_sync_failed": 1,
        "sync_lag_seconds": 12.5,
        "last_success_jobs": 7,
        "last_sync_retries": 3,
        "rejected_documents": 1,
        "provisional_jobs": 1,
    }.items():
        assert float(found[f"aap_pipeline_{name}{label}"]) == value, name
    assert 'aap_pipeline_last_success_jobs{cluster="new"}' not in found


def test_a_database_without_the_schema_is_an_answer_too(empty_database_url: str, port: int) -> None:
    """Guards against a scrape that fails while a migration is pending."""
    with metrics.serving(empty_database_url, port):
        assert "aap_pipeline_up 0.0" in _get(port).splitlines()


def test_a_database_that_is_gone_is_an_answer_too(port: int) -> None:
    """Guards against a scrape that fails just when it matters, and against a second server on one port."""
    with metrics.serving("postgresql://u@127.0.0.1:1/w", port):
        assert "aap_pipeline_up 0.0" in _get(port).splitlines()
        with pytest.raises(PipelineError, match="Use another port"), metrics.serving("", port):
            pass
