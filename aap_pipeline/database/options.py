"""The application settings that common_settings holds: one typed, described registry, read and written through here."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.errors import WarehouseError
from aap_pipeline.database.option_kinds import (
    Option,
    T,
    Value,
    choice,
    decimal,
    from_text,
    switch,
    time_zone,
    to_text,
    whole,
)
from aap_pipeline.database.statements import statement

_YEARS = 100 * 366


class OptionError(WarehouseError):
    """A setting has an unknown name or a value that it does not allow."""


class BadSetting(OptionError):
    """The same, of what was just given rather than of what is stored."""

    exit_status = 2


CURRENCY = Option(
    "currency",
    1,
    whole(1, 2**31 - 1),
    "Currency of all money: the id (or, when set here, the ISO code) of a row of common_currency.",
)
ENABLE_TEMPLATE_CREATION_TIME = Option(
    "enable_template_creation_time",
    True,
    switch(),
    "Count the minutes it took to create a job template's automation in its costs.",
)
CREATION_COST_BASIS = Option(
    "creation_cost_basis",
    "per_run",
    choice("per_run", "once"),
    "Book the creation minutes with every run (the specification's query) or once, with a template's first run.",
)
COST_MODEL = Option(
    "cost_model",
    "per_minute",
    choice("per_minute", "subscription"),
    "Cost of automation: the automated rate for each minute of run time (the specification), or a monthly platform "
    "price spread over the run time of the month, with people paid by the hour (`costs set subscription`, `hourly`).",
)
SAVINGS_POPULATION = Option(
    "savings_population",
    "all",
    choice("all", "successful_only"),
    "Runs that count towards savings: successful and failed ones (the specification), or successful ones only.",
)
COUNT_CHECK_MODE = Option(
    "count_check_mode", True, switch(), "Count runs in check mode (job_type check), which change nothing, as savings."
)
COUNT_SLICES = Option(
    "count_slices",
    "each",
    choice("each", "once"),
    "Count each slice of a sliced job as a run (the specification's query), or a launch once, with one creation cost.",
)
REPORTING_TIMEZONE = Option(
    "reporting_timezone", "UTC", time_zone(), "Time zone in which a run's finish time falls on a day of the reports."
)
FISCAL_YEAR_START_MONTH = Option(
    "fiscal_year_start_month", 1, whole(1, 12), "Month (1-12) in which the fiscal year begins, for dim_date."
)
HOURS_PER_FTE = Option(
    "hours_per_fte",
    Decimal(1720),
    decimal(Decimal(1), Decimal(8784)),
    "Hours that one full-time employee works in a year, to express saved hours as full-time equivalents.",
)
DEFAULT_MANUAL_MINUTES = Option(
    "default_manual_minutes",
    60,
    whole(0, 2**31 - 1),
    "Minutes that a new job template's work is taken to need by hand, for each host.",
)
DEFAULT_CREATION_MINUTES = Option(
    "default_creation_minutes",
    60,
    whole(0, 2**31 - 1),
    "Minutes that creating a new job template's automation is taken to have needed.",
)
ESTIMATE_TEMPLATE_MINUTES = Option(
    "estimate_template_minutes",
    False,
    switch(),
    "Estimate a job template's manual minutes from the median of its first 20 successful runs, as long as nobody "
    "set them.",
)
INITIAL_SYNC_DAYS = Option(
    "initial_sync_days", 90, whole(1, _YEARS), "Days that the first sync of a cluster looks back."
)
SYNC_OVERLAP_MINUTES = Option(
    "sync_overlap_minutes",
    10,
    whole(0, 7 * 24 * 60),
    "Minutes before the watermark that each sync asks for again, for jobs that appeared late.",
)
SUMMARIES_DEADLINE_MINUTES = Option(
    "summaries_deadline_minutes",
    120,
    whole(0, 30 * 24 * 60),
    "Minutes after a job's end in which its host summaries may still arrive; until then the run is provisional.",
)
SYNC_WORKERS = Option(
    "sync_workers", 8, whole(1, 64), "Requests for host summaries that one cluster's sync sends side by side."
)
SLICE_JOBS = Option(
    "slice_jobs", 2000, whole(10, 100_000), "Jobs that a sync aims to read and commit as one slice of its window."
)
RAW_RETENTION_DAYS = Option(
    "raw_retention_days",
    0,
    whole(0, _YEARS),
    "Days for which raw documents are kept in the archive after they were parsed; 0 keeps none.",
)
ARCHIVE_AFTER_DAYS = Option(
    "archive_after_days",
    0,
    whole(0, _YEARS),
    "Age in days at which jobs move to the archive tables; 0 archives nothing.",
)
RUN_HISTORY_DAYS = Option(
    "run_history_days",
    7,
    whole(1, _YEARS),
    "Days for which Dagster remembers runs that went well, with their events and output. Failed and nightly ones stay "
    "for 30 days at least, and of each job and cluster the newest that went well stays.",
)
TOKEN_WARNING_DAYS = Option(
    "token_warning_days",
    14,
    whole(1, 366),
    "Days before its end at which a cluster's access token is an incident, where the controller tells when it ends and "
    "it cannot be renewed.",
)

OPTIONS: dict[str, Option[Any]] = {each.name: each for each in list(globals().values()) if isinstance(each, Option)}
"""Every setting by name. A row of common_settings with another name belongs to someone else and is left alone."""

_RATES = {"hourly_rate": "hourly", "subscription_monthly_price": "subscription"}
"""What people look for among the settings, by the name of the rate that it is."""


def parse(option: Option[T], text: str) -> T:
    """`text`, JSON or a plain word, as a value of `option`. Raises OptionError, which says what is allowed."""
    value = option.kind.parse(from_text(text))
    if value is None:
        raise OptionError(f"Setting {option.name} cannot be {text!r}: it must be {option.kind.allowed}.")
    return value


def read(connection: Connection) -> dict[str, Value]:
    """Every setting's value by name, defaults included. Raises OptionError for a stored value that is not allowed."""
    stored = _stored(connection)
    return {name: parse(option, stored[name]) if name in stored else option.default for name, option in OPTIONS.items()}


