"""`aap-pipeline doctor`."""

from dataclasses import asdict

import click

from aap_pipeline.cli.context import database
from aap_pipeline.health.doctor import Health, examine
from aap_pipeline.reports.output import cell, console, json_option, print_json
from aap_pipeline.settings import Settings


@click.command(name="doctor")
@json_option
def command(as_json: bool) -> int:
    """Check disk, database, clock, schema, settings, encryption key, clusters, tokens, alerts and daemon, and report
    what to fix.

    It sends no request to a controller; `aap-pipeline clusters check` does. Exit status 1 if a check failed; warnings
    do not count.
    """
    settings = Settings()
    with database(settings) as url:
        findings = list(examine(settings, url))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        marks = {Health.OK: "[green]✓[/]", Health.WARNING: "[yellow]![/]", Health.FAILED: "[red]✗[/]"}
        for finding in findings:
            console().print(marks[finding.verdict], cell(f"{finding.subject.ljust(15)} {finding.text}"))
    return 1 if any(finding.verdict is Health.FAILED for finding in findings) else 0
