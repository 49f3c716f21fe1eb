"""What the findings of `core.checks` mean: decisions over plain figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aap_pipeline.core.checks import HostTotals, Unparsed
from aap_pipeline.orchestration.verdict import Verdict

_SHOWN = 20


def nothing_unparsed(found: Sequence[Unparsed]) -> Verdict:
    """No raw row of the cluster has waited for an hour."""
    rows = sum(each.rows for each in found)
    if not rows:
        return Verdict(True, "No raw row waits.", {"rows": 0})
    oldest = min(each.oldest for each in found)
    text = f"{rows:,} raw rows have waited for more than an hour, the oldest since {oldest:%Y-%m-%d %H:%M} UTC."
    return Verdict(False, text, {"rows": rows}, severe=True)


def nothing_rejected(new: Mapping[tuple[int, str], int], all_time: Mapping[tuple[int, str], int]) -> Verdict:
    """No record was refused since yesterday; {(cluster id, reason): count}."""
    count, total = sum(new.values()), sum(all_time.values())
    figures = {"new": count, "in_quarantine": total}
    if not count:
        return Verdict(True, f"Nothing was refused in the last day; {total:,} records are in quarantine.", figures)
    reasons = ", ".join(f"{reason} ({number:,})" for (_, reason), number in sorted(new.items()))
    return Verdict(False, f"{count:,} records were refused in the last day: {reasons}.", figures)


def host_totals_agree(found: HostTotals) -> Verdict:
    """The host statistics of each job that was looked at are those of its host summaries."""
    figures = {"checked": found.checked, "disagreeing": len(found.disagreeing)}
    if not found.disagreeing:
        return Verdict(True, f"{found.checked:,} jobs were checked.", figures)
    jobs = listed(found.disagreeing)
    text = f"Jobs with host totals that differ from their host summaries ({len(found.disagreeing):,}): {jobs}."
    return Verdict(False, text, figures, severe=True)


def jobs_without_hosts(found: Mapping[str, int]) -> Verdict:
    """Always holds: it counts what the specification's queries leave out; {status: count} of the last day."""
    total = sum(found.values())
    text = f"{total:,} successful or failed jobs of the last day had no host, and count towards nothing."
    return Verdict(True, text, dict(found))


def clock_ran_backwards(jobs: int) -> Verdict:
    """Always holds: it counts the jobs of the last day whose run time is not known."""
    text = f"The controller reported a finish before the start of {jobs:,} jobs of the last day."
    return Verdict(True, text, {"jobs": jobs})


def none_provisional(external_ids: Sequence[int]) -> Verdict:
    """No job is provisional past its deadline."""
    if not external_ids:
        return Verdict(True, "No job is provisional past its deadline.", {"jobs": 0})
    text = f"{len(external_ids):,} jobs are provisional past their deadline: {listed(external_ids)}."
    return Verdict(False, text, {"jobs": len(external_ids)})


def listed(ids: Sequence[int]) -> str:
    """The first ids, for a sentence."""
    return ", ".join(map(str, ids[:_SHOWN])) + (", …" if len(ids) > _SHOWN else "")
