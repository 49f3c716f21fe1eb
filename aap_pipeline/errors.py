"""The one base of every error that a user may meet."""


class PipelineError(Exception):
    """What failed, where, and what to do, in one sentence that holds no secret; the command line prints it and exits with 1."""
