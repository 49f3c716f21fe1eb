"""The address that Dagster's storage gets says the same as ours, to another driver."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import make_url

from aap_pipeline.errors import PipelineError
from aap_pipeline.runtime.instance import prepare_storage, read_dagster_yaml, storage_url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:p%40ss%2F%3A%25@db.example.com:5433/warehouse?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "postgresql://me@127.0.0.1/warehouse",
        "postgresql://me:secret@[::1]:5432/ware%20house?application_name=x",
        "host=/var/run/postgresql dbname=warehouse user=me",
        "postgresql://me:secret@one:5432,two:5433/warehouse?target_session_attrs=read-write",
    ],
)
def test_every_part_of_the_address_is_kept(url: str) -> None:
    """Guards against passwords with odd characters, sockets and TLS settings that get lost between two drivers."""
    found = make_url(storage_url(url))
    assert found.drivername == "postgresql+psycopg2"
    given = conninfo_to_dict(url)
    query = dict(found.query)
    assert "-c search_path=dagster" in str(query.pop("options"))
    parts: dict[str, object] = {
        "user": found.username,
        "password": found.password,
        "host": found.host,
        "port": found.port,
    }
    parts |= {"dbname": found.database, **query}
    expected = {name: str(value) for name, value in given.items()} | {"port": str(given.get("port", 5432))}
    assert {name: str(value) for name, value in parts.items() if value} == expected


def test_options_of_the_address_come_first() -> None:
    """Guards against a search path that someone set and that would put Dagster's tables elsewhere."""
    url = storage_url("postgresql://me@db/w?options=-csearch_path%3Dpublic")
    options = str(make_url(url).query["options"])
    assert options.startswith("-csearch_path=public -c timezone=UTC ")
    assert options.endswith(" -c search_path=dagster")


def test_the_shipped_configuration_is_found_and_needs_no_variable() -> None:
    """Guards against a `dagster.yaml` with which no other Dagster starts."""
    configuration = read_dagster_yaml()
    assert configuration["run_monitoring"]["enabled"]
    assert "env" not in str(configuration)


@pytest.mark.parametrize(
    ("home", "storage", "reason"),
    [
        (None, None, r"The environment variable \$DAGSTER_HOME is not set\."),
        ("gone", None, "is not a directory or does not exist"),
        ("", None, "There is no dagster.yaml in DAGSTER_HOME"),
        ("", "DAGSTER_POSTGRES_URL", 'environment variable "DAGSTER_POSTGRES_URL" which is not set'),
    ],
)
def test_an_instance_that_cannot_be_used_is_one_message(
    home: str | None, storage: str | None, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against `migrate --dagster` that prints a stack instead of what to set."""
    for name in ("DAGSTER_HOME", "DAGSTER_POSTGRES_URL"):
        monkeypatch.delenv(name, raising=False)
    if home is not None:
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / home))
    if storage is not None:
        text = f"storage: {{postgres: {{postgres_url: {{env: {storage}}}}}}}"
        (tmp_path / "dagster.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(PipelineError, match=reason) as found:
        prepare_storage()
    assert "\n" not in str(found.value)
