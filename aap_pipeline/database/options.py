"""The application settings in common_settings: a typed registry, and the functions that read and write it."""

from decimal import Decimal
from typing import Any

from aap_pipeline.database.connection import Connection
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
from aap_pipeline.errors import BadInput, PipelineError

_YEARS = 100 * 366


CURRENCY = whole("currency", 1, 1, 2**31 - 1, "Currency of all money: the id or ISO code of a row of common_currency.")
ENABLE_TEMPLATE_CREATION_TIME = switch(
    "enable_template_creation_time", True, "Include the minutes that creating a job template took in its costs."
)
CREATION_COST_BASIS = choice(
    "creation_cost_basis",
    "per_run",
    "Count the creation minutes with every run (as the specification does) or once, with the template's first run.",
    "once",
)
COST_MODEL = choice(
    "cost_model",
    "per_minute",
    "Cost of automation: a rate per minute of run time (as in the specification; rates manual and automated), or a "
    "monthly platform price spread over the month's run time (rates hourly and subscription).",
    "subscription",
)
SAVINGS_POPULATION = choice(
    "savings_population",
    "all",
    "Runs that count towards savings: successful and failed ones (as in the specification), or successful ones only.",
    "successful_only",
)
COUNT_CHECK_MODE = switch(
    "count_check_mode", True, "Count runs in check mode (job_type check), which change nothing, as savings."
)
COUNT_SLICES = choice(
    "count_slices",
    "each",
    "Count each slice of a sliced job as a run (as the specification does), or each launch once, with one creation "
    "cost.",
    "once",
)
REPORTING_TIMEZONE = time_zone(
    "reporting_timezone", "UTC", "Time zone in which a run's finish time falls on a day of the reports."
)
FISCAL_YEAR_START_MONTH = whole(
    "fiscal_year_start_month", 1, 1, 12, "Month (1-12) in which the fiscal year begins, for dim_date."
)
HOURS_PER_FTE = decimal(
    "hours_per_fte",
    Decimal(1720),
    Decimal(1),
    Decimal(8784),
    "Working hours of a full-time employee per year, to express saved hours as full-time equivalents.",
)
DEFAULT_MANUAL_MINUTES = whole(
    "default_manual_minutes", 60, 0, 2**31 - 1, "Manual minutes per host of a new job template."
)
DEFAULT_CREATION_MINUTES = whole(
    "default_creation_minutes", 60, 0, 2**31 - 1, "Creation minutes of a new job template."
)
ESTIMATE_TEMPLATE_MINUTES = switch(
    "estimate_template_minutes",
    False,
    "Estimate a job template's manual minutes from the median of its first 20 successful runs, unless a user has set "
    "them.",
)
INITIAL_SYNC_DAYS = whole("initial_sync_days", 90, 1, _YEARS, "Days that the first sync of a cluster looks back.")
SYNC_OVERLAP_MINUTES = whole(
    "sync_overlap_minutes",
    10,
    0,
    7 * 24 * 60,
    "Minutes before the watermark that each sync reads again, for jobs that appeared late.",
)
SUMMARIES_DEADLINE_MINUTES = whole(
    "summaries_deadline_minutes",
    120,
    0,
    30 * 24 * 60,
    "Minutes after a job's end during which its host summaries may still arrive. Until then the job is provisional.",
)
SYNC_WORKERS = whole(
    "sync_workers", 8, 1, 64, "Requests for host summaries that one cluster's sync sends side by side."
)
SLICE_JOBS = whole(
    "slice_jobs",
    700,
    10,
    100_000,
    "Most jobs that a sync reads and commits as one slice of its window. Slices are made to hold about one page.",
)
LISTING_MINUTES = whole(
    "listing_minutes",
    15,
    0,
    24 * 60,
    "Minutes after which a sync reads organizations, job templates and the product again; earlier only if a new job "
    "refers to an unknown one.",
)
QUIET_SYNC_MINUTES = whole(
    "quiet_sync_minutes",
    30,
    1,
    24 * 60,
    "Minutes after which a cluster is synced although the sensor found nothing new. A cluster is stale after twice as "
    "long, if that is more than AAP_PIPELINE_ALERT_STALE_MINUTES.",
)
RAW_RETENTION_DAYS = whole(
    "raw_retention_days", 0, 0, _YEARS, "Days for which parsed raw documents are kept in the archive; 0: none."
)
ARCHIVE_AFTER_DAYS = whole(
    "archive_after_days", 0, 0, _YEARS, "Age in days at which jobs move to the archive tables; 0: never."
)
RUN_HISTORY_DAYS = whole(
    "run_history_days",
    7,
    1,
    _YEARS,
    "Days for which Dagster's successful runs are kept, with their events and output. Failed and nightly runs are kept "
    "for at least 30 days. The newest successful run per job and cluster is always kept.",
)
TOKEN_WARNING_DAYS = whole(
    "token_warning_days",
    14,
    1,
    366,
    "Days before its expiry at which an access token raises an incident, if the controller reports the expiry and the "
    "token cannot be renewed.",
)