def get(connection: Connection, option: Option[T]) -> T:
    """The value of one setting. Raises OptionError if what is stored is not allowed."""
    stored = _stored(connection)
    return parse(option, stored[option.name]) if option.name in stored else option.default


def write(connection: Connection, name: str, text: str) -> Value:
    """Check and store the setting `name`, and return its value; the caller commits.

    Raises BadSetting for an unknown name and for a value that is not allowed.
    """
    option = OPTIONS.get(name)
    if option is None:
        raise unknown(name)
    try:
        value: Value = _currency_id(connection, text) if option is CURRENCY else parse(option, text)
    except OptionError as error:
        raise BadSetting(str(error)) from None
    connection.execute(statement("database/set_option"), {"name": name, "value": to_text(value)})
    return value


def unknown(name: str) -> BadSetting:
    """The error for a setting that does not exist: it lists those that do, or says what took its place."""
    if name in _RATES:
        return BadSetting(
            f"{name} is not a setting but a rate with a history: `aap-pipeline costs show` shows it, "
            f"`aap-pipeline costs set {_RATES[name]} MONEY --from DAY` sets it."
        )
    return BadSetting(f"There is no setting {name!r}. The settings are: {', '.join(sorted(OPTIONS))}.")


def _stored(connection: Connection) -> dict[str, str]:
    return dict(connection.execute(statement("database/options")).fetchall())


def _currency_id(connection: Connection, text: str) -> int:
    """The id of the currency that `text` names by id or ISO code."""
    rows = connection.execute(statement("database/currencies")).fetchall()
    for identity, iso_code, *_ in rows:
        if text.strip().strip('"').upper() in (str(identity), iso_code):
            return int(identity)
    known = ", ".join(f"{identity} ({iso_code})" for identity, iso_code, *_ in rows)
    raise OptionError(f"Setting currency cannot be {text!r}: it must be a row of common_currency: {known}.")
