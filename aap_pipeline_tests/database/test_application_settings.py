"""Settings are stored as the specification says, checked on the way in and on the way out."""

from __future__ import annotations

from decimal import Decimal

import pytest

from aap_pipeline.database import application_settings
from aap_pipeline.database.application_settings import ApplicationSettings
from aap_pipeline.database.connection import Connection
from aap_pipeline.errors import PipelineError


def test_an_option_without_a_row_has_its_default(connection: Connection) -> None:
    """Guards against a pipeline that only runs once every setting was stored."""
    assert application_settings.read(connection) == ApplicationSettings()


def test_the_specifications_rows_are_read_as_their_types(connection: Connection) -> None:
    """Guards against '1' and 'true' taken as strings."""
    assert application_settings.read(connection).currency == 1
    assert application_settings.read(connection).enable_template_creation_time is True


@pytest.mark.parametrize(
    ("name", "text", "value", "stored"),
    [
        ("enable_template_creation_time", "off", False, "false"),
        ("creation_cost_basis", "once", "once", '"once"'),
        ("hours_per_fte", "1720.50", Decimal("1720.50"), "1720.50"),
        ("sync_workers", " 16 ", 16, "16"),
        ("reporting_timezone", "Europe/Berlin", "Europe/Berlin", '"Europe/Berlin"'),
        ("currency", "eur", 2, "2"),
        ("currency", "3", 3, "3"),
    ],
)
def test_a_value_is_stored_as_json_and_read_back(
    connection: Connection, name: str, text: str, value: object, stored: str
) -> None:
    """Guards against values that change on their way through the table, money that becomes a float among them."""
    assert application_settings.write(connection, name, text) == value
    row = connection.execute("SELECT value FROM common_settings WHERE type = %s", [name]).fetchone()
    assert row == (stored,)
    assert getattr(application_settings.read(connection), name) == value


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "sync_workers",
            "0",
            r"'0' is not a valid value of setting sync_workers. It must be a whole number from 1 to 64",
        ),
        ("sync_workers", "true", "whole number"),
        ("sync_workers", "1.5", "whole number"),
        (
            "creation_cost_basis",
            "twice",
            "'twice' is not a valid value of setting creation_cost_basis. It must be per_run or once",
        ),
        ("enable_template_creation_time", "maybe", "true or false"),
        ("reporting_timezone", "Mars/Olympus", "IANA"),
        ("hours_per_fte", "NaN", "number from 1 to 8784"),
        ("hourly_rate", "60", "no setting 'hourly_rate'.*To set a rate, run `aap-pipeline costs set`"),
        ("currency", "CHF", r"1 \(USD\), 2 \(EUR\), 3 \(GBP\)"),
        ("curency", "1", "There is no setting 'curency'. Settings: archive_after_days"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(connection: Connection, name: str, text: str, message: str) -> None:
    """Guards against a typo that silently means the default, or that fails a sync at night."""
    with pytest.raises(PipelineError, match=message):
        application_settings.write(connection, name, text)


def test_a_bad_value_written_by_hand_is_named_when_read(connection: Connection) -> None:
    """Guards against a row changed by SQL that is taken for something else."""
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('slice_jobs', 'many')")
    with pytest.raises(PipelineError, match=r"'many' is not .* `aap-pipeline settings set slice_jobs VALUE`"):
        application_settings.read(connection)


def test_a_row_of_someone_else_is_left_alone(connection: Connection) -> None:
    """Guards against a pipeline that refuses a database which it shares with the Automation Dashboard."""
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('dashboard_theme', 'dark')")
    assert application_settings.read(connection) == ApplicationSettings()


def test_every_option_is_described_and_allows_its_own_default() -> None:
    """Guards against a setting that nobody can understand or that cannot be set back."""
    for field in ApplicationSettings.model_fields.values():
        assert (field.description or "").endswith(".")
    assert ApplicationSettings.model_validate(ApplicationSettings().model_dump()) == ApplicationSettings()
