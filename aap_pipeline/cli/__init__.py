"""The command `aap-pipeline`. Importing this module loads no subcommand; each is loaded when it is run."""

import codecs
import errno
import gc
import io
import signal
import sys
import unicodedata
from types import FrameType
from typing import NoReturn

import click

from aap_pipeline import __version__
from aap_pipeline.cli.commands import LazyCommands
from aap_pipeline.errors import PipelineError

_SUBSTITUTE = "aap_pipeline.substitute"
_SUBSTITUTES = dict(zip("✓✗–−×→“”’│─┼┤▁▂▃▄▅▆▇█", '+x--x>""\'|-++_.:-=+*#', strict=True))
_IMPORTS = 50_000
"""Threshold of the garbage collector, which with its default of 700 takes a fifth of the import time."""
_INTERRUPTED = 130
_TERMINATED = 143


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="aap-pipeline")
def aap_pipeline() -> None:
    """Copy the run history of Ansible Automation Platform controllers into PostgreSQL and maintain savings tables
    that BI tools read in milliseconds.

    \b
    New here?
      aap-pipeline demo                       the whole pipeline on simulated controllers, in about a minute
      aap-pipeline clusters add https://aap.example.com --name prod --token-file token.txt
      aap-pipeline sync                       copy its history and compute the savings
      aap-pipeline report                     what the automation saved
      aap-pipeline up                         the Dagster UI and automatic syncs

    AAP_PIPELINE_DATABASE_URL names a database on PostgreSQL 15 or later. If it is not set, commands start an embedded
    PostgreSQL that keeps its data under .aap-pipeline (AAP_PIPELINE_HOME).

    Exit status: 0 if everything worked, 1 if something failed, 2 if the command line is not valid, 130 after Ctrl-C.
    Commands that print tables take --json for scripts.
    """


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit status. Expected errors print one message and no traceback."""
    gc.set_threshold(_IMPORTS)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_SUBSTITUTE)
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        status = aap_pipeline.main(args=arguments, prog_name="aap-pipeline", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return _INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except PipelineError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_status
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        click.echo(f"Error: Cannot write the output: {error.strerror}. Free disk space and try again.", err=True)
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)
    return status if isinstance(status, int) else 0


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    """End the command on SIGTERM as on Ctrl-C, so that it stops what it started."""
    sys.exit(_TERMINATED)


def _substitute(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that the terminal cannot print: by similar ASCII, else by a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wrong = error.object[error.start : error.end]
    plain = (_SUBSTITUTES.get(each, unicodedata.normalize("NFKD", each)) for each in wrong)
    return "".join(each.encode("ascii", "ignore").decode() or "?" for each in plain), error.end


codecs.register_error(_SUBSTITUTE, _substitute)
