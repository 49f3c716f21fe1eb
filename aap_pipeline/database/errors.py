"""What can go wrong between us and PostgreSQL, in words for the person who must mend it."""

from aap_pipeline.errors import PipelineError


class WarehouseError(PipelineError):
    """The database, its schema or its data directory is not as it must be."""


class DatabaseUnreachable(WarehouseError):
    """No connection to PostgreSQL: the server, the address, the password or the certificate."""


class DatabaseRefused(WarehouseError):
    """PostgreSQL refuses a statement for good: the role lacks a right, or the server is a standby."""


class WrongEncoding(WarehouseError):
    """The database's encoding is not UTF8."""


class EmbeddedServerError(WarehouseError):
    """The embedded PostgreSQL cannot start or cannot keep its data."""


class DataDirectoryInUse(EmbeddedServerError):
    """Another process that is alive holds the embedded server's data directory."""
