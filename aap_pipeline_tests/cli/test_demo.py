"""`aap-pipeline demo` as a stranger runs it, and what it printed against the specification's own queries."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aap_pipeline.database.statements import sql_folder
from aap_pipeline_tests.cli.processes import environment, finish, left_running

_DOCUMENT = (sql_folder().parent / "aap_pipeline_tests" / "data" / "database-schema.md").read_text(encoding="utf-8")
_QUERIES = ("Cost calculations", "gap filling", "unique_hosts")
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Demo:
    """A home on which the demo ran, and how that ended."""

    home: Path
    done: subprocess.CompletedProcess[str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command on the same home."""
        return finish(list(arguments), environment(self.home))

    def json(self, *arguments: str) -> Any:
        """What a command says to a script; numbers exact."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout, parse_float=Decimal)


@pytest.fixture(scope="module")
def demo(starts_server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo's first run on a fresh machine."""
    home = tmp_path_factory.mktemp("demo") / "home"
    yield Demo(home, finish(["demo"], environment(home)))
    shutil.rmtree(home)


def test_the_first_run_shows_the_whole_flow_and_leaves_no_process(demo: Demo) -> None:
    """Guards against a first impression that is an error, and against servers left behind."""
    assert demo.done.returncode == 0, demo.done.stdout + demo.done.stderr
    out = demo.done.stdout
    for name in ("demo-aap24", "demo-aap25", "demo-awx", "demo-synthetic"):
        assert re.search(rf"✓ {name} +[1-9][0-9,]* new jobs", out), out
    for words in ("Savings from", "ROI", "Savings by job template", "Jobs by month", "aap-pipeline up", "clusters add"):
        assert words in out
    assert "Traceback" not in demo.done.stderr
    assert left_running(demo.home) == []


def test_the_three_queries_of_the_specification_give_the_numbers_that_the_demo_printed(
    demo: Demo, tmp_path: Path
) -> None:
    """Guards against a demo that shows other numbers than the document's queries, pasted with the demo's dates."""
    printed = demo.done.stdout
    dates = re.search(r"Savings from (\S+) to (\S+), in USD", printed)
    assert dates is not None
    first, last = dates.groups()
    # The queries compare instants: as the document writes them, they end where their last day begins.
    after = str(date.fromisoformat(last) + timedelta(days=1))
    file = tmp_path / "specification.sql"
    file.write_text("\n".join(_pasted(words, first, after) for words in _QUERIES), encoding="utf-8")
    templates, days, [unique] = demo.json("sql", "-f", str(file))
    report = demo.json("report", "--from", first, "--to", after, "--by", "day", "--templates", "1000")

    for expected, found in zip(templates, report["templates"], strict=True):
        # The report adds the cluster to a shared name, and the end of a name beyond the column's 255 characters.
        assert found["name"].startswith(expected["name"])
        for key in ("runs", "successful_runs", "failed_runs", "elapsed", "num_hosts"):
            assert expected[key] == found[key]
        for key in ("manual_costs", "automated_costs", "savings"):
            assert abs(Decimal(expected[key]) - found[key]) < _CENT
    for row in templates[:10]:
        [line] = [line for line in printed.splitlines() if re.match(rf"\s*{re.escape(row['name'])}  ", line)]
        assert_printed(line, [Decimal(row[key]) for key in ("manual_costs", "automated_costs", "savings")])
    saved, by_hand = (sum((Decimal(row[key]) for row in templates), Decimal(0)) for key in ("savings", "manual_costs"))
    for figure, amount in (("saved", saved), ("manual", by_hand)):
        assert_printed(next(line for line in printed.splitlines() if re.match(rf"\s*{figure} +\$", line)), [amount])

    counts = [(row["date_bucket"][:10], row["job_count"], row["host_count"]) for row in days]
    charted = [(row["bucket_date"][:10], row["job_count"], row["host_count"]) for row in report["job_counts"]]
    assert counts == charted
    [ours] = demo.json(
        "sql", f"SELECT marts.unique_hosts('{first}', '{after}', organizations := ARRAY[1, 2, 3]) AS unique_hosts"
    )
    assert unique == ours
    assert unique["unique_hosts"] > 0


def assert_printed(line: str, amounts: list[Decimal]) -> None:
    """The line shows these amounts, rounded to a cent."""
    shown = [Decimal(amount.replace(",", "")) for amount in re.findall(r"\$([0-9,]+\.[0-9]{2})", line)]
    assert len(shown) == len(amounts), line
    assert all(abs(a - b) < _CENT for a, b in zip(shown, amounts, strict=True)), (line, amounts)


def _pasted(words: str, first: str, last: str) -> str:
    """The document's block that holds `words`, only its dates replaced."""
    blocks = (block.split("```")[0] for block in _DOCUMENT.split("```sql")[1:])
    block = next(block for block in blocks if words in block)
    return block.replace("2025-01-01", first).replace("2025-01-31", last)


def test_report_and_demo_print_one_range_and_the_same_figures(demo: Demo) -> None:
    """Guards against two commands that give the same data two ranges, one of which ends in the future."""
    report = demo.run("report").stdout
    assert report.strip()
    assert report.strip() in demo.done.stdout
    [last] = re.findall(r"Savings from \S+ to (\S+),", report)
    assert last <= str(datetime.now(UTC).date())


def test_the_second_run_syncs_only_what_is_new_and_remove_takes_everything_away(demo: Demo) -> None:
    """Guards against a demo that works once, and against test data that stays among one's own."""
    again = demo.run("demo")
    assert again.returncode == 0, again.stdout + again.stderr
    for name in ("demo-aap24", "demo-aap25", "demo-awx"):
        assert f"✓ {name}" in again.stdout
    counts = [int(count.replace(",", "")) for count in re.findall(r"([0-9,]+) new jobs?\b", again.stdout)]
    assert len(counts) == 4
    assert sum(counts) < 40
    assert left_running(demo.home) == []
    removed = demo.run("demo", "--remove")
    assert removed.stdout.startswith("Deleted 4 demo clusters and their 2,0")
    assert demo.json(
        "sql", "SELECT (SELECT count(*) FROM clusters_job) + (SELECT count(*) FROM clusters_cluster) AS n"
    ) == [{"n": 0}]
    assert "There are no savings yet" in demo.run("report").stderr
