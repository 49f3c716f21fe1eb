"""`aap-pipeline report`: what the automation saved."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

import click

from aap_pipeline.cli.context import note_behind, warehouse_connection
from aap_pipeline.cli.values import Day, Whole, require_range
from aap_pipeline.clusters.registry import cluster_named
from aap_pipeline.reports.output import console, json_option, print_json
from aap_pipeline.reports.summary import named_period, summarize
from aap_pipeline.reports.terminal import print_summary


@click.command("report")
@click.option("--from", "from_date", type=Day(), metavar="DAY", help="First day, 2026-01-31. Default: all there is.")
@click.option("--to", "to_date", type=Day(), metavar="DAY", help="Last day, included.")
@click.option(
    "--period", metavar="NAME", help="A named range in place of days: last_quarter, this_year, last_30_days, …."
)
@click.option("--cluster", "names", multiple=True, metavar="NAME", help="Only this cluster; may be repeated.")
@click.option(
    "--by", "granularity", type=click.Choice(["hour", "day", "week", "month", "year"]), help="Steps of the chart."
)
@click.option("--templates", type=Whole(min=0), default=10, show_default=True, help="How many job templates to list.")
@json_option
def command(
    from_date: date | None,
    to_date: date | None,
    period: str | None,
    names: tuple[str, ...],
    granularity: str | None,
    templates: int,
    as_json: bool,
) -> None:
    """Show totals, savings by job template and jobs over time.

    Days are days of the reporting time zone (setting reporting_timezone). The figures are those of
    marts.totals, marts.savings_by_template and marts.job_counts, which BI tools call too.
    """
    if period and (from_date or to_date):
        raise click.UsageError("Use --period, or --from and --to, not both.")
    require_range(from_date, to_date, ("--from", "--to"))
    with warehouse_connection() as connection:
        ids = [cluster_named(connection, name).id for name in names]
        first, last = named_period(connection, period) if period else (from_date, to_date)
        summary = summarize(connection, first, last, ids or None, granularity)
        note_behind(connection)
    if as_json:
        print_json(asdict(summary))
    else:
        print_summary(console(), summary, templates)
