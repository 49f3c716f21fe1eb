"""Errors of the connection to PostgreSQL, its schema and the embedded server."""

from aap_pipeline.errors import PipelineError


class DatabaseUnreachable(PipelineError):
    """No connection to PostgreSQL: the server, the address, the password or the certificate."""


class EmbeddedServerError(PipelineError):
    """The embedded PostgreSQL cannot start or cannot write its data."""


class DataDirectoryInUse(EmbeddedServerError):
    """Another running process uses the embedded server's data directory."""
