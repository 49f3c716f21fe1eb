"""The base class of every error that users see."""

from importlib import import_module
from types import ModuleType
from typing import ClassVar


class PipelineError(Exception):
    """An error whose message states what failed, where, and what to do, without secrets.

    The command line prints it and exits with `exit_status`.
    """

    exit_status: ClassVar[int] = 1


class BadInput(PipelineError):
    """What a user has entered is not valid. The message has one line per fault."""

    exit_status = 2


def import_extra(module: str, extra: str) -> ModuleType:
    """Import a `module` of the optional dependencies `extra`. Raises PipelineError with the pip command to run."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise PipelineError(
            f"{error.name} is not installed. Run `pip install 'aap-pipeline[{extra}]'`, then try again."
        ) from None
