"""Cost rates with their history, and exchange rates.

Precedence of cost rates: organization, then cluster, then the global rate.
"""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from aap_pipeline.clusters.registry import cluster_named
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import select, statement
from aap_pipeline.errors import BadInput, PipelineError
from aap_pipeline.reports.question import currency_code

RATE_TYPES = {"manual": "minute", "automated": "minute", "hourly": "hour", "subscription": "month"}
"""{rate: its unit}."""
HIGHEST_RATE = Decimal("9999999999999.99")
"""The maximum of DECIMAL(15,2)."""


def rates(connection: Connection) -> list[dict[str, Any]]:
    """Return every rate with its days (`valid_until` None: open-ended), global ones first, by day.

    `value` None: an override ends.
    """
    return select(connection, "marts/rates")


def set_rate(
    connection: Connection,
    rate_type: str,
    value: str | Decimal | None,
    *,
    valid_from: date | None = None,
    cluster: str | None = None,
    organization: str | None = None,
) -> None:
    """Set a rate from a day on, up to the next rate of a later day. The caller commits.

    `valid_from` None is today in the reporting time zone, or all time for the first global rate. `value` None ends the
    override of the cluster or organization. The next refresh recomputes money in the marts. Raises PipelineError for an
    unknown cluster or organization, and BadInput for a rate or value that is not valid.
    """
    if rate_type not in RATE_TYPES:
        raise BadInput(f"There is no rate {rate_type!r}. Rates: {', '.join(RATE_TYPES)}.")
    amount = None if value is None else parse_money(rate_type, value)
    if (cluster or organization) and rate_type == "subscription":
        raise BadInput(f"The {rate_type} rate is global. Omit --cluster and --organization.")
    if amount is None and cluster is None and organization is None:
        raise BadInput(
            f"The global {rate_type} rate needs a value. Only the rate of a cluster or organization can end."
        )
    cluster_id, organization_id = place(connection, cluster, organization)
    where = {"rate_type": rate_type, "cluster_id": cluster_id, "organization_id": organization_id}
    connection.execute(statement("marts/set_rate"), {"value": amount, "valid_from": valid_from, **where})


def parse_money(rate_type: str, value: str | Decimal) -> Decimal:
    """Parse `value`. Raises BadInput if it is not a number, negative, too large or has over two decimal places."""
    amount = _parse(rate_type, value, 0, HIGHEST_RATE, f"0 to {HIGHEST_RATE} per {RATE_TYPES[rate_type]}")
    if amount != amount.quantize(Decimal("0.01")):
        raise BadInput(f"{value} is not a valid {rate_type} rate. Use at most two decimal places.")
    return amount.quantize(Decimal("0.01"))


def _parse(kind: str, value: str | Decimal, lowest: Decimal | int, highest: Decimal | int, valid: str) -> Decimal:
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise BadInput(f"{value!r} is not a valid {kind} rate. Use a number such as 0.92.") from None
    if not amount.is_finite() or not lowest <= amount <= highest:
        raise BadInput(f"{value} is not a valid {kind} rate. Use {valid}.")
    return amount


def place(connection: Connection, cluster: str | None, organization: str | None) -> tuple[int, int]:
    """Return the ids of a cluster and an organization, 0 for None. Raises PipelineError if unknown or ambiguous."""
    cluster_id = 0 if cluster is None else cluster_named(connection, cluster).id
    if organization is None:
        return cluster_id, 0
    found = connection.execute(
        statement("marts/organizations_by_name"), {"name": organization, "cluster_id": cluster_id}
    ).fetchall()
    if not found:
        where = f" in cluster {cluster!r}" if cluster else ""
        raise PipelineError(
            f"There is no organization {organization!r}{where}. Check its name, or sync its cluster first."
        )
    if len(found) > 1:
        clusters = ", ".join(row[2] for row in found)
        raise PipelineError(f"Organization {organization!r} is in several clusters ({clusters}). Add --cluster NAME.")
    return found[0][1], found[0][0]


def exchange_rates(connection: Connection) -> list[dict[str, Any]]:
    """Return every exchange rate, by currencies and day: the price of one `from_currency` in `to_currency`."""
    return select(connection, "marts/exchange_rates")


def set_exchange_rate(
    connection: Connection, from_currency: str, to_currency: str, rate: str | Decimal, rate_date: date | None = None
) -> dict[str, Any]:
    """Set an exchange rate from a day on (default: today in the reporting time zone), and return it.

    The caller commits. Raises BadInput for codes that are not three letters and rates that are not positive.
    """
    pair = currency_code(from_currency), currency_code(to_currency)
    if pair[0] == pair[1]:
        raise BadInput(f"An exchange rate needs two different currencies, not {pair[0]} twice.")
    value = _parse("exchange", rate, Decimal("1e-9"), 10**9, "0.000000001 to 1,000,000,000")
    values = {"from_currency": pair[0], "to_currency": pair[1], "rate": value, "rate_date": rate_date}
    [row] = connection.execute(statement("marts/set_exchange_rate"), values).fetchall()
    return values | {"rate_date": row[0]}
