"""`aap-pipeline report`: reports on the terminal or as files, and saved reports."""

import re
import shlex
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text

from aap_pipeline.cli.context import note_behind, warehouse_connection
from aap_pipeline.cli.values import Whole, day_option, file, require_range, text, with_options
from aap_pipeline.database.connection import Connection
from aap_pipeline.reports import files, saved
from aap_pipeline.reports.output import console, json_option, print_json, print_rows
from aap_pipeline.reports.page import markdown
from aap_pipeline.reports.question import FILTERS, Question, currency_code, days_of, ids_of
from aap_pipeline.reports.summary import Summary, quarantine_line, summarize

_LONGEST_NAME: Final = 100


def _report_name(value: str) -> str:
    """Reject a name that a mail's subject or Dagster, where it is a partition key, cannot have."""
    if not text(value).isprintable() or len(value) > _LONGEST_NAME or "..." in value:
        raise click.BadParameter(
            f"{value[:_LONGEST_NAME]!r} is not a valid name. Use at most {_LONGEST_NAME} printable characters "
            "without '...'."
        )
    return value


def _address(value: str) -> str:
    if not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+", value):
        raise click.BadParameter(f"{value!r} is not a valid address. Use name@company.com.")
    return value


_QUESTION = (
    day_option("--from", "from_date", help="First day, 2026-01-31. Default: first with data."),
    day_option("--to", "to_date", help="Last day, inclusive."),
    click.option(
        "--range",
        "--period",
        "period",
        metavar="NAME",
        help="Named range instead of days: last-quarter, this-fiscal-year, last-30-days, month-to-date, …",
    ),
    *(
        click.option(
            f"--{kind.removeprefix('job_')}",
            attribute,
            multiple=True,
            type=text,
            metavar="NAME",
            help=f"Only this {kind.replace('_', ' ')}; may be repeated, for runs with any of them.",
        )
        for attribute, kind in FILTERS.items()
    ),
    click.option("--as-recorded", is_flag=True, help="Use the rates and minutes of each run's day."),
    click.option(
        "--currency", type=currency_code, metavar="CODE", help="Convert the money by a rate of `settings fx`."
    ),
    click.option(
        "--by",
        "granularity",
        type=click.Choice(["hour", "day", "week", "month", "year"]),
        help="Grain of the chart of jobs.",
    ),
)
_FORMS = (
    click.option("--html", type=file, metavar="FILE", help="Write one self-contained page."),
    click.option("--pdf", type=file, metavar="FILE", help="Write the page as PDF (Chromium or the extra `pdf`)."),
    click.option("--csv", type=file, metavar="FOLDER", help="Write one CSV file per table."),
    click.option("--xlsx", type=file, metavar="FILE", help="Write a workbook (the extra `xlsx`)."),
    click.option(
        "--templates", type=Whole(min=1), default=10, show_default=True, help="Number of job templates to print."
    ),
    json_option,
)


