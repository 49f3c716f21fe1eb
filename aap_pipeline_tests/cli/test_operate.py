"""`status` and `doctor`: what a person who is woken at night sees first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aap_pipeline.alerts.incidents import raise_incident, resolve_incident
from aap_pipeline.alerts.receivers import deliver, receivers
from aap_pipeline.alerts.settings import alert_settings
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.encryption import Cipher, new_key
from aap_pipeline.health.doctor import clock, daemon, disk
from aap_pipeline.runtime.instance import dagster_instance
from aap_pipeline.settings import Settings
from aap_pipeline_tests.cli.conftest import Cli

_CLUSTERS = """
INSERT INTO clusters_cluster (protocol, address, port, access_token, name)
    VALUES ('https', 'a', 443, '\\x00', 'prod'), ('https', 'b', 443, '\\x00', 'test');
INSERT INTO clusters_clustersyncstatus (cluster_id, last_job_finished_date) VALUES (1, '2026-01-02T03:04:05Z');
INSERT INTO pipeline.sync_run (cluster_id, outcome, finished_at) VALUES (1, 'succeeded', now() - interval '1 hour');
INSERT INTO pipeline.sync_run (cluster_id, kind, outcome, finished_at) VALUES (1, 'reconcile', 'succeeded', now());
INSERT INTO pipeline.sync_run (cluster_id, outcome, error) VALUES (1, 'failed', 'The controller is down.');
INSERT INTO pipeline.pending_summaries (cluster_id, external_id, finished, given_up)
    VALUES (1, 7, now(), false), (1, 8, now(), true);
INSERT INTO pipeline.changed_day (cluster_id, day) VALUES (1, '2026-01-02'), (1, '2026-01-02');
INSERT INTO pipeline.backfill (cluster_id, window_from, window_to, done_to)
    VALUES (1, '2025-01-01Z', 'infinity', '2025-03-12T10:00Z');
