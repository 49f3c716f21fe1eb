"""Exchange rates, to show savings in another currency than the configured one."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import select, statement
from aap_pipeline.errors import BadInput


def exchange_rates(connection: Connection) -> list[dict[str, Any]]:
    """Return every exchange rate, by currencies and day: the price of one `from_currency` in `to_currency`."""
    return select(connection, "marts/exchange_rates")


def set_exchange_rate(
    connection: Connection, from_currency: str, to_currency: str, rate: str | Decimal, rate_date: date | None = None
) -> dict[str, Any]:
    """Set an exchange rate from a day on (default: today in the reporting time zone), and return it.

    The caller commits. Raises BadInput for codes that are not three letters and rates that are not positive.
    """
    pair = from_currency.upper(), to_currency.upper()
    for code in pair:
        if len(code) != 3 or not code.isascii() or not code.isalpha():
            raise BadInput(f"{code!r} is not a valid currency. Use an ISO code of three letters, such as EUR.")
    if pair[0] == pair[1]:
        raise BadInput(f"An exchange rate needs two different currencies, not {pair[0]} twice.")
    try:
        value = Decimal(rate)
    except InvalidOperation:
        raise BadInput(f"{rate!r} is not a valid exchange rate. Use a number such as 0.92.") from None
    if not value.is_finite() or not Decimal("1e-9") <= value <= 10**9:
        raise BadInput(f"{rate} is not a valid exchange rate. Use 0.000000001 to 1,000,000,000.")
    values = {"from_currency": pair[0], "to_currency": pair[1], "rate": value, "rate_date": rate_date}
    [row] = connection.execute(statement("marts/set_exchange_rate"), values).fetchall()
    return values | {"rate_date": row[0]}
