"""The one base of every error that a user may meet."""


class PipelineError(Exception):
    """What failed, where, and what to do, in one sentence without a secret. The command line prints it and exits 1."""
