"""Rates: what a minute of manual work and of run time costs, for everyone, a cluster or an organization."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from aap_pipeline.marts.errors import CostError
from aap_pipeline.warehouse.connection import Connection
from aap_pipeline.warehouse.statements import statement

RATE_TYPES = ("manual", "automated")
MAXIMUM = Decimal(100_000)


@dataclass(frozen=True)
class Rate:
    """What a minute costs, for whom (None: everyone) and from which day; `value` None: the override ends there."""

    rate_type: str
    value: Decimal | None
    valid_from: date
    cluster: str | None
    organization: str | None
    in_force: bool


def rates(connection: Connection) -> list[Rate]:
    """Every rate that was ever set, general ones first, in the order of their days."""
    return [Rate(*row) for row in connection.execute(statement("marts/rates"))]


def set_rate(
    connection: Connection,
    rate_type: str,
    value: str | Decimal | None,
    *,
    valid_from: date | None = None,
    cluster: str | None = None,
    organization: str | None = None,
) -> date:
    """Set a rate from a day on (default: today in the reporting time zone); the caller commits. Returns that day.

    `value` None ends the override of the cluster or organization. Money by current rates follows at once, money as
    recorded with the next refresh. Raises CostError, which names what cannot be.
    """
    if rate_type not in RATE_TYPES:
        raise CostError(f"There is no rate {rate_type!r}: the rates are {' and '.join(RATE_TYPES)}.")
    amount = None if value is None else parse_money(rate_type, value)
    if amount is None and cluster is None and organization is None:
        raise CostError(
            f"The {rate_type} rate of everyone needs a value: only a cluster's or an organization's can end."
        )
    cluster_id, organization_id = place(connection, cluster, organization)
    row = connection.execute(statement("marts/today")).fetchone()
    starting = valid_from or (row[0] if row else date.today())  # noqa: DTZ011
    connection.execute(
        statement("marts/set_rate"),
        {
            "rate_type": rate_type,
            "value": amount,
            "valid_from": starting,
            "cluster_id": cluster_id,
            "organization_id": organization_id,
        },
    )
    connection.execute(statement("marts/apply_due_rates"))
    return starting


def parse_money(name: str, value: str | Decimal) -> Decimal:
    """`value` as money a minute. Raises CostError for what is no number, too fine, negative or too large."""
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise CostError(f"The {name} rate cannot be {value!r}: write a number such as 0.92.") from None
    if not amount.is_finite() or not 0 <= amount <= MAXIMUM:
        raise CostError(f"The {name} rate cannot be {value}: it must be between 0 and {MAXIMUM} a minute.")
    if amount != amount.quantize(Decimal("0.01")):
        raise CostError(f"The {name} rate cannot be {value}: it may have two decimal places.")
    return amount.quantize(Decimal("0.01"))


def place(connection: Connection, cluster: str | None, organization: str | None) -> tuple[int, int]:
    """Ids of a cluster and an organization by name, 0 for none. Raises CostError for unknown or ambiguous ones."""
    cluster_id = 0
    if cluster is not None:
        row = connection.execute(statement("marts/cluster_by_name"), {"name": cluster}).fetchone()
        if row is None:
            raise CostError(f"There is no cluster {cluster!r}: `aap-pipeline clusters list` shows them.")
        cluster_id = row[0]
    if organization is None:
        return cluster_id, 0
    found = connection.execute(
        statement("marts/organizations_by_name"), {"name": organization, "cluster_id": cluster_id}
    ).fetchall()
    if not found:
        where = f" in cluster {cluster!r}" if cluster else ""
        raise CostError(f"There is no organization {organization!r}{where}: check its name, or sync its cluster first.")
    if len(found) > 1:
        clusters = ", ".join(row[2] for row in found)
        raise CostError(f"Organization {organization!r} is in several clusters ({clusters}): name one with --cluster.")
    return found[0][1], found[0][0]
