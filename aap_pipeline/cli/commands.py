"""The commands, in the order in which a new user needs them, and the module of each."""

import importlib
from dataclasses import dataclass

import click
from click.shell_completion import CompletionItem


@dataclass(frozen=True)
class Entry:
    """A command: `module` defines the click command `command`; `summary` is its line in the list of commands."""

    module: str
    summary: str


SECTIONS: dict[str, dict[str, Entry]] = {
    "Run": {
        "demo": Entry("aap_pipeline.cli.demo", "Run the whole pipeline on simulated controllers."),
        "sync": Entry("aap_pipeline.cli.sync", "Copy new jobs from the controllers and compute the savings."),
        "up": Entry("aap_pipeline.cli.up", "Run PostgreSQL, the Dagster UI and its daemon until Ctrl-C."),
    },
    "Look": {
        "report": Entry("aap_pipeline.cli.report", "Show what the automation saved."),
        "export": Entry("aap_pipeline.cli.export", "Write the marts to Parquet files, one per month."),
        "bi": Entry("aap_pipeline.cli.bi", "Install dashboards in Superset; write those of Grafana and dbt."),
        "sql": Entry("aap_pipeline.cli.sql", "Run SQL on the database (read-only by default)."),
    },
    "Configure": {
        "clusters": Entry("aap_pipeline.cli.clusters", "Add, change, import, check and remove controllers."),
        "costs": Entry("aap_pipeline.cli.costs", "Show and set cost rates and their history."),
        "templates": Entry("aap_pipeline.cli.templates", "Set the minutes of job templates, or exclude them."),
        "access": Entry("aap_pipeline.cli.access", "Show and set which organizations a database role sees."),
        "settings": Entry("aap_pipeline.cli.settings", "Show and change the application settings."),
        "keys": Entry("aap_pipeline.cli.keys", "Make encryption keys."),
    },
    "Operate": {
        "reconcile": Entry("aap_pipeline.cli.reconcile", "Compare each day with the controller; fetch missing jobs."),
        "rejected": Entry("aap_pipeline.cli.rejected", "Show and replay quarantined documents."),
        "rebuild": Entry("aap_pipeline.cli.rebuild", "Rebuild core from the archive, or the marts from core."),
        "alerts": Entry("aap_pipeline.cli.alerts", "Show incidents; test the alert receivers."),
        "status": Entry("aap_pipeline.cli.status", "Show the sync state, one line per cluster."),
        "metrics": Entry("aap_pipeline.cli.metrics", "Serve metrics for Prometheus until Ctrl-C."),
        "doctor": Entry("aap_pipeline.cli.doctor", "Check the installation and report what to fix."),
        "migrate": Entry("aap_pipeline.cli.migrate", "Migrate the database to this release's schema."),
    },
}
"""Commands by section of `aap-pipeline --help`. Add a line here and a module beside this one."""


class LazyCommands(click.Group):
    """A group that imports a command's module only to run the command or to print its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands, by section."""
        return [name for entries in SECTIONS.values() for name in entries]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load the command; None for an unknown name."""
        entry = next((entries[cmd_name] for entries in SECTIONS.values() if cmd_name in entries), None)
        if entry is None:
            return None
        command: click.Command = importlib.import_module(entry.module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the summaries, without importing any."""
        width = max(map(len, self.list_commands(ctx)))
        for section, entries in SECTIONS.items():
            if entries:
                with formatter.section(section):
                    formatter.write_dl([(name.ljust(width), entry.summary) for name, entry in entries.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete command names for the shell, without importing any."""
        entries = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
        offered = [
            CompletionItem(name, help=entry.summary) for name, entry in entries.items() if name.startswith(incomplete)
        ]
        return [*offered, *click.Command.shell_complete(self, ctx, incomplete)]
