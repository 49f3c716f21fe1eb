"""Decide the results of the asset checks from the figures of `core.checks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aap_pipeline.core.checks import HostTotals, Unparsed
from aap_pipeline.orchestration.verdict import Verdict

_SHOWN = 20


def nothing_unparsed(found: Sequence[Unparsed]) -> Verdict:
    """Check that no raw row has been unparsed for an hour."""
    rows = sum(each.rows for each in found)
    if not rows:
        return Verdict(True, "There is no unparsed raw row.", {"rows": 0})
    oldest = min(each.oldest for each in found)
    text = f"{rows:,} raw rows have been unparsed for over an hour, the oldest since {oldest:%Y-%m-%d %H:%M} UTC."
    return Verdict(False, text, {"rows": rows}, severe=True)


def nothing_rejected(new: Mapping[tuple[int, str], int], all_time: Mapping[tuple[int, str], int]) -> Verdict:
    """Check that no record was rejected in the last day; the arguments are {(cluster id, reason): count}."""
    count, total = sum(new.values()), sum(all_time.values())
    figures = {"new": count, "in_quarantine": total}
    if not count:
        return Verdict(True, f"No record was rejected in the last day; {total:,} are in quarantine.", figures)
    reasons = ", ".join(f"{reason} ({number:,})" for (_, reason), number in sorted(new.items()))
    return Verdict(False, f"{count:,} records were rejected in the last day: {reasons}.", figures)


def host_totals_agree(found: HostTotals) -> Verdict:
    """Check that the host totals of the compared jobs equal their host summaries."""
    figures = {"checked": found.checked, "disagreeing": len(found.disagreeing)}
    if not found.disagreeing:
        return Verdict(True, f"{found.checked:,} jobs were checked.", figures)
    jobs = listed(found.disagreeing)
    text = f"The host totals of {len(found.disagreeing):,} jobs differ from their host summaries: {jobs}."
    return Verdict(False, text, figures, severe=True)


def jobs_without_hosts(found: Mapping[str, int]) -> Verdict:
    """Count the jobs of the last day that the specification's queries leave out, {status: count}; never fails."""
    total = sum(found.values())
    text = f"{total:,} successful or failed jobs of the last day had no host and count towards no figure."
    return Verdict(True, text, dict(found))


def clock_ran_backwards(jobs: int) -> Verdict:
    """Count the jobs of the last day whose run time is unknown; never fails."""
    text = f"By the controller's clocks, {jobs:,} jobs of the last day finished before they started."
    return Verdict(True, text, {"jobs": jobs})


def none_provisional(external_ids: Sequence[int]) -> Verdict:
    """Check that no job is provisional past its deadline."""
    if not external_ids:
        return Verdict(True, "No job is provisional past its deadline.", {"jobs": 0})
    text = f"{len(external_ids):,} jobs are provisional past their deadline: {listed(external_ids)}."
    return Verdict(False, text, {"jobs": len(external_ids)})


def listed(ids: Sequence[int]) -> str:
    """Format the first ids for a sentence."""
    return ", ".join(map(str, ids[:_SHOWN])) + (", …" if len(ids) > _SHOWN else "")