OPTIONS: dict[str, Option[Any]] = {each.name: each for each in list(globals().values()) if isinstance(each, Option)}
"""Every setting by name. Rows of common_settings with other names belong to other programs and are ignored."""

_RATES = {"hourly_rate": "hourly", "subscription_monthly_price": "subscription"}
"""Names that users may mistake for settings, and the rate of each."""


def parse(option: Option[T], text: str) -> T:
    """Parse `text`, JSON or a plain word, as a value of `option`. Raises PipelineError with the allowed values."""
    value = option.parse(from_text(text))
    if value is None:
        raise PipelineError(f"{text!r} is not a valid value of setting {option.name}. It must be {option.allowed}.")
    return value


def read(connection: Connection) -> dict[str, Value]:
    """Return every setting's value by name, with defaults. Raises PipelineError if a stored value is not valid."""
    stored = _stored(connection)
    return {name: parse(option, stored[name]) if name in stored else option.default for name, option in OPTIONS.items()}


def get(connection: Connection, option: Option[T]) -> T:
    """Return the value of one setting. Raises PipelineError if the stored value is not valid."""
    stored = _stored(connection)
    return parse(option, stored[option.name]) if option.name in stored else option.default


def write(connection: Connection, name: str, text: str) -> Value:
    """Check and store the setting `name`, and return its value; the caller commits.

    Raises BadInput for an unknown name and for a value that is not allowed.
    """
    option = OPTIONS.get(name)
    if option is None:
        raise unknown(name)
    try:
        value: Value = _currency_id(connection, text) if option is CURRENCY else parse(option, text)
    except PipelineError as error:
        raise BadInput(str(error)) from None
    connection.execute(statement("database/set_option"), {"name": name, "value": to_text(value)})
    return value


def unknown(name: str) -> BadInput:
    """Return the error for an unknown setting. It lists the settings, or names the rate with that name."""
    if name in _RATES:
        return BadInput(
            f"{name} is not a setting but a rate with a history. To show it, run `aap-pipeline costs show`; to set "
            f"it, `aap-pipeline costs set {_RATES[name]} MONEY --from DAY`."
        )
    return BadInput(f"There is no setting {name!r}. Settings: {', '.join(sorted(OPTIONS))}.")


def _stored(connection: Connection) -> dict[str, str]:
    return dict(connection.execute(statement("database/options")).fetchall())


def _currency_id(connection: Connection, text: str) -> int:
    """Return the id of the currency whose id or ISO code is `text`."""
    rows = connection.execute(statement("database/currencies")).fetchall()
    for identity, iso_code, *_ in rows:
        if text.strip().strip('"').upper() in (str(identity), iso_code):
            return int(identity)
    known = ", ".join(f"{identity} ({iso_code})" for identity, iso_code, *_ in rows)
    raise PipelineError(
        f"{text!r} is not a valid value of setting currency. It must be one of common_currency: {known}."
    )