"""


def test_status_shows_each_cluster_and_fails_with_its_last_sync(cli: Cli, database_url: str) -> None:
    """Guards against a cluster that has been failing for days while the command says nothing."""
    assert "There is no cluster." in cli("status").out
    with connect(database_url) as connection:
        connection.execute(_CLUSTERS)
    outcome = cli("status", "--json")
    assert outcome.status == 1
    prod, test = json.loads(outcome.out)
    assert (prod["name"], prod["outcome"], prod["error"]) == ("prod", "failed", "The controller is down.")
    assert prod["watermark"] == "2026-01-02T03:04:05+00:00"
    assert prod["lag_seconds"] == pytest.approx(3600, abs=60)
    assert (prod["pending"], prod["rejected"], prod["unparsed"], prod["days_to_refresh"]) == (1, 0, 0, 1)
    assert (test["name"], test["watermark"], test["outcome"]) == ("test", None, None)
    shown = " ".join(cli("status").out.split())
    assert "The controller is down." in shown
    assert "prod: the backfill from 2025-01-01 00:00 to now has reached 2025-03-12 10:00 UTC." in shown
    assert "pause" not in shown
    with connect(database_url) as connection:
        connection.execute(
            "UPDATE clusters_cluster SET no_requests_before = now() + interval '1 hour' WHERE name = 'prod'"
        )
    assert "prod: its controller requested a pause until 2" in " ".join(cli("status").out.split())
    assert cli("clusters", "enable", "prod").status == 0
    assert "pause" not in cli("status").out


def test_a_cluster_that_is_silent_fails_status_and_warns_in_doctor(cli: Cli, database_url: str) -> None:
    """Guards against a controller that has not answered for days, so that no sync began and the last one is green."""

    def doctor() -> list[tuple[str, str]]:
        found = json.loads(cli("doctor", "--json").out)
        return [(each["verdict"], each["text"]) for each in found if each["subject"] == "clusters"]

    with connect(database_url) as connection:
        connection.execute(_CLUSTERS)
        connection.execute("DELETE FROM pipeline.sync_run WHERE outcome = 'failed'")
    assert cli("status").status == 0
    assert doctor() == [("ok", "None of 2 is stale.")]
    with connect(database_url) as connection:
        connection.execute("UPDATE pipeline.sync_run SET finished_at = now() - interval '5 days'")
        connection.execute("UPDATE clusters_cluster SET internal_created = NULL, internal_modified = NULL")
        connection.execute("UPDATE clusters_clustersyncstatus SET internal_modified = NULL")
    outcome = cli("status")
    assert outcome.status == 1
    assert "✗ prod: The last successful sync ended 7,200 minutes ago" in outcome.out
    assert "`aap-pipeline clusters check prod`" in outcome.out
    assert json.loads(cli("status", "--json").out)[1]["stale"] is None
    [(verdict, text)] = doctor()
    assert (verdict, text.partition(":")[0]) == ("warning", "prod")


def test_a_token_that_is_about_to_end_is_shown_by_whatever_shows_clusters(cli: Cli, database_url: str) -> None:
    """Guards against a person who looks, sees green, and learns of it when the controller refuses the token."""
    with connect(database_url) as connection:
        connection.execute(_CLUSTERS)
        connection.execute(
            "UPDATE clusters_cluster SET token_ends_at = now() + interval '20 days', token_end_exact = name = 'prod'"
        )
    assert "ends" not in cli("status").out
    [tokens] = [each for each in json.loads(cli("doctor", "--json").out) if each["subject"] == "tokens"]
    told = "No known expiry within 14 days; 2 of 2 controllers report the expiry."
    assert (tokens["verdict"], tokens["text"]) == ("ok", told)
    assert cli("settings", "set", "token_warning_days", "21").status == 0
    day = datetime.fromisoformat(json.loads(cli("clusters", "list", "--json").out)[0]["token_ends_at"])
    listed = cli("clusters", "list").out
    assert f"by {day:%Y-%m-%d}" in listed
    assert listed.count(f"{day:%Y-%m-%d}") == 2
    warnings = [each for each in json.loads(cli("doctor", "--json").out) if each["subject"] == "tokens"]
    assert [each["verdict"] for each in warnings] == ["warning", "warning"]
    assert f"test: The access token expires by {day:%Y-%m-%d}" in cli("status").out
    assert json.loads(cli("status", "--json").out)[0]["token"].startswith("The access token expires on ")


def test_doctor_finds_nothing_wrong_with_a_new_installation(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against alarms about what is merely not set up yet."""
    monkeypatch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", new_key())
    outcome = cli("doctor", "--json")
    assert outcome.status == 0
    verdicts = {finding["subject"]: finding["verdict"] for finding in json.loads(outcome.out)}
    assert verdicts == {
        "disk": "ok",
        "database": "ok",
        "clock": "ok",
        "server": "warning",  # the tests' own does not wait for the disk
        "schema": "ok",
        "settings": "ok",
        "encryption key": "ok",
        "clusters": "warning",
        "alerts": "warning",
        "Dagster daemon": "warning",
    }


