"""The commands, in the order in which a new user needs them."""

import importlib

import click

SECTIONS = {
    "Run": {
        "demo": "Run the whole pipeline on simulated controllers.",
        "sync": "Copy new jobs from the controllers and compute the savings.",
        "up": "Run PostgreSQL, the Dagster UI and its daemon until Ctrl-C.",
    },
    "Look": {
        "report": "Show what the automation saved.",
        "export": "Write the marts to Parquet files, one per month.",
        "bi": "Install dashboards in Superset; write those of Grafana and dbt.",
        "sql": "Run SQL on the database (read-only by default).",
    },
    "Configure": {
        "clusters": "Add, change, import, check and remove controllers.",
        "costs": "Show and set cost rates and their history.",
        "templates": "Set the minutes of job templates, or exclude them.",
        "access": "Show and set which organizations a database role sees.",
        "settings": "Show and change the application settings.",
        "keys": "Make encryption keys.",
    },
    "Operate": {
        "reconcile": "Compare each day with the controller; fetch missing jobs.",
        "rejected": "Show and replay quarantined documents.",
        "rebuild": "Rebuild core from the archive, or the marts from core.",
        "alerts": "Show incidents; test the alert receivers.",
        "status": "Show the sync state, one line per cluster.",
        "metrics": "Serve metrics for Prometheus until Ctrl-C.",
        "doctor": "Check the installation and report what to fix.",
        "migrate": "Migrate the database to this release's schema.",
    },
}
"""{section of `aap-pipeline --help`: {command: its line there}}. The module beside this one defines `command`."""


class LazyCommands(click.Group):
    """A group that imports a command's module only to run the command or to print its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for entries in SECTIONS.values() for name in entries]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"aap_pipeline.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.list_commands(ctx)))
        for section, entries in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name.ljust(width), summary) for name, summary in entries.items()])
