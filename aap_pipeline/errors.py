"""The one base of every error that a user may meet."""

from importlib import import_module
from types import ModuleType
from typing import ClassVar


class PipelineError(Exception):
    """What failed, where, and what to do, in one sentence without a secret.

    The command line prints it and exits with `exit_status`: 2 where the request itself makes no sense, else 1.
    """

    exit_status: ClassVar[int] = 1


def import_extra(module: str, extra: str) -> ModuleType:
    """Import `module`, which the optional dependencies `extra` bring. Raises PipelineError with the command to run."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise PipelineError(
            f"{error.name} is not installed. Run `pip install 'aap-pipeline[{extra}]'`, then try again."
        ) from None
