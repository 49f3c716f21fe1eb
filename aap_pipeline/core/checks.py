"""The asset checks of stage core: each reads its figures and decides."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.orchestration.verdict import Verdict
from aap_pipeline.reports.output import counted, listed

_UNPARSED_AFTER_SECONDS: Final = 3600


def host_totals(connection: Connection, cluster_id: int, audit: int = 200_000) -> tuple[int, list[int]]:
    """Check all jobs that are new since the last call, and the next `audit` others of a rotation through all jobs.

    Returns the number of checked jobs, and the external ids of those that disagree with their host summaries. Notes
    this progress only if all agree, so that a fault is found until it is repaired. The caller commits.
    """
    values = {"cluster_id": cluster_id, "audit": audit}
    [(checked, disagreeing)] = connection.execute(statement("core/check_host_totals"), values).fetchall()
    return checked, disagreeing


def nothing_unparsed(connection: Connection, cluster_id: int) -> Verdict:
    """Check that no raw row of the cluster has been unparsed for an hour."""
    values = {"cluster_id": cluster_id, "age": _UNPARSED_AFTER_SECONDS}
    [(rows, oldest)] = connection.execute(statement("core/check_unparsed"), values).fetchall()
    if not rows:
        return Verdict(True, "There is no unparsed raw row.", {"rows": 0})
    text = f"{counted(rows, 'raw row')} unparsed for over an hour, the oldest since {oldest:%Y-%m-%d %H:%M} UTC."
    return Verdict(False, text, {"rows": rows}, severe=True)


def nothing_rejected(connection: Connection, cluster_id: int, since: datetime) -> Verdict:
    """Check that no record of the cluster was rejected after `since`."""
    values = {"cluster_id": cluster_id, "since": since}
    found = connection.execute(statement("core/check_rejected"), values).fetchall()
    count, in_quarantine = sum(new for _, new, _ in found), sum(total for _, _, total in found)
    figures = {"new": count, "in_quarantine": in_quarantine}
    if not count:
        return Verdict(True, f"No record was rejected in the last day; in quarantine: {in_quarantine:,}.", figures)
    reasons = ", ".join(f"{reason} ({new:,})" for reason, new, _ in found if new)
    return Verdict(
        False, f"{counted(count, 'record was', 'records were')} rejected in the last day: {reasons}.", figures
    )


def clock_ran_backwards(connection: Connection, cluster_id: int, since: datetime) -> Verdict:
    """Count the jobs finished after `since` whose run time is unknown; never fails."""
    [(jobs,)] = connection.execute(
        statement("core/check_clocks"), {"cluster_id": cluster_id, "since": since}
    ).fetchall()
    text = f"By the controller's clocks, {counted(jobs, 'job')} of the last day finished before starting."
    return Verdict(True, text, {"jobs": jobs})


def provisional(connection: Connection, cluster_id: int) -> list[int]:
    """Return external ids of jobs that are still provisional an hour after the wait for host summaries ended."""
    deadline = application_settings.read(connection).summaries_deadline_minutes + 60
    values = {"cluster_id": cluster_id, "minutes": deadline}
    return [row[0] for row in connection.execute(statement("core/check_provisional"), values)]


def recount(connection: Connection, cluster_id: int, external_ids: Sequence[int]) -> None:
    """Recompute the host totals of the jobs from their host summaries. The caller commits."""
    connection.execute(statement("core/hold_time_zone"))
    timezone = application_settings.read(connection).reporting_timezone
    values = {"cluster_id": cluster_id, "external_ids": list(external_ids), "timezone": timezone}
    connection.execute(statement("core/recount_hosts"), values)


def host_totals_agree(checked: int, disagreeing: Sequence[int]) -> Verdict:
    """Return the verdict on a result of `host_totals`."""
    figures = {"checked": checked, "disagreeing": len(disagreeing)}
    if not disagreeing:
        return Verdict(True, f"{counted(checked, 'job was', 'jobs were')} checked.", figures)
    jobs = f"{counted(len(disagreeing), 'job')} differ from the host summaries: {listed(disagreeing)}"
    return Verdict(False, f"The host totals of {jobs}.", figures, severe=True)
