"""`aap-pipeline doctor`."""

from dataclasses import asdict

import click

from aap_pipeline.cli.context import database
from aap_pipeline.health.doctor import examine
from aap_pipeline.reports.output import json_option, print_json, print_marked
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
    for finding in () if as_json else findings:
        print_marked(finding.verdict, f"{finding.subject.ljust(15)} {finding.text}")
    return 1 if any(finding.verdict == "failed" for finding in findings) else 0
