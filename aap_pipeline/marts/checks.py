"""Checks that the marts equal core, over all rows."""

from typing import Final, LiteralString

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement

_CHECKS: Final[dict[str, LiteralString]] = {
    "sums": "marts/check_sums",  # runs, hosts and elapsed time of savings_daily equal those of core
    "unique_hosts": "marts/check_unique_hosts",  # by the bitmaps, and by a distinct count over core
    "additivity": "marts/check_additivity",  # months equal the sums of their days
    "nothing_left": "marts/check_nothing_left",  # no changed day, changed rate or due rebuild
}


def differences(connection: Connection, cluster_id: int | None = None) -> dict[str, list[str]]:
    """{check: a line per cluster that violates it} of one cluster or all. It reads all of core, which takes seconds.

    A sync that commits during a check can cause a difference, so run the checks after a refresh, in its process.
    """
    found = {}
    for name, file in _CHECKS.items():
        rows = connection.execute(statement(file), {"cluster_id": cluster_id}).fetchall()
        found[name] = [f"cluster {row[0]}: {row[1]}" for row in rows]
    return {name: lines for name, lines in found.items() if lines}
