"""Asset checks of stage marts: no stale changes after each sync, equality with core each night."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, LiteralString

from dagster import AssetCheckExecutionContext, AssetCheckResult, multi_asset_check

from aap_pipeline.clusters.partitions import cluster_step
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.marts.refresh import refresh
from aap_pipeline.orchestration.checks import Check, result, specs
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.verdict import Verdict
from aap_pipeline.reports.output import counted

ASSET: Final = ("marts", "savings_daily")
_LEFT_MINUTES: Final = 10
_LEFT: Final = "marts/check_left"
_COMPARED: Final[dict[str, LiteralString]] = {
    "sums": "marts/check_sums",  # runs, hosts and elapsed time of savings_daily equal those of core
    "unique_hosts": "marts/check_unique_hosts",  # by the bitmaps, and by a distinct count over core
    "additivity": "marts/check_additivity",  # months equal the sums of their days
    "nothing_left": _LEFT,  # no changed day or changed rate
}

REFRESHED = Check(
    "refreshed",
    "Every change of jobs, rates or minutes that is older than ten minutes is in the marts.",
    "Run `aap-pipeline sync --cluster NAME`, which refreshes the marts or prints the error, or launch `catch_up` "
    "for this cluster. No change is lost.",
)
EQUAL_CORE = Check(
    "marts_equal_core",
    "Runs, hosts, elapsed time and unique hosts equal those of core, and months equal their days.",
    "Run `aap-pipeline rebuild marts --cluster NAME`, and report the difference as a bug.",
)


def nothing_overdue(notes: int, oldest: datetime | None) -> Verdict:
    """Check that no noted change is overdue."""
    if not notes or oldest is None:
        return Verdict(True, "Every change is in the marts.", {"notes": 0})
    text = (
        f"{counted(notes, 'change is', 'changes are')} not in the marts yet, the oldest of {oldest:%Y-%m-%d %H:%M} UTC."
    )
    return Verdict(False, text, {"notes": notes})


@multi_asset_check(name="marts_checks", specs=specs(ASSET, [REFRESHED]))
def marts_checks(context: AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[AssetCheckResult]:
    with cluster_step(context, warehouse) as (connection, cluster):
        values = {"cluster_id": cluster.id, "minutes": _LEFT_MINUTES}
        found = [row[2:] for row in connection.execute(statement(_LEFT), values)] or [(0, None)]
    yield result(ASSET, REFRESHED, nothing_overdue(*found[0]), cluster.name)


@multi_asset_check(name="marts_audit", specs=specs(ASSET, [EQUAL_CORE]))
def marts_audit(context: AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[AssetCheckResult]:
    with cluster_step(context, warehouse) as (connection, cluster):
        verdict = verified_equality(connection, cluster.id)
    yield result(ASSET, EQUAL_CORE, verdict, cluster.name)


def verified_equality(connection: Connection, cluster_id: int) -> Verdict:
    """Compare after a refresh, and repeat it after a difference, which a concurrent sync may have caused."""
    for _ in range(2):
        connection.commit()
        refresh(connection, cluster_id)
        connection.commit()
        lines = [f"{name}: {line}" for name, found in differences(connection, cluster_id).items() for line in found]
        if not lines:
            return Verdict(True, "The marts equal core.", {"differences": 0})
    return Verdict(False, "; ".join(lines[:10]) + ".", {"differences": len(lines)}, severe=True)


def differences(connection: Connection, cluster_id: int | None = None) -> dict[str, list[str]]:
    """{comparison: a line per cluster that differs} of one cluster or all. It reads all of core, which takes seconds.

    A sync that commits meanwhile can cause a difference, so compare after a refresh, in its process.
    """
    found = {}
    for name, file in _COMPARED.items():
        rows = connection.execute(statement(file), {"cluster_id": cluster_id, "minutes": 0}).fetchall()
        found[name] = [f"cluster {row[0]}: {row[1]}" for row in rows]
    return {name: lines for name, lines in found.items() if lines}
