"""The one base of every error that a user may meet."""

from typing import ClassVar


class PipelineError(Exception):
    """What failed, where, and what to do, in one sentence without a secret.

    The command line prints it and exits with `exit_status`: 2 where the request itself makes no sense, else 1.
    """

    exit_status: ClassVar[int] = 1