def test_doctor_names_a_missing_key_before_there_is_a_cluster(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against an installation that is well until the first cluster is added."""
    monkeypatch.delenv("AAP_PIPELINE_ENCRYPTION_KEYS", raising=False)
    outcome = cli("doctor")
    assert outcome.status == 1
    assert "AAP_PIPELINE_ENCRYPTION_KEYS is not set, and an external database requires it. Create a key" in outcome.out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_that_cannot_print_a_character_gets_a_substitute(
    database_url: str, tmp_path: Path, encoding: str
) -> None:
    """Guards against a traceback in place of a report in the C locale, whatever is printed."""
    environment = {
        **os.environ,
        "PYTHONIOENCODING": encoding,
        "AAP_PIPELINE_DATABASE_URL": database_url,
        "AAP_PIPELINE_HOME": str(tmp_path),
        "AAP_PIPELINE_ENCRYPTION_KEYS": new_key(),
    }

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "aap_pipeline.cli", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode(encoding)

    assert [line[0] for line in run("doctor").splitlines()][:2] == ["+", "+"]
    shown = run("sql", "SELECT '日 … 1 – 2' AS x").replace("…", "...").replace("–", "-")  # cp1252 has both
    assert "? ... 1 - 2" in shown


def test_doctor_names_each_fault_and_goes_on(cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a check that ends at the first fault, and against one that shows a secret."""
    token = Cipher([new_key()]).encrypt("a-token")
    with connect(database_url) as connection:
        connection.execute(
            "INSERT INTO clusters_cluster (protocol, address, port, access_token, name) "
            "VALUES ('https', 'a', 443, %s, 'prod')",
            [token],
        )
        connection.execute("INSERT INTO common_settings (type, value) VALUES ('sync_workers', '1000')")
    monkeypatch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", new_key())
    outcome = cli("doctor")
    assert outcome.status == 1
    assert "'1000' is not a valid value of setting sync_workers" in outcome.out
    assert "Cluster prod: The stored tokens were encrypted with another key" in outcome.out
    assert "Dagster daemon" in outcome.out


def test_a_daemon_whose_sensors_hang_is_silent_though_its_other_threads_are_not(cli: Cli, database_url: str) -> None:
    """Guards against "alive" for the half hour in which nothing is synced before Dagster ends such a daemon."""
    with dagster_instance(Settings(), database_url) as instance, connect(database_url) as connection:
        assert instance.get_runs_count() == 0
        connection.execute(
            "INSERT INTO dagster.daemon_heartbeats (daemon_type, timestamp) VALUES "
            "('SENSOR', now() AT TIME ZONE 'UTC' - interval '10 minutes'), ('BACKFILL', now() AT TIME ZONE 'UTC')"
        )
    [found] = [each for each in json.loads(cli("doctor", "--json").out) if each["subject"] == "Dagster daemon"]
    assert (found["verdict"], found["text"].split(".")[0]) == ("warning", "No heartbeat for 10 minutes")


def test_doctor_says_who_is_told_and_what_they_did_not_get(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a night in which nobody is woken because mail was set up by half, or its server is gone."""

    def alerts() -> tuple[str, str]:
        [found] = [each for each in json.loads(cli("doctor", "--json").out) if each["subject"] == "alerts"]
        return found["verdict"], found["text"]

    assert alerts()[1].startswith("No alert receiver is configured (open incidents: 0)")
    monkeypatch.setenv("AAP_PIPELINE_ALERT_SMTP_HOST", "127.0.0.1")
    wrong = "AAP_PIPELINE_ALERT_SMTP_HOST also needs AAP_PIPELINE_ALERT_SMTP_TO."
    assert alerts() == ("failed", f"The environment is not valid: {wrong}")
    monkeypatch.setenv("AAP_PIPELINE_ALERT_SMTP_TO", "night@example.com")
    monkeypatch.setenv("AAP_PIPELINE_ALERT_SMTP_PORT", "9")
    with connect(database_url) as connection:
        raise_incident(connection, "run_failed", "tidy", "No.")
        connection.commit()
        assert alerts() == ("ok", "Receivers: smtp; open incidents: 1 (`aap-pipeline alerts list`).")
        deliver(connection, receivers(alert_settings()))
    verdict, text = alerts()
    assert verdict == "warning"
    assert text.startswith("Messages to be retried: 1. Last error: smtp: 127.0.0.1:9: Connection")
    with connect(database_url) as connection:
        resolve_incident(connection, "run_failed", "tidy")
    assert alerts() == ("ok", "Receivers: smtp; open incidents: 0.")


def test_doctor_says_what_an_unmigrated_or_unreachable_database_needs(
    run: Cli, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a doctor that dies of the illness."""
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", empty_database_url)
    outcome = run("doctor")
    assert (outcome.status, "Run `aap-pipeline migrate`" in outcome.out) == (1, True)
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", "postgresql://u@127.0.0.1:1/w")
    outcome = run("doctor")
    assert (outcome.status, "Connection refused" in outcome.out) == (1, True)


def test_little_disk_a_wrong_clock_and_a_silent_daemon_are_told(connection: Connection) -> None:
    """Guards against thresholds on the wrong side."""
    assert disk(Path("/data"), 10**9).verdict == "failed"
    assert clock(connection, datetime.now(UTC) - timedelta(minutes=1)).verdict == "warning"
    assert daemon(3600.0).text.startswith("No heartbeat for 60 minutes.")
    assert daemon(5.0).verdict == "ok"