@click.group("report", invoke_without_command=True)
@with_options(_QUESTION)
@with_options(_FORMS)
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Show totals, savings by job template and jobs over time, on the terminal or as files.

    Days are in the reporting time zone (setting reporting_timezone). The figures come from the functions marts.totals,
    marts.savings_by_template, …, which BI tools can call as well.
    """
    if context.invoked_subcommand is None:
        question = _question(options)
        with warehouse_connection() as connection:
            _show(connection, question, "Automation savings", options)
    elif any(options[field.name] for field in fields(Question)):
        raise click.UsageError(f"Put filters and ranges after `report {context.invoked_subcommand}`.")


@command.command(short_help="Save a report under a name.")
@click.argument("name", type=_report_name)
@with_options(_QUESTION)
@click.option(
    "--schedule",
    type=click.Choice(list(saved.SCHEDULES)),
    help="When to create it; monthly: on the 1st at 06:00.",
)
@click.option("--mail-to", multiple=True, type=_address, metavar="ADDRESS", help="Mail it each time; may be repeated.")
def save(name: str, schedule: str | None, mail_to: tuple[str, ...], **options: Any) -> None:
    """Save a report's filters and range as NAME, replacing an existing one."""
    question = _question(options)
    if mail_to and not schedule:
        raise click.UsageError("--mail-to needs --schedule. To mail a report once, run `report run NAME --mail`.")
    if schedule and (question.from_date or question.to_date):
        raise click.UsageError(
            "A scheduled report with fixed days never changes. Use --range instead of --from and --to."
        )
    with warehouse_connection() as connection:
        ids_of(connection, question)
        if question.period:
            days_of(connection, question.period)
        saved.save(connection, saved.SavedReport(name, question, schedule, mail_to))
    click.echo(f"Saved. To show it, run `aap-pipeline report run {shlex.quote(name)}`.")


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """List the saved reports."""
    with warehouse_connection() as connection:
        found = saved.saved_reports(connection)
    rows = [vars(each) | {"question": _words(each.question), "mail_to": ", ".join(each.mail_to)} for each in found]
    headers = {"name": "Name", "question": "Content", "schedule": "Schedule", "mail_to": "Mailed to"}
    print_rows(headers | {"saved_at": "Saved (UTC)", "done_for": "Last created for"}, rows, as_json=as_json)


@command.command(short_help="Show a saved report, or write it to files.")
@click.argument("name")
@with_options(_FORMS)
@click.option("--mail", is_flag=True, help="Also mail it to its addresses now.")
def run(name: str, mail: bool, **options: Any) -> None:
    """Create the saved report NAME now, in any form of `report`."""
    with warehouse_connection() as connection:
        report = saved.saved_report(connection, name)
        summary = _show(connection, report.question, name, options)
    if mail:
        from aap_pipeline.alerts.report_assets import mail_report  # loads Dagster

        mail_report(report, summary)
        click.echo(f"Mailed to {', '.join(report.mail_to)}.")


@command.command()
@click.argument("name")
def delete(name: str) -> None:
    """Delete the saved report NAME."""
    with warehouse_connection() as connection:
        saved.delete(connection, name)
    click.echo(f"Deleted {name!r}.")


def print_summary(console: Console, summary: Summary, most_templates: int = 10) -> None:
    """Print the Markdown of `summary`, with the `most_templates` templates that saved most."""
    with console.capture() as printed:
        console.print(Markdown(markdown(summary, most_templates, console.width)))
    console.file.write(re.sub(" +$", "", printed.get(), flags=re.MULTILINE))  # Markdown fills lines up to the width
    if line := quarantine_line(summary.in_quarantine):
        console.print(Text(line, "yellow"))


def _question(options: dict[str, Any]) -> Question:
    question = Question(**{field.name: options[field.name] for field in fields(Question)})
    if question.period and (question.from_date or question.to_date):
        raise click.UsageError("Use --range, or --from and --to, not both.")
    require_range(question.from_date, question.to_date, ("--from", "--to"))
    return question


def _show(connection: Connection, question: Question, title: str, options: dict[str, Any]) -> Summary:
    summary = summarize(connection, question)
    note_behind(connection)
    written: dict[str, Path] = {form: options[form] for form in files.WRITERS if options[form]}
    try:
        for form, path in written.items():
            files.WRITERS[form](summary, path, title)
    except OSError as error:
        raise click.UsageError(f"Cannot write {error.filename}: {error.strerror}. Use another path.") from None
    if options["as_json"]:
        print_json(asdict(summary))
    elif not written:
        print_summary(console(), summary, options["templates"])
    for path in written.values():
        click.echo(f"Wrote {path}", err=options["as_json"])
    return summary


def _words(question: Question) -> str:
    chosen = {each.name: value for each in fields(question) if (value := getattr(question, each.name))}
    return ", ".join(
        f"{key}: {', '.join(value) if isinstance(value, tuple) else value}" for key, value in chosen.items()
    )
