"""The application settings in common_settings: their declaration, and the functions that read and write them."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import BadInput, PipelineError

_YEARS = 100 * 366
_INT32_MAX = 2**31 - 1


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError
    return name


class ApplicationSettings(BaseModel):
    """Every setting, with its default for a database without a row.

    Rows of common_settings with other names belong to other programs and are ignored.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", validate_default=True, use_attribute_docstrings=True)

    currency: int = Field(default=1, ge=1, le=_INT32_MAX)
    """Currency of all money: the id or ISO code of a row of common_currency."""
    enable_template_creation_time: bool = True
    """Include the minutes that creating a job template took in its costs."""
    creation_cost_basis: Literal["per_run", "once"] = "per_run"
    """Count the creation minutes with every run (as the specification does) or once, with the template's first run."""
    cost_model: Literal["per_minute", "subscription"] = "per_minute"
    """Cost of automation: a rate per minute of run time (as in the specification; rates manual and automated), or a
    monthly platform price spread over the month's run time (rates hourly and subscription)."""
    savings_population: Literal["all", "successful_only"] = "all"
    """Runs that count towards savings: successful and failed ones (as in the specification), or successful ones
    only."""
    count_check_mode: bool = True
    """Count runs in check mode (job_type check), which change nothing, as savings."""
    count_slices: Literal["each", "once"] = "each"
    """Count each slice of a sliced job as a run (as the specification does), or each launch once, with one creation
    cost."""
    reporting_timezone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    """Time zone in which a run's finish time falls on a day of the reports."""
    fiscal_year_start_month: int = Field(default=1, ge=1, le=12)
    """Month (1-12) in which the fiscal year begins, for dim_date."""
    hours_per_fte: Decimal = Field(default=Decimal(1720), ge=1, le=8784)
    """Working hours of a full-time employee per year, to express saved hours as full-time equivalents."""
    default_manual_minutes: int = Field(default=60, ge=0, le=_INT32_MAX)
    """Manual minutes per host of a new job template."""
    default_creation_minutes: int = Field(default=60, ge=0, le=_INT32_MAX)
    """Creation minutes of a new job template."""
    estimate_template_minutes: bool = False
    """Estimate a job template's manual minutes from the median of its first 20 successful runs, unless a user has set
    them."""
    initial_sync_days: int = Field(default=90, ge=1, le=_YEARS)
    """Days that the first sync of a cluster looks back."""
    sync_overlap_minutes: int = Field(default=10, ge=0, le=7 * 24 * 60)
    """Minutes before the watermark that each sync reads again, for jobs that appeared late."""
    summaries_deadline_minutes: int = Field(default=120, ge=0, le=30 * 24 * 60)
    """Minutes after a job's end during which its host summaries may still arrive. Until then the job is provisional."""
    sync_workers: int = Field(default=8, ge=1, le=64)
    """Requests for host summaries that one cluster's sync sends side by side."""
    slice_jobs: int = Field(default=700, ge=10, le=100_000)
    """Most jobs that a sync reads and commits as one slice of its window. Slices are made to hold about one page."""
    listing_minutes: int = Field(default=15, ge=0, le=24 * 60)
    """Minutes after which a sync with new jobs reads organizations, job templates and the product again; 16 times as
    long without new jobs; at once if a job refers to an unknown one."""
    quiet_sync_minutes: int = Field(default=30, ge=1, le=24 * 60)
    """Minutes after which a cluster is synced although the sensor found nothing new. A cluster is stale after twice as
    long, if that is more than AAP_PIPELINE_ALERT_STALE_MINUTES."""
    raw_retention_days: int = Field(default=0, ge=0, le=_YEARS)
    """Days for which parsed raw documents are kept in the archive; 0: none."""
    archive_after_days: int = Field(default=0, ge=0, le=_YEARS)
    """Age in days at which jobs move to the archive tables; 0: never."""
    run_history_days: int = Field(default=7, ge=1, le=_YEARS)
    """Days for which Dagster's successful runs are kept, with their events and output. Failed and nightly runs are kept
    for at least 30 days. The newest successful run per job and cluster is always kept."""
    token_warning_days: int = Field(default=14, ge=1, le=366)
    """Days before its expiry at which an access token raises an incident, if the controller reports the expiry and the
    token cannot be renewed."""


def read(connection: Connection) -> ApplicationSettings:
    """Return every setting. Raises PipelineError if a stored value is not valid."""
    return _validated(dict(connection.execute(statement("database/settings")).fetchall()))


def write(connection: Connection, name: str, text: str) -> object:
    """Check and store the setting `name`, and return its value; the caller commits.

    Raises BadInput for an unknown name and for a value that is not allowed.
    """
    if name not in ApplicationSettings.model_fields:
        raise unknown(name)
    try:
        value = getattr(_validated({name: _currency_id(connection, text) if name == "currency" else text}), name)
    except PipelineError as error:
        raise BadInput(str(error)) from None
    # JSON, as the specification stores it: 1, true, "per_run", 12.50
    stored = str(value) if isinstance(value, Decimal) else json.dumps(value)
    connection.execute(statement("database/set_setting"), {"name": name, "value": stored})
    return value


def allowed(name: str) -> str:
    """Describe the allowed values of a setting, to complete the sentence "It must be …"."""
    schema = ApplicationSettings.model_json_schema()["properties"][name]
    match schema.get("anyOf", [schema])[0]:
        case {"enum": words}:
            return " or ".join(words)
        case {"type": "boolean"}:
            return "true or false"
        case {"type": "integer", "minimum": least, "maximum": most}:
            return f"a whole number from {least} to {most}"
        case {"type": "number", "minimum": least, "maximum": most}:
            return f"a number from {least:g} to {most:g}"
    return "a time zone of the IANA database, for example UTC or Europe/Berlin"


def unknown(name: str) -> BadInput:
    """Return the error for an unknown setting. It lists the settings, and names the command for rates."""
    names = ", ".join(sorted(ApplicationSettings.model_fields))
    return BadInput(f"There is no setting {name!r}. Settings: {names}. To set a rate, run `aap-pipeline costs set`.")


def _validated(texts: Mapping[str, str]) -> ApplicationSettings:
    """Return the settings of `texts`, JSON or plain words by name, and the defaults of all others."""
    try:
        return ApplicationSettings.model_validate({name: text.strip().strip('"') for name, text in texts.items()})
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise PipelineError(
            f"{texts[name]!r} is not a valid value of setting {name}. It must be {allowed(name)}. To change it, run "
            f"`aap-pipeline settings set {name} VALUE`."
        ) from None


def _currency_id(connection: Connection, text: str) -> str:
    """Return the id of the currency whose id or ISO code is `text`."""
    rows = connection.execute(statement("database/currencies")).fetchall()
    for identity, iso_code, *_ in rows:
        if text.strip().strip('"').upper() in (str(identity), iso_code):
            return str(identity)
    known = ", ".join(f"{identity} ({iso_code})" for identity, iso_code, *_ in rows)
    raise PipelineError(
        f"{text!r} is not a valid value of setting currency. It must be one of common_currency: {known}."
    )
