"""`python -m benchmarks`: run the benchmarks one after the other and store their results."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import document
from benchmarks.machine import load, machine, versions
from benchmarks.plan import BENCHMARKS, Benchmark, chosen
from benchmarks.results import Figure, load_all, merged, save
from benchmarks.targets import TARGETS, Results

_FOLDER = Path(__file__).parent / "results"
EPILOG = """\b
Examples:
  python -m benchmarks                         # what fits into some minutes
  python -m benchmarks --full                  # everything: about an hour on 2 cores, 30 GB of disk
  python -m benchmarks --only core --only marts_100k
  python -m benchmarks.core --help             # one benchmark by hand: figures as JSON lines, nothing kept
  python -m benchmarks.document                # write docs/benchmarks.md anew from the kept results

\b
Each figure stands beside a limit or a baseline that was measured in the same run, since times alone say more of the
machine than of the program. Stop other work first: the load while measuring is kept with the result.

\b
Benchmarks (+: only with --full):
""" + "\n".join(f"{' ' if each.quick is not None else '+'} {each.name:<15} {each.question}" for each in BENCHMARKS)


@click.command(epilog=EPILOG)
@click.option("--full", is_flag=True, help="Every size, instead of those that take minutes.")
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    type=click.Choice([each.name for each in BENCHMARKS]),
    help="Only this benchmark; may be repeated. One that only --full has runs in its full size.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=_FOLDER,
    show_default="benchmarks/results",
    help="Folder for the results, one JSON file per benchmark.",
)
@click.option("--docs/--no-docs", default=True, show_default=True, help="Write docs/benchmarks.md from all results.")
def main(*, full: bool, only: tuple[str, ...], out: Path, docs: bool) -> None:
    """Measure aap_pipeline: fetch, raw, core, marts, end to end, freshness; each against a limit or a baseline."""
    todo = chosen(full=full, only=only)
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("[bold]{task.description:<15}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}"),
    )
    failed: dict[str, str] = {}
    with Progress(*columns, console=console) as progress:
        for benchmark, arguments, runs in todo:
            task = progress.add_task(benchmark.name, total=None, last="")
            try:
                found = _measure(benchmark, arguments, runs, partial(_tell, progress, task))
                save(out, benchmark.name, found)
                progress.update(task, total=1, completed=1, last=f"{len(found['figures'])} figures")
            except subprocess.CalledProcessError as error:
                failed[benchmark.name] = (error.stderr or "").strip() or "no message"
                progress.update(task, total=1, completed=1, last="[red]failed")
    _print_targets(console, load_all(out))
    if docs:
        console.print(f"Written: {document.write(out)}")
    for name, said in failed.items():
        console.print(f"\nOutput of {name}:\n{said}", markup=False)
    if failed:
        raise click.ClickException(f"These benchmarks failed, and their last results are kept: {', '.join(failed)}.")


def _tell(progress: Progress, task: TaskID, line: str) -> None:
    """Print a figure above the progress, which shows its beginning."""
    progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
    progress.update(task, last=line[:60])


def _print_targets(console: Console, results: Results) -> None:
    """Print the targets of the issues with the stored results."""
    table = Table("", "target", "limit", "measured", box=None)
    for target in TARGETS:
        value = target.measured(results)
        outcome = "[dim]–" if value is None else "[green]met" if target.met(value) else "[red]missed"
        limit = f"{'≥' if target.at_least else '≤'} {target.limit:,g} {target.unit}"
        table.add_row(outcome, target.text, limit, "–" if value is None else f"{value:,.3g} {target.unit}")
    console.print(table)


def _measure(benchmark: Benchmark, arguments: list[str], runs: int, notify: Callable[[str], object]) -> dict[str, Any]:
    """Run a benchmark's module in processes of its own; the document to keep."""
    before, begun, started = load(), datetime.now(UTC), time.monotonic()
    collected = [_run(benchmark, arguments, notify) for _ in range(runs)]
    return {
        "benchmark": benchmark.name,
        "question": benchmark.question,
        "command": " ".join(["python -m", f"benchmarks.{benchmark.module}", *arguments]),
        "runs": runs,
        "measured_at": begun.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - started, 1),
        "load_before": before,
        "load_after": load(),
        "machine": machine(),
        "versions": versions(),
        "figures": merged(collected),
    }


def _run(benchmark: Benchmark, arguments: list[str], notify: Callable[[str], object]) -> list[Figure]:
    command = [sys.executable, "-m", f"benchmarks.{benchmark.module}", *arguments]
    figures: list[Figure] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        for line in child.stdout:
            figures.append(json.loads(line))
            notify(line.strip())
        message = child.stderr.read()
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command, stderr=message)
    return figures


if __name__ == "__main__":
    main()
