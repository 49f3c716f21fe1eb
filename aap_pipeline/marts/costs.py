"""Rates with their history: what a minute of manual work and of run time costs, for everyone, a cluster or an
organization, and, under cost_model subscription, what a person's hour and the platform's month do.

An organization's own rate comes before its cluster's, that before everyone's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.marts.errors import BadValue, CostError


@dataclass(frozen=True)
class RateType:
    """What a rate is paid for, and whether clusters and organizations may have their own."""

    per: str
    overridable: bool = True

    @property
    def a_unit(self) -> str:
        """What follows the value: a minute, an hour, a month."""
        return f"{'an' if self.per == 'hour' else 'a'} {self.per}"


RATE_TYPES = {
    "manual": RateType("minute"),
    "automated": RateType("minute"),
    "hourly": RateType("hour"),
    "subscription": RateType("month", overridable=False),
}
HIGHEST_RATE = Decimal("9999999999999.99")
"""What a column DECIMAL(15,2) holds."""


@dataclass(frozen=True)
class Rate:
    """What a minute (hour, month) costs, for whom (None: everyone), from which day until which (None: for good).

    `value` None: the override ends there.
    """

    rate_type: str
    value: Decimal | None
    valid_from: date
    valid_until: date | None
    cluster: str | None
    organization: str | None
    in_force: bool


@dataclass(frozen=True)
class RateSet:
    """The days on which a rate that was set holds: up to the day before `next_from`, if one was set already for then.

    `next_value` is that one; None: the override's end.
    """

    valid_from: date
    next_from: date | None = None
    next_value: Decimal | None = None

    @property
    def valid_until(self) -> date | None:
        """Its last day; None: for good."""
        return self.next_from - timedelta(days=1) if self.next_from else None


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
) -> RateSet:
    """Set a rate from a day on; the caller commits. Returns the days on which it holds.

    Without a day that is today in the reporting time zone, or always for everyone's first. `value` None ends the
    override of the cluster or organization. Money in the marts follows with the next refresh. Raises CostError, which
    names what cannot be, and BadValue for a rate or value that does not exist.
    """
    kind = RATE_TYPES.get(rate_type)
    if kind is None:
        raise BadValue(f"There is no rate {rate_type!r}: the rates are {', '.join(RATE_TYPES)}.")
    amount = None if value is None else parse_money(rate_type, value)
    if (cluster or organization) and not kind.overridable:
        raise BadValue(f"The {rate_type} rate is everyone's: no cluster or organization has one of its own.")
    if amount is None and cluster is None and organization is None:
        raise BadValue(
            f"The {rate_type} rate of everyone needs a value: only a cluster's or an organization's can end."
        )
    cluster_id, organization_id = place(connection, cluster, organization)
    where = {"rate_type": rate_type, "cluster_id": cluster_id, "organization_id": organization_id}
    row = connection.execute(
        statement("marts/set_rate"), {"value": amount, "valid_from": valid_from, **where}
    ).fetchone()
    assert row is not None  # noqa: S101 - a function's one value
    later = connection.execute(statement("marts/next_rate"), {"valid_from": row[0], **where}).fetchone()
    return RateSet(row[0], *(later or ()))


def parse_money(rate_type: str, value: str | Decimal) -> Decimal:
    """`value` as money. Raises BadValue for what is not a number, too fine, negative or too large for the column."""
    kind = RATE_TYPES[rate_type]
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise BadValue(f"The {rate_type} rate cannot be {value!r}: use a number such as 0.92.") from None
    if not amount.is_finite() or not 0 <= amount <= HIGHEST_RATE:
        raise BadValue(f"The {rate_type} rate cannot be {value}: it must be from 0 to {HIGHEST_RATE} {kind.a_unit}.")
    if amount != amount.quantize(Decimal("0.01")):
        raise BadValue(f"The {rate_type} rate cannot be {value}: it may have two decimal places.")
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
