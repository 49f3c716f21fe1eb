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


CURRENCY = Option(
    "currency",
    1,
    whole(1, 2**31 - 1),
    "Currency of all money: the id or ISO code of a row of common_currency.",
)
ENABLE_TEMPLATE_CREATION_TIME = Option(
    "enable_template_creation_time",
    True,
    switch(),
    "Include the minutes that creating a job template took in its costs.",
)
CREATION_COST_BASIS = Option(
    "creation_cost_basis",
    "per_run",
    choice("per_run", "once"),
    "Count the creation minutes with every run (as the specification does) or once, with the template's first run.",
)
COST_MODEL = Option(
    "cost_model",
    "per_minute",
    choice("per_minute", "subscription"),
    "Cost of automation: a rate per minute of run time (as in the specification; rates manual and automated), or a "
    "monthly platform price spread over the month's run time (rates hourly and subscription).",
)
SAVINGS_POPULATION = Option(
    "savings_population",
    "all",
    choice("all", "successful_only"),
    "Runs that count towards savings: successful and failed ones (as in the specification), or successful ones only.",
)
COUNT_CHECK_MODE = Option(
    "count_check_mode", True, switch(), "Count runs in check mode (job_type check), which change nothing, as savings."
)
COUNT_SLICES = Option(
    "count_slices",
    "each",
    choice("each", "once"),
    "Count each slice of a sliced job as a run (as the specification does), or each launch once, with one creation "
    "cost.",
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
    "Working hours of a full-time employee per year, to express saved hours as full-time equivalents.",
)
DEFAULT_MANUAL_MINUTES = Option(
    "default_manual_minutes",
    60,
    whole(0, 2**31 - 1),
    "Manual minutes per host of a new job template.",
)
DEFAULT_CREATION_MINUTES = Option(
    "default_creation_minutes",
    60,
    whole(0, 2**31 - 1),
    "Creation minutes of a new job template.",
)
ESTIMATE_TEMPLATE_MINUTES = Option(
    "estimate_template_minutes",
    False,
    switch(),
    "Estimate a job template's manual minutes from the median of its first 20 successful runs, unless a user has set "
    "them.",
)
INITIAL_SYNC_DAYS = Option(
    "initial_sync_days", 90, whole(1, _YEARS), "Days that the first sync of a cluster looks back."
)
SYNC_OVERLAP_MINUTES = Option(
    "sync_overlap_minutes",
    10,
    whole(0, 7 * 24 * 60),
    "Minutes before the watermark that each sync reads again, for jobs that appeared late.",
)
SUMMARIES_DEADLINE_MINUTES = Option(
    "summaries_deadline_minutes",
    120,
    whole(0, 30 * 24 * 60),
    "Minutes after a job's end during which its host summaries may still arrive. Until then the job is provisional.",
)
SYNC_WORKERS = Option(
    "sync_workers", 8, whole(1, 64), "Requests for host summaries that one cluster's sync sends side by side."
)
SLICE_JOBS = Option(
    "slice_jobs",
    700,
    whole(10, 100_000),
    "Most jobs that a sync reads and commits as one slice of its window. Slices are made to hold about one page.",
)
LISTING_MINUTES = Option(
    "listing_minutes",
    15,
    whole(0, 24 * 60),
    "Minutes after which a sync reads organizations, job templates and the product again; earlier only if a new job "
    "refers to an unknown one.",
)
QUIET_SYNC_MINUTES = Option(
    "quiet_sync_minutes",
    30,
    whole(1, 24 * 60),
    "Minutes after which a cluster is synced although the sensor found nothing new. A cluster is stale after twice as "
    "long, if that is more than AAP_PIPELINE_ALERT_STALE_MINUTES.",
)
RAW_RETENTION_DAYS = Option(
    "raw_retention_days",
    0,
    whole(0, _YEARS),
    "Days for which parsed raw documents are kept in the archive; 0: none.",
)
ARCHIVE_AFTER_DAYS = Option(
    "archive_after_days",
    0,
    whole(0, _YEARS),
    "Age in days at which jobs move to the archive tables; 0: never.",
)
RUN_HISTORY_DAYS = Option(
    "run_history_days",
    7,
    whole(1, _YEARS),
    "Days for which Dagster's successful runs are kept, with their events and output. Failed and nightly runs are kept "
    "for at least 30 days. The newest successful run per job and cluster is always kept.",
)
TOKEN_WARNING_DAYS = Option(
    "token_warning_days",
    14,
    whole(1, 366),
    "Days before its expiry at which an access token raises an incident, if the controller reports the expiry and the "
    "token cannot be renewed.",
)

OPTIONS: dict[str, Option[Any]] = {each.name: each for each in list(globals().values()) if isinstance(each, Option)}
"""Every setting by name. Rows of common_settings with other names belong to other programs and are ignored."""

_RATES = {"hourly_rate": "hourly", "subscription_monthly_price": "subscription"}
"""Names that users may mistake for settings, and the rate of each."""


def parse(option: Option[T], text: str) -> T:
    """Parse `text`, JSON or a plain word, as a value of `option`. Raises PipelineError with the allowed values."""
    value = option.kind.parse(from_text(text))
    if value is None:
        raise PipelineError(
            f"{text!r} is not a valid value of setting {option.name}. It must be {option.kind.allowed}."
        )
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
