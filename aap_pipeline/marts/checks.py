"""Compare the marts with all of core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement

_CHECKS: dict[LiteralString, str] = {
    "check_sums": "Runs, hosts and elapsed time of savings_daily equal those of core, cluster by cluster.",
    "check_unique_hosts": "Unique hosts by the bitmaps equal a distinct count over core.",
    "check_additivity": "Months equal the sums of their days.",
    "check_nothing_left": "No changed day, changed rate or due rebuild is left over.",
}


@dataclass(frozen=True)
class CheckResult:
    """The result of one check: its claim, and one line per cluster that violates it."""

    name: str
    description: str
    passed: bool
    differences: tuple[str, ...]


def check_all(connection: Connection, cluster_id: int | None = None) -> list[CheckResult]:
    """Run every check, for one cluster or all. It reads all of core, which takes seconds for millions of rows.

    A sync that commits during a check can cause a difference, so run the checks after a refresh, in its process.
    """
    return [_check(connection, name, description, cluster_id) for name, description in _CHECKS.items()]


def _check(connection: Connection, name: LiteralString, description: str, cluster_id: int | None) -> CheckResult:
    rows = connection.execute(statement(f"marts/{name}"), {"cluster_id": cluster_id}).fetchall()
    differences = tuple(f"cluster {row[0]}: {row[1]}" for row in rows)
    return CheckResult(name.removeprefix("check_"), description, not differences, differences)
